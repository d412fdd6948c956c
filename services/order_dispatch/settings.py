"""What can be tuned about orders, and why it is as it is."""

from pydantic import Field, SecretStr

from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    """Knobs of order_dispatch."""

    #: How long an order waits before the provider is asked; within it cancelling is certain.
    cancel_window_hours: float = Field(default=0, ge=0)
    #: A provider that says nothing for so long has perhaps not got the order: it is asked, not sent again.
    answer_hours: float = Field(default=24, gt=0)
    #: The pause before the second question about one order; it doubles after each.
    ask_again_hours: float = Field(default=2, gt=0)
    #: No order is forgotten for longer than this.
    ask_again_at_most_hours: float = Field(default=24, gt=0)
    #: Door to door where neither provider nor order names a date; DRS counts with 5 days.
    default_lead_time_days: float = Field(default=5, gt=0)
    #: A date further away is a slip of the provider's: an order may not block its pool for years.
    longest_promise_days: float = Field(default=400, gt=0)
    #: Orders looked at per statement; a page, not a limit.
    look_page: int = Field(default=500, ge=1)
    #: Seals secrets of others: 32 random bytes in hex or base64; several, with commas, while one is being changed.
    sealing_key: SecretStr = SecretStr("")
    #: Where customers' browsers find this service when they come back from a provider's page.
    public_url: str = ""
    #: The page a customer is sent to once a link is made or was refused; empty: the answer is JSON.
    link_return_url: str = ""
    #: A customer who needs longer on the provider's page begins anew.
    link_attempt_minutes: float = Field(default=15, gt=0)
    #: So often a provider is asked to revoke a token, with growing pauses; then the token is dropped here anyway.
    revoke_attempts: int = Field(default=20, ge=1)
    #: `host:port` of servers that take the place of a linked provider or of Amazon SNS, also without TLS: for tests.
    stand_in_hosts: frozenset[str] = frozenset()
