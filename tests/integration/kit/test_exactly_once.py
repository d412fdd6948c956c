"""Every record is applied once despite repetitions, and published with dense sequences."""

import asyncio
import itertools
import json

from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.kit import consumer
from tests.support import kit_events as a
from tests.support import toy_service as toy


class TestApplying:
    async def test_happens_once_for_every_record(self, world):
        async with world.running():
            await world.use(*[(f"d{n % 7}", n) for n in range(500)])
            await world.has_applied(500)

        applied = await world.applied()
        assert len(applied) == 500
        assert set(applied.values()) == {1}

    async def test_goes_on_after_a_restart_where_it_was(self, world):
        async with world.running():
            await world.use(*[(f"d{n % 7}", n) for n in range(50)])
            await world.has_applied(50)
        await world.use(*[(f"d{n % 7}", n) for n in range(50, 60)])

        async with world.running():
            await world.has_applied(60)

        assert set((await world.applied()).values()) == {1}

    async def test_does_not_heed_what_the_broker_remembers(self, world):
        """The committed offsets only serve tools; the checkpoint determines the start."""
        await world.use(*[("d", n) for n in range(60)])
        await tell_broker(world, group=world.name.replace("_", "-"), topic="usage", ahead=40)

        async with world.running():
            await world.has_applied(60)

        assert set((await world.applied()).values()) == {1}

    async def test_looks_again_where_somebody_else_has_moved_the_checkpoint(self, world):
        """Partitions went to another replica and came back: records it applied are dropped."""
        async with world.running():
            await world.use(("d", 0))
            await world.has_applied(1)
            await world.change("UPDATE checkpoint SET next_offset = next_offset + 1 WHERE topic = 'usage'")
            await world.use(("d", 1), ("d", 2), ("d", 3))
            await world.has_applied(3)
            await world.use(("d", 4))
            await world.has_applied(4)

        assert await world.applied() == {"d-0": 1, "d-2": 1, "d-3": 1, "d-4": 1}


class TestGathering:
    async def test_makes_few_transactions_of_records_that_come_one_by_one(self, world, monkeypatch):
        monkeypatch.setattr(consumer, "GATHER_SECONDS", 1.0)
        sizes = []

        async def on_usage(records, store):
            sizes.append(len(records))
            return await toy.on_usage(records, store)

        service = world.service(consumes={}, consumes_in_batches={"usage": on_usage}, lingers=True)
        async with world.running(service):
            for n in range(20):
                await world.use(("d", n))
                await asyncio.sleep(0.01)
            await world.has_applied(20)

        assert sum(sizes) == 20
        assert len(sizes) < 10


class TestSaying:
    async def test_numbers_each_partition_1_2_3(self, world):
        async with world.running():
            await world.use(*[(f"d{n % 30}", n) for n in range(300)])
            await world.has_applied(300)
            await world.has_published()

        log = await world.log("slots")
        assert len(log) == 300
        for _, records in itertools.groupby(log, key=lambda record: record.partition):
            sequences = [int(json.loads(record.value)["sequence"]) for record in records]
            assert sequences == list(range(1, len(sequences) + 1))

    async def test_names_the_record_that_led_to_it(self, world):
        async with world.running():
            await world.use(("left", 1), ("right", 1))
            await world.say(a.device_registered("ann", "third"))
            await world.has_applied(3)
            await world.has_published()

        causes = {record.key.decode(): json.loads(record.value)["cause"] for record in await world.log("slots")}
        assert causes == {"left": "left-1", "right": "right-1", "third": "accounts-1-ann"}


async def tell_broker(world, group, topic, ahead):
    places = [TopicPartition(topic, partition) for partition in range(12)]
    async with AIOKafkaConsumer(
        bootstrap_servers=world.kafka_url, group_id=group, enable_auto_commit=False
    ) as consumer:
        starts = await consumer.beginning_offsets(places)
        consumer.assign(places)
        await consumer.commit({tp: start + ahead for tp, start in starts.items()})
