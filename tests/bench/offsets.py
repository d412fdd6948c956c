"""Offsets and records of topics, read without a consumer group."""

from collections.abc import AsyncIterator
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from replenish_contracts.topics import PARTITIONS

READ_MS = 500


class Offsets:
    """Reads offsets from the broker without joining a group."""

    def __init__(self, kafka_url: str) -> None:
        self._kafka_url = kafka_url
        self._admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
        self._consumer = _consumer(kafka_url)

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        await self._admin.close()

    async def written(self, topic: str) -> int:
        """Return the number of offsets of a topic."""
        return sum((await self._consumer.end_offsets(_places(topic, PARTITIONS))).values())

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return a group's committed offset per partition."""
        found = await self._admin.list_consumer_group_offsets(group)
        return {tp.partition: done.offset for tp, done in found.items() if tp.topic == topic and done.offset > 0}


async def records(kafka_url: str, topic: str, partitions: int) -> AsyncIterator[ConsumerRecord]:
    """Yield all committed records of a topic; transaction markers also use offsets."""
    async with _consumer(kafka_url) as consumer:
        consumer.assign(_places(topic, partitions))
        ends = await consumer.end_offsets(consumer.assignment())
        while [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
            for run in (await consumer.getmany(timeout_ms=READ_MS)).values():
                for record in run:
                    yield record


def _places(topic: str, partitions: int) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for partition in range(partitions)]


def _consumer(kafka_url: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=kafka_url,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
