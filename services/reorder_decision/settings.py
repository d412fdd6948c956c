"""Settings of reorder decision."""

from pydantic import Field

from libs import kit


class Settings(kit.Settings):
    """Back-offs, default lead time and batch sizes."""

    #: Back-off after a customer's first cancellation; the figure of DRS.
    cancel_backoff_days: float = Field(default=5.0, ge=0)
    #: Back-off after an order without delivery; it doubles each time, up to the limit.
    failure_backoff_days: float = Field(default=1.0, ge=0)
    failure_backoff_limit_days: float = Field(default=32.0, ge=0)
    #: Back-off if consumption reports a low slot but the position is above the threshold.
    enough_backoff_days: float = Field(default=1.0, gt=0)
    #: Back-off after a delivery of an unclear quantity, if neither a level nor a count is reported before. Three days
    #: are enough to unpack a parcel, and to notice that it did not come.
    unclear_backoff_days: float = Field(default=3.0, ge=0)
    #: Lead time in days if none is stated or learned; the same as in order-dispatch.
    default_lead_time_days: float = Field(default=5.0, gt=0)
    #: Pools reassessed in one transaction; at a few milliseconds each, locks are held for about two seconds.
    pools_per_transaction: int = Field(default=500, ge=1)
    #: Finished orders added to the providers' records in one transaction.
    orders_per_count: int = Field(default=1000, ge=1)
    page_limit: int = Field(default=200, ge=1)
