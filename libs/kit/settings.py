"""Settings of every service; each service adds its own in a subclass."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class _SecretsDir(BaseSettings):
    secrets_dir: Path | None = None


class Settings(BaseSettings):
    """Loaded from the environment, and from files with the lower-case name in SECRETS_DIR."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    kafka_url: str = "127.0.0.1:9092"
    database_url: SecretStr
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    #: Number of this replica; unique among the running replicas of a service.
    instance: int = 0
    clock_file: Path | None = None
    log_level: str = "INFO"
    #: Authenticates this service when it requests a token from the portal.
    service_key: SecretStr = SecretStr("")

    portal_url: str = "http://127.0.0.1:8000"
    gateway_url: str = "http://127.0.0.1:8000"
    consumption_url: str = "http://127.0.0.1:8000"
    inventory_url: str = "http://127.0.0.1:8000"
    reorder_decision_url: str = "http://127.0.0.1:8000"
    order_dispatch_url: str = "http://127.0.0.1:8000"

    batch_records: int = 2000  # throughput in Postgres levels off at 1,000-2,000 rows
    poll_wait_ms: int = 500  # no latency: a poll returns as soon as a record arrives
    session_timeout_ms: int = 30_000
    rebalance_timeout_ms: int = 60_000  # longer than any batch
    max_poll_interval_ms: int = 300_000
    database_connections: int = 8
    lock_timeout_ms: int = 10_000  # longer locks are a bug; the batch backs off and retries
    relay_lease_seconds: float = 5.0
    relay_poll_ms: int = 1000  # for commits of other replicas; own commits wake the relay
    relay_batch_records: int = 1000
    outbox_keep_seconds: int = 3600
    #: The consumer stops when more dead letters and deferred records of our own topics exist.
    failure_budget: int = 1000
    #: How long an external record waits for its dependency, such as a device's registration, before it becomes a
    #: dead letter and later records of its key proceed.
    dependency_wait_hours: float = Field(default=24.0, gt=0)
    #: The process exits, to be restarted, if pending work makes no progress for this long.
    watchdog_seconds: float = Field(default=120.0, gt=0)
    idempotency_keep_hours: int = 24

    @classmethod
    def load(cls) -> Self:
        """Load the settings; the environment takes precedence over files in SECRETS_DIR."""
        return cls(_secrets_dir=_SecretsDir().secrets_dir)


class KafkaAddress(BaseSettings):
    """The broker's address, for commands that need no other setting."""

    kafka_url: str = "127.0.0.1:9092"
