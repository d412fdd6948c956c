"""Payment services by name, as a provider's `payment` setting refers to them."""

from collections.abc import Callable, Mapping

from libs.kit import Kit
from services.order_dispatch.payments.domain.protocol import PaymentService
from services.order_dispatch.payments.sandbox import open_sandbox


def open_stripe(kit: Kit) -> PaymentService:
    from services.order_dispatch.payments import stripe  # noqa: PLC0415  # 30 MB, not needed without a Stripe account

    return stripe.open_stripe(kit)


PAYMENT_SERVICES: Mapping[str, Callable[[Kit], PaymentService]] = {"sandbox": open_sandbox, "stripe": open_stripe}


def open_payment_service(name: str, kit: Kit) -> PaymentService:
    """Open the client of a payment service. Raises LookupError for an unknown name."""
    try:
        open_service = PAYMENT_SERVICES[name]
    except KeyError:
        raise LookupError(f"there is no payment service {name}; known: {', '.join(sorted(PAYMENT_SERVICES))}") from None
    return open_service(kit)
