"""What Stripe can do; apart from its client, which loads Stripe's library."""

from services.order_dispatch.payments.domain.protocol import ServiceDescriptor

#: Currencies whose minor unit at Stripe differs from ISO 4217: ISK and UGX are sent with two decimals that must be 00,
#: MGA without decimals (docs.stripe.com/currencies#special-cases and #zero-decimal, read 2026-11-30).
MINOR_UNIT_DIFFERS = frozenset({"ISK", "MGA", "UGX"})
#: "5.124 KWD must be rounded to 5120 or 5130" (docs.stripe.com/currencies#three-decimal, read 2026-11-30). The amounts
#: of the zero-decimal currencies are those of ISO 4217; HUF and TWD are without decimals only in payouts.
THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def _chargeable_step(currency: str) -> int:
    return 10 if currency in THREE_DECIMALS else 1


#: Whether one authorization can be captured several times depends on the card and the account's pricing.
STRIPE = ServiceDescriptor(captures_several=True, chargeable_step=_chargeable_step)
