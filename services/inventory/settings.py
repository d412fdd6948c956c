"""Knobs of the ledger of goods."""

from libs import kit


class Settings(kit.Settings):
    """The kit's, and these."""

    #: A parcel that lies at the door is told within days; what was loaded longer ago came from somewhere else.
    early_loading_days: float = 3
    page_limit: int = 200  # transactions per page; a year of a busy household fits in two
