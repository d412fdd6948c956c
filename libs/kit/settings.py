"""Knobs every service has; each service adds its own."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class _Whereabouts(BaseSettings):
    secrets_dir: Path | None = None


class Settings(BaseSettings):
    """Read from the environment, and from files of the same lower-case name in SECRETS_DIR."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    kafka_url: str = "127.0.0.1:9092"
    database_url: SecretStr
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    #: Which replica this is; live replicas of a service have different numbers.
    instance: int = 0
    clock_file: Path | None = None
    log_level: str = "INFO"
    #: Proves to the portal which service asks for a token.
    service_key: SecretStr = SecretStr("")

    portal_url: str = "http://127.0.0.1:8000"
    gateway_url: str = "http://127.0.0.1:8000"
    consumption_url: str = "http://127.0.0.1:8000"
    inventory_url: str = "http://127.0.0.1:8000"
    reorder_decision_url: str = "http://127.0.0.1:8000"
    order_dispatch_url: str = "http://127.0.0.1:8000"

    batch_records: int = 2000  # 1,000-2,000 rows is the knee of the Postgres curve
    batch_timeout_ms: int = 10  # FastStream sleeps this long once more after an empty poll
    poll_wait_ms: int = 500  # an idle poll returns at once when a record comes, so this costs no latency
    session_timeout_ms: int = 30_000
    rebalance_timeout_ms: int = 60_000  # above the longest batch
    max_poll_interval_ms: int = 300_000
    database_connections: int = 8
    lock_timeout_ms: int = 10_000  # a lock held longer is somebody's bug; the batch backs off and tries again
    relay_lease_seconds: float = 5.0
    relay_poll_ms: int = 1000  # only for what another replica committed; own commits wake the relay
    relay_batch_records: int = 1000
    outbox_keep_seconds: int = 3600
    #: Parked and held records of our own topics above this stop the consumer: something is badly wrong.
    trouble_budget: int = 1000
    #: So long a record from outside waits for what it names, a device's registration for example; then it is parked,
    #: and those behind it go on.
    patience_hours: float = Field(default=24.0, gt=0)
    #: With work waiting and none done for this long the process exits and is restarted.
    watchdog_seconds: float = Field(default=120.0, gt=0)
    idempotency_keep_hours: int = 24

    @classmethod
    def load(cls) -> Self:
        """Read the settings; a file in SECRETS_DIR is read where the environment has no such name."""
        return cls(_secrets_dir=_Whereabouts().secrets_dir)


class KafkaAddress(BaseSettings):
    """Where the broker is, for commands that need nothing else."""

    kafka_url: str = "127.0.0.1:9092"
