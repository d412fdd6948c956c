"""Knobs of the gateway."""

from libs.kit import Settings as KitSettings


class Settings(KitSettings):
    largest_body_bytes: int = 1_048_576
    most_reports_per_request: int = 1000  # a device that was away sends its backlog in several requests
    deepest_json: int = 32  # a report is flat; this leaves room for a CloudEvent's own extensions
    body_seconds: float = 15.0  # a sender slower than this holds memory for nothing
    #: Bodies being read and records not yet acknowledged, together; beyond it 503.
    most_bytes_under_way: int = 32 * 1_048_576

    device_reports_per_second: float = 100.0
    device_reports_burst: int = 5000  # a day of a busy device's backlog
    devices_watched: int = 50_000  # 100 bytes each
    #: Requests with a credential nobody knows, per client address.
    strangers_per_second: float = 5.0
    strangers_burst: int = 100
    strangers_waiting: int = 64  # each holds a request open
    registration_wait_seconds: float = 1.0  # a device may report sooner than its registration gets here

    devices_remembered: int = 20_000  # about 1 kB each
    changes_poll_seconds: float = 1.0  # how long another replica may honour a credential that was revoked
    changes_poll_waiting_seconds: float = 0.05  # while somebody waits for a registration
    #: Known credentials are honoured for this long while Postgres is away.
    credentials_stale_seconds: float = 60.0

    #: A report's quantity beyond so many times the slot's capacity is a mistake of the sender. Consumption, which
    #: makers may reach without us, puts aside what is beyond 1,000.
    largest_capacities: int = 100
    future_hours: int = 24  # wrong time zones are at most 14 hours off
    oldest_year: int = 2000  # devices that lost their clock say 1970

    producer_linger_ms: int = 5
    producer_batch_bytes: int = 262_144
    acknowledge_seconds: float = 5.0  # then 503; sending the same again is safe
    producer_wedged_seconds: float = 20.0  # nothing acknowledged for so long: a new producer
