"""What the gateway remembers: devices in Postgres, reports in Kafka."""

from services.gateway.store.devices import Store
from services.gateway.store.topic import Unwritten, UsageTopic

__all__ = ["Store", "Unwritten", "UsageTopic"]
