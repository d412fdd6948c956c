"""Test protocol with stock kept here; requests are those of the Kafka protocol."""

from services.order_dispatch.providers.kafka import cancel, deliver, status, topics

RESERVES = True
__all__ = ["RESERVES", "cancel", "deliver", "status", "topics"]
