"""Knobs of the ledger of goods."""

from pydantic import Field

from libs import kit


class Settings(kit.Settings):
    """The kit's, and these."""

    #: A parcel that lies at the door is told within days; what was loaded longer ago came from somewhere else.
    early_loading_days: float = 3
    page_limit: int = 200  # transactions per page; a year of a busy household fits in two
    #: How long an unpaid checkout is worth something; most people pay within minutes or never.
    checkout_minutes: float = Field(default=30, gt=0)
    #: How long goods are kept for a payment under way; a bank's own question to its customer takes some minutes.
    payment_minutes: float = Field(default=15, gt=0)
    #: A cart keeps no goods; it is forgotten when nobody touched it for so long.
    cart_days: float = Field(default=30, gt=0)
    #: A question to keep goods comes no later after its order's end than records stay on the topic.
    settled_days: float = Field(default=30, gt=0)
    #: Reservations or lots that a tick ends in one transaction; the next run takes the rest.
    tick_rows: int = Field(default=500, ge=1)
