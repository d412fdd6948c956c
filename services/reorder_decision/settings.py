"""Knobs of reorder decisions."""

from pydantic import Field

from libs import kit


class Settings(kit.Settings):
    """The kit's, and these."""

    #: How long a customer's first cancel keeps us from ordering again; DRS's own figure.
    cancel_backoff_days: float = Field(default=5.0, ge=0)
    #: The pause after an order that nobody carried out; it doubles each time, up to the limit.
    failure_backoff_days: float = Field(default=1.0, ge=0)
    failure_backoff_limit_days: float = Field(default=32.0, ge=0)
    #: When to look again where a slot says it is low and our arithmetic does not.
    enough_backoff_days: float = Field(default=1.0, gt=0)
    #: Days from order to door where a provider states none and none were learned; order-dispatch's own figure.
    default_lead_time_days: float = Field(default=5.0, gt=0)
    #: Pools looked at in one transaction: each takes some milliseconds, and a lock is held for about two seconds.
    pools_per_turn: int = Field(default=500, ge=1)
    #: Finished orders added to their providers' records in one transaction.
    orders_per_count: int = Field(default=1000, ge=1)
    page_limit: int = Field(default=200, ge=1)
