"""A protocol of the tests whose provider's stock is kept by us; for the rest it tells as Kafka does."""

from services.order_dispatch.providers.kafka import cancel, deliver, status, topics

RESERVES = True
__all__ = ["RESERVES", "cancel", "deliver", "status", "topics"]
