"""What the gateway remembers: devices in Postgres, reports in Kafka."""

from services.gateway.store.devices import Store
from services.gateway.store.topic import ProduceError, UsageTopic

__all__ = ["ProduceError", "Store", "UsageTopic"]
