"""Knobs of the ledger of goods."""

from libs import kit


class Settings(kit.Settings):
    """The kit's, and these."""

    page_limit: int = 200  # transactions per page; a year of a busy household fits in two
