"""Kafka client of a manufacturer with its own credentials."""

from typing import Any, Self
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition


class Log:
    """Counts and publishes records."""

    def __init__(self, kafka_url: str) -> None:
        self.consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False)
        self._producer = AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all")

    async def __aenter__(self) -> Self:
        await self.consumer.start()
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
        await self.consumer.stop()

    async def written(self, topic: str) -> int:
        """Return the number of records of a topic."""
        partitions = [TopicPartition(topic, number) for number in self.consumer.partitions_for_topic(topic) or ()]
        return sum((await self.consumer.end_offsets(partitions)).values())

    async def write(self, topic: str, key: str, value: bytes) -> None:
        await self._producer.send_and_wait(topic, value, key.encode())


def event(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report in base steps as a manufacturer's CloudEvent."""
    data = {name: value for name, value in report.items() if name not in ("type", "unit")}
    named = {"specversion": "1.0", "id": str(uuid4()), "source": "/maker", "type": report["type"]}
    return named | {
        "time": data["occurred_at"],
        "subject": data["device_id"],
        "data": data | {"received_at": data["occurred_at"]},
    }
