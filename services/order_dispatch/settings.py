"""Settings of order_dispatch, with the reason of each default."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import cast

from pydantic import Field, SecretStr

from libs.kit import Kit
from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    """Environment variables of order_dispatch, on top of the kit's."""

    # Orders.

    #: Hours from draft to submission if the provider has no window of its own; within them a cancellation is certain.
    cancel_window_hours: float = Field(default=0, ge=0)
    #: Without a reply for this long, a submitted order becomes `unknown`; one that could not be sent fails.
    answer_hours: float = Field(default=24, gt=0)
    #: Pause between the first two status requests for an order; it doubles after each.
    status_request_hours: float = Field(default=2, gt=0)
    #: Longest pause between status requests.
    max_status_request_hours: float = Field(default=24, gt=0)
    #: Days from order to delivery if neither provider nor order has a date; DRS assumes 5.
    default_lead_time_days: float = Field(default=5, gt=0)
    #: A reported delivery date further away is ignored as an error: an open order blocks its pool.
    longest_promise_days: float = Field(default=400, gt=0)
    #: An interrupted call may still be running at the provider; until then its "not found" is not accepted.
    in_flight_minutes: float = Field(default=10, ge=0)
    #: Attempts of one status request; after that, the next check of the order repeats it.
    status_attempts: int = Field(default=5, ge=1)
    #: A person who must accept an order (a hosted shop, a customer who orders at the shop) is reminded after this.
    reminder_hours: float = Field(default=24, gt=0)
    #: The order is withdrawn after this: two working days.
    answer_deadline_hours: float = Field(default=48, gt=0)
    #: Validity of the links in mails; the deadline of the order usually comes first.
    answer_link_days: float = Field(default=14, gt=0)
    #: Orders per statement of the periodic check; a page, not a limit.
    check_page: int = Field(default=500, ge=1)

    # Secrets.

    #: Key that encrypts customers' tokens and providers' secrets (sealing.py): 32 random bytes in hex or base64.
    #: During a rotation several, comma-separated; the first one encrypts.
    sealing_key: SecretStr = SecretStr("")

    # Payments.

    #: URLs of the payment services.
    sandbox_pay_url: str = "http://127.0.0.1:8460"
    stripe_url: str = "https://api.stripe.com"
    stripe_api_key: SecretStr = SecretStr("")
    #: Timeout of one call to a payment service; below 0.8 of a task's lease (30 s), so that the call ends first.
    payment_seconds: float = Field(default=20, gt=0, le=23)
    #: Validity of an authorization if the payment service has no date; cards at Stripe: 7 days.
    authorization_days: float = Field(default=7, gt=0)

    # Calls to providers.

    #: Networks that provider URLs may point to, also without TLS; by default only public addresses are allowed.
    allowed_private_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    #: If the connection is not established within this time, nothing was sent.
    connect_timeout_seconds: float = Field(default=5, gt=0)
    #: Below 0.8 of a task's lease (30 s), so that the outcome is written under the lease.
    call_timeout_seconds: float = Field(default=15, gt=0, lt=24)
    #: Largest response in bytes; an order with its history has a few kilobytes.
    reply_bytes: int = Field(default=262_144, ge=1)
    #: Additional certificate authorities (PEM), for providers in private networks.
    provider_ca_file: Path | None = None
    #: Consecutive failures that open a provider's circuit breaker, and how long it stays open.
    breaker_failures: int = Field(default=5, ge=1)
    breaker_open_seconds: float = Field(default=30, gt=0)
    #: Rate limit per provider and process; a provider with a lower one returns 429.
    calls_per_second: float = Field(default=20, gt=0)
    calls_burst: int = Field(default=40, ge=1)

    # Callbacks.

    #: Largest body in bytes; a callback is about one order.
    callback_bytes: int = Field(default=262_144, ge=1)
    #: Bodies are kept as evidence for this long; they may contain names and addresses.
    callback_keep_days: int = Field(default=30, ge=1)
    #: Validity of an order's token; a little longer than the resolution time (72 h).
    order_token_hours: float = Field(default=96, gt=0)

    # Links to customers' accounts at providers.

    #: URL under which browsers reach this service after an authorization.
    public_url: str = ""
    #: Page that customers are redirected to after an authorization; empty: the response is JSON.
    link_return_url: str = ""
    #: Validity of an authorization in progress.
    link_attempt_minutes: float = Field(default=15, gt=0)
    #: Attempts to revoke a token, with pauses that grow to five minutes: about a day. Then the token is deleted anyway.
    revoke_attempts: int = Field(default=300, ge=1)
    #: `host:port` of servers that replace Amazon SNS in tests, also without TLS.
    stand_in_hosts: frozenset[str] = frozenset()


def settings_of(kit: Kit) -> Settings:
    """Return the settings of a kit that runs this service, with their type."""
    return cast("Settings", kit.settings)
