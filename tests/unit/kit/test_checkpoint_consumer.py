"""Seeking to checkpoints, and dropping records that were read across a rebalance."""

from types import SimpleNamespace

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from libs.kit.checkpoint_consumer import CheckpointConsumer
from libs.kit.checkpoints import Checkpoint
from libs.kit.errors import RecordLossError

USAGE = TopicPartition("usage", 0)


class Kafka:
    """A partition with records at the given offsets; `during` runs once, inside the next `getmany`."""

    def __init__(self, *offsets, start=0):
        self.offsets, self.start, self.position = offsets, start, 0
        self.during = None
        self._fetcher = SimpleNamespace()
        self._coordinator = SimpleNamespace(member_id="toy-0-1")

    def assignment(self):
        return {USAGE}

    async def beginning_offsets(self, places):
        return dict.fromkeys(places, self.start)

    async def end_offsets(self, places):
        return dict.fromkeys(places, self.offsets[-1] + 1)

    def seek(self, _place, offset):
        self.position = offset

    async def getmany(self, *, timeout_ms, max_records):
        found = [offset for offset in self.offsets if offset >= self.position][:max_records]
        self.position = found[-1] + 1 if found else self.position
        if self.during:
            during, self.during = self.during, None
            await during()
        return {USAGE: [record(offset) for offset in found]} if found else {}


def record(offset):
    return ConsumerRecord("usage", 0, offset, 0, 0, b"k", b"{}", None, 1, 2, ())


def consumer_at(checkpoint):
    async def load_checkpoints(starts):
        return {("usage", 0): Checkpoint(checkpoint, None, None)}

    async def drained():
        return None

    return CheckpointConsumer(load_checkpoints, drained)


async def started(kafka, checkpoint):
    consumer = consumer_at(checkpoint)
    consumer.attach(kafka)
    await consumer.on_partitions_assigned({USAGE})
    return consumer


async def read(consumer, most=10):
    batch = await consumer.read(most, 1)
    return [one.offset for one in batch.records]


class TestReading:
    async def test_starts_at_checkpoint(self):
        consumer = await started(Kafka(0, 1, 2, 3), 2)

        assert await read(consumer) == [2, 3]

    async def test_returns_offset_from_which_partition_is_complete(self):
        consumer = await started(Kafka(0, 1, 5, 6), 0)
        await read(consumer, 2)

        batch = await consumer.read(10, 1)

        assert ([one.offset for one in batch.records], batch.starts) == ([5, 6], {("usage", 0): 2})

    async def test_raises_if_unread_records_were_deleted(self):
        kafka = Kafka(0, 1, 5, 6)
        consumer = await started(kafka, 0)
        await read(consumer, 2)
        kafka.start = 5

        with pytest.raises(RecordLossError, match="records 2 to 4 were deleted"):
            await read(consumer)


class TestRebalance:
    async def test_drops_batch_that_was_fetched_before_it(self):
        """The batch before it was not applied: passed on, this one would look like a legal gap."""
        kafka = Kafka(0, 1, 2, 3)
        consumer = await started(kafka, 0)
        assert await read(consumer, 2) == [0, 1]

        async def rebalance():
            await consumer.on_partitions_revoked({USAGE})
            await consumer.on_partitions_assigned({USAGE})

        kafka.during = rebalance

        assert await read(consumer, 2) == []
        assert await read(consumer, 2) == [0, 1]

    async def test_drops_batch_fetched_before_first_seek(self):
        kafka = Kafka(0, 1, 2, 3)
        consumer = consumer_at(3)
        consumer.attach(kafka)
        kafka.during = lambda: consumer.on_partitions_assigned({USAGE})

        assert await read(consumer) == []
        assert await read(consumer) == [3]

    async def test_marks_batches_before_and_after_it(self):
        kafka = Kafka(0, 1, 2, 3)
        consumer = await started(kafka, 0)
        before = await consumer.read(2, 1)

        await consumer.on_partitions_revoked({USAGE})

        assert before.generation != consumer.generation
