"""What can be tuned about orders, and why it is as it is."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import cast

from pydantic import Field, SecretStr

from libs.kit import Kit
from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    """Knobs of order_dispatch."""

    #: How long an order waits before the provider is asked; within it cancelling is certain.
    cancel_window_hours: float = Field(default=0, ge=0)
    #: A provider that says nothing for so long has perhaps not got the order: it is asked, not sent again.
    answer_hours: float = Field(default=24, gt=0)
    #: The pause before the second question about one order; it doubles after each.
    status_request_hours: float = Field(default=2, gt=0)
    #: No order is forgotten for longer than this.
    max_status_request_hours: float = Field(default=24, gt=0)
    #: Door to door where neither provider nor order names a date; DRS counts with 5 days.
    default_lead_time_days: float = Field(default=5, gt=0)
    #: A date further away is a slip of the provider's: an order may not block its pool for years.
    longest_promise_days: float = Field(default=400, gt=0)
    #: A call to a provider whose end nobody saw may still be at work: that it knows no order proves nothing so long.
    in_flight_minutes: float = Field(default=10, ge=0)
    #: A question about an order that gets no answer so often waits for the order's next look instead.
    status_attempts: int = Field(default=5, ge=1)
    #: A person who is asked about an order (a hosted shop, a customer who orders themselves) is reminded after this ...
    reminder_hours: float = Field(default=24, gt=0)
    #: ... and loses the order after this: two working days.
    answer_deadline_hours: float = Field(default=48, gt=0)
    #: How long a link in a mail works; the order's own deadline usually comes first.
    answer_link_days: float = Field(default=14, gt=0)
    #: Addresses inside our walls that providers may have, also without TLS; where none is named only the internet is.
    allowed_private_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    #: Orders looked at per statement; a page, not a limit.
    check_page: int = Field(default=500, ge=1)

    #: Seals tokens of customers and secrets of providers (sealing.py): 32 random bytes in hex or base64;
    #: several, with commas, while one is being changed.
    sealing_key: SecretStr = SecretStr("")
    #: Where `payments/sandbox.py` finds its counterpart, and `payments/stripe.py` Stripe or a server like it.
    sandbox_pay_url: str = "http://127.0.0.1:8460"
    stripe_url: str = "https://api.stripe.com"
    stripe_api_key: SecretStr = SecretStr("")
    #: One call to a payment service; below 0.8 of an effect's lease, so that its own timeout comes first.
    payment_seconds: float = Field(default=20, gt=0, le=23)
    #: How long money stays reserved where the payment service names no date; cards at Stripe: 7 days.
    authorization_days: float = Field(default=7, gt=0)
    #: A provider that does not take the connection for so long was not asked.
    connect_timeout_seconds: float = Field(default=5, gt=0)
    #: Below the lease of an effect (30 s), so that the outcome is ours to write down.
    call_timeout_seconds: float = Field(default=15, gt=0, lt=24)
    #: An order and its history take a few kilobytes.
    reply_bytes: int = Field(default=262_144, ge=1)
    #: Who may sign for providers besides the usual authorities; for providers inside our walls.
    provider_ca_file: Path | None = None
    #: So many calls in a row without a sensible answer, and a provider is left alone for a while.
    breaker_failures: int = Field(default=5, ge=1)
    breaker_open_seconds: float = Field(default=30, gt=0)
    #: To one provider from one process; a shop's API that takes fewer says so with 429.
    calls_per_second: float = Field(default=20, gt=0)
    calls_burst: int = Field(default=40, ge=1)
    #: A callback is about one order; a larger body is no callback.
    callback_bytes: int = Field(default=262_144, ge=1)
    #: What providers sent is evidence for so long; it may hold names and addresses.
    callback_keep_days: int = Field(default=30, ge=1)
    #: A token outlives the order's resolution timer (72 h), not much more.
    order_token_hours: float = Field(default=96, gt=0)
    #: Where customers' browsers find this service when they come back from a provider's page.
    public_url: str = ""
    #: The page a customer is sent to once a link is made or was refused; empty: the answer is JSON.
    link_return_url: str = ""
    #: A customer who needs longer on the provider's page begins anew.
    link_attempt_minutes: float = Field(default=15, gt=0)
    #: So often a provider is asked to revoke a token, with pauses that grow to five minutes: for about a day, since
    #: providers are away for hours. Then the token is dropped here anyway.
    revoke_attempts: int = Field(default=300, ge=1)
    #: `host:port` of servers that take the place of Amazon SNS, also without TLS: for tests.
    stand_in_hosts: frozenset[str] = frozenset()


def settings_of(kit: Kit) -> Settings:
    """Return the settings of a kit that runs this service, with their type."""
    return cast("Settings", kit.settings)
