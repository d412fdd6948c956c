"""Consumption's knobs; the constants of its arithmetic are in the domain, because a slot's figures rest on them."""

from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    """All knobs of the kit and these."""

    #: `usage` is kept 30 days; nothing older can be read, and so be a duplicate, again.
    remember_reports_days: int = 31
    #: 20,000 a minute is 28 million a day, more than any day can bring in.
    forget_reports_at_most: int = 20_000
    #: Devices that were offline for a season still report.
    wait_for_missing_days: int = 90
    give_up_at_most: int = 10_000
    #: Each slot fills a month of days in a month; 10,000 an hour serve 7 million slots.
    file_slots_at_most: int = 10_000
