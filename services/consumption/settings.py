"""Settings of consumption. Constants of the arithmetic are in the domain, because stored figures depend on them."""

from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    """Settings of the kit and of consumption."""

    #: The topic `usage` is retained for 30 days; older records cannot be read again.
    remember_reports_days: int = 31
    #: Rows per run. 20,000 a minute are 28 million a day, more than can arrive in a day.
    forget_reports_at_most: int = 20_000
    #: Readings per run that waited for a second one; 1,000 every 10 seconds are 8 million a day.
    count_readings_at_most: int = 1000
    #: Pause between two SlotAnomalyDetected about missing or repeated reports of a device. The gateway shows a warning
    #: for 24 hours after the last one.
    repeat_anomalies_hours: float = 6.0
    #: Devices that were offline for a season can still deliver their reports.
    wait_for_missing_days: int = 90
    give_up_at_most: int = 10_000
    #: Slots per run. Each slot fills one row a month; 10,000 an hour are enough for 7 million slots.
    file_slots_at_most: int = 10_000
