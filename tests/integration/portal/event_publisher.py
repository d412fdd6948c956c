"""Publishes events as the services that own the topics do, with dense sequence numbers."""

from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

from aiokafka import AIOKafkaProducer, TopicPartition

from libs.kit.connections import kafka_reader
from replenish_contracts.catalogue import topic_of
from replenish_contracts.topics import PARTITIONS, partition_for
from replenish_contracts.wire import encode

_ids = count(1)


class EventPublisher:
    """Publishes events one by one; a topic may have only one instance at a time."""

    def __init__(self, producer, sequences):
        self._producer = producer
        self._sequences = sequences

    async def publish(self, *events):
        for event in events:
            topic, key = topic_of(event), event.key.encode()
            place = TopicPartition(topic, partition_for(key, PARTITIONS))
            self._sequences[place] += 1
            value = encode(
                event,
                id=f"told-{next(_ids)}",
                source=f"/replenish/{event.owner.replace('_', '-')}",
                time=datetime.now(UTC),
                sequence=self._sequences[place],
            )
            await self._producer.send_and_wait(topic, value, key, partition=place.partition)


@asynccontextmanager
async def open_publisher(kafka_url):
    """Continue the sequence of earlier tests on this broker; no other process writes to these topics."""
    topics = ["slots", "reorders", "orders", "stock", "offers", "notices"]
    places = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    async with kafka_reader(kafka_url) as consumer:
        ends = await consumer.end_offsets(places)
    async with AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all") as producer:
        yield EventPublisher(producer, Counter(ends))
