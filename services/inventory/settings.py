"""Settings of inventory."""

from pydantic import Field

from libs import kit


class Settings(kit.Settings):
    """Settings of the kit and of inventory."""

    #: Deliveries are reported within days; an unexplained load that is older came from another source.
    early_loading_days: float = 3
    page_limit: int = 200  # transactions per page; two pages hold a year of a busy household
    #: Validity of an unpaid checkout; most customers pay within minutes or not at all.
    checkout_minutes: float = Field(default=30, gt=0)
    #: How long goods stay allocated while a payment is in progress; bank authentication takes some minutes.
    payment_minutes: float = Field(default=15, gt=0)
    #: Carts are deleted this long after the last change; they allocate no goods.
    cart_days: float = Field(default=30, gt=0)
    #: Retention of ended orders; AllocationRequested cannot arrive later than the retention of its topic.
    settled_days: float = Field(default=30, gt=0)
    #: Checkouts or lots per run of a periodic job; the next run takes the rest.
    rows_per_job_run: int = Field(default=500, ge=1)
