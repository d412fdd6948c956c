"""A truncated, recreated or deleted log stops the service; legal gaps do not."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from libs.kit.errors import RecordLossError
from libs.kit.topics import create_topics
from replenish_contracts.topics import find_topic, partition_for
from tests.support import kit_events as a
from tests.support import toy_service as toy
from tests.support.kit_environment import administration, status, until


class TestHoles:
    async def test_of_transactions_are_no_loss(self, world):
        """A device maker's transactional producer leaves control records between its reports."""
        async with world.running() as kit:
            for n in range(5):
                await in_transaction(world, [("d", n)])
            await world.has_applied(5)

            await until(lambda: has_no_lag(kit), "lag is zero although the log ends with a control record")

        async with world.running():
            await in_transaction(world, [("d", 5)])
            await world.has_applied(6)
        assert set((await world.applied()).values()) == {1}

    async def test_hide_what_was_never_committed(self, world):
        """The producer of an aborted report withdrew it."""
        async with world.running():
            await in_transaction(world, [("d", 1)], commit=False)
            await in_transaction(world, [("d", 2)])
            await world.has_applied(1)

        assert await world.applied() == {"d-2": 1}


class TestALogMadeAnew:
    async def test_stops_the_service_at_its_start(self, world):
        async with world.running():
            await world.use(*[("d", n) for n in range(5)])
            await world.has_applied(5)
        await make_anew(world, "usage")
        await world.use(*[("e", n) for n in range(300)])  # every partition is longer than before

        with pytest.raises(RecordLossError, match=r"usage/\d+"):
            await run_until_it_fails(world)

        assert await world.value("SELECT count(*) FROM applied WHERE subject = 'e'") == 0

    async def test_stops_the_service_when_it_is_shorter(self, world):
        async with world.running():
            await world.use(*[("d", n) for n in range(5)])
            await world.has_applied(5)
        await make_anew(world, "usage")

        with pytest.raises(RecordLossError, match="truncated or recreated"):
            await run_until_it_fails(world)

    async def test_stops_a_running_service(self, world):
        """The broker would let the consumer begin again at 0, and the checkpoint drop it all as known."""
        async with world.running() as kit:
            await world.use(*[("d", n) for n in range(20)])
            await world.has_applied(20)
            await make_anew(world, "usage")
            await world.use(("d", 100))

            with pytest.raises(RecordLossError):
                await asyncio.wait_for(kit.failed, 30)


class TestRecordsDeletedUnread:
    async def test_stop_the_service_at_its_start(self, world):
        async with world.running():
            await world.use(("d", 1))
            await world.has_applied(1)
        await world.use(*[("d", n) for n in range(2, 9)])
        await delete_before(world, "d", 4)

        with pytest.raises(RecordLossError, match="deleted before they were applied"):
            await run_until_it_fails(world)

    async def test_stop_a_running_service(self, world):
        """Retention overtook a lagging service; aiokafka would silently continue at the new start."""
        entered, gate = asyncio.Event(), asyncio.Event()

        async def on_usage(records, store):
            entered.set()
            await gate.wait()
            return await toy.on_usage(records, store)

        await world.use(*[("d", n) for n in range(3)])  # one is handled, two wait, and no more is fetched
        async with world.running(world.service(consumes_in_batches={"usage": on_usage}), batch_records=1) as kit:
            await entered.wait()
            await world.use(*[("d", n) for n in range(3, 9)])
            await delete_before(world, "d", 6)
            gate.set()

            with pytest.raises(RecordLossError, match="deleted before they were read"):
                await asyncio.wait_for(kit.failed, 30)


async def in_transaction(world, reports, *, commit=True):
    async with AIOKafkaProducer(bootstrap_servers=world.kafka_url, transactional_id="maker") as producer:
        await producer.begin_transaction()
        for device, n in reports:
            place = {"partition": partition_for(device.encode(), 12), "key": device.encode()}
            await producer.send_and_wait("usage", a.slot_used(device, n), **place)
        await (producer.commit_transaction() if commit else producer.abort_transaction())


async def has_no_lag(kit):
    return (await status(kit))["lag"] == 0


async def make_anew(world, topic):
    async with administration(world.kafka_url) as admin:
        await admin.delete_topics([topic])
        await until(lambda: is_gone(admin, topic), "the topic is deleted")
    await create_topics(world.kafka_url, [find_topic(topic)])


async def is_gone(admin, topic):
    return topic not in await admin.list_topics()


async def delete_before(world, device, count):
    """Delete the first `count` records that this test wrote to the device's partition."""
    place = TopicPartition("usage", partition_for(device.encode(), 12))
    first = (await world.log("usage"))[0].offset
    async with administration(world.kafka_url) as admin:
        await admin.delete_records({place: RecordsToDelete(first + count)})


async def run_until_it_fails(world):
    async with world.running() as kit:
        await asyncio.wait_for(kit.failed, 15)
