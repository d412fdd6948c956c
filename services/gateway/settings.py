"""Settings of the gateway."""

from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    """Settings of the kit and of the gateway."""

    max_body_bytes: int = 1_048_576
    max_reports_per_request: int = 1000  # a longer backlog takes several requests
    max_json_depth: int = 32  # a report is flat; the rest is for extensions of CloudEvents
    body_timeout_seconds: float = 15.0  # a slow sender occupies memory
    #: Bodies being read and records not yet acknowledged, all requests together; 503 when exceeded.
    max_in_flight_bytes: int = 32 * 1_048_576

    device_reports_per_second: float = 100.0
    device_reports_burst: int = 5000  # one day's backlog of a busy device
    #: Senders whose rate is tracked, about 100 bytes each.
    max_rate_limited_senders: int = 50_000
    #: Requests with an unknown credential, per client address.
    unknown_credentials_per_second: float = 5.0
    unknown_credentials_burst: int = 100
    #: A device may report before its registration has arrived through Kafka.
    registration_wait_seconds: float = 1.0
    max_registration_waits: int = 64  # each occupies an open request

    max_cached_devices: int = 20_000  # about 1 kB each
    changes_poll_seconds: float = 1.0  # a replica accepts a revoked credential for at most this long
    changes_poll_waiting_seconds: float = 0.05  # while a request waits for a registration
    #: Cached credentials are accepted for this long while Postgres is unavailable.
    credentials_stale_seconds: float = 60.0

    #: Larger quantities, as a multiple of the slot's capacity, are refused. Consumption turns reports beyond 1,000
    #: capacities into dead letters; device makers can write to its topic directly.
    max_quantity_capacities: int = 100
    max_clock_ahead_hours: int = 24  # a wrong time zone is at most 14 hours off
    #: Clocks that were not set show 1970, 1980, 2000 or the date of the firmware.
    max_report_age_days: int = 366

    producer_linger_ms: int = 5
    producer_batch_bytes: int = 262_144
    acknowledge_timeout_seconds: float = 5.0  # then 503; repeating the request is safe
    #: The producer is replaced if its oldest record has been unacknowledged for this long.
    producer_wedged_seconds: float = 20.0
