"""Dense sequences of our own topics prove completeness and reveal repetitions."""

import asyncio

import pytest
from aiokafka.admin import NewPartitions

from libs.kit import NotReadyError
from libs.kit.errors import RecordLossError
from libs.kit.topics import check_topics, create_topics
from replenish_contracts.topics import find_topic
from tests.support import kit_events as a
from tests.support import toy_service as toy
from tests.support.kit_environment import administration, until


async def say(world, customer, *sequences):
    await world.publish("accounts", [(customer, a.said(a.device_registered(customer), n)) for n in sequences])


class TestASequence:
    async def test_may_begin_anywhere_and_repeats_are_dropped(self, world):
        """A topic older than its retention no longer begins at 1; a relay that was killed sends twice."""
        async with world.running():
            await say(world, "ann", 41, 42, 42, 43, 41, 42, 43, 44)
            await world.has_applied(4)
            await say(world, "ann", 44, 45)
            await world.has_applied(5)

        assert await world.applied() == {f"accounts-{n}-ann": 1 for n in (41, 42, 43, 44, 45)}

    async def test_with_a_gap_stops_the_service_before_anything_behind_it(self, world):
        async with world.running() as kit:
            await say(world, "ann", 1, 2)
            await world.has_applied(2)
            await say(world, "ann", 4, 5)

            with pytest.raises(RecordLossError, match=r"sequence 4 at offset \d+ after 2"):
                await asyncio.wait_for(kit.failed, 20)

        assert sorted(await world.applied()) == ["accounts-1-ann", "accounts-2-ann"]

    async def test_counts_records_nobody_here_hears(self, world):
        """An event of a type this service does not know is skipped, its number is not missing."""
        async with world.running(world.service(consumes={}, consumes_in_batches={"accounts": toy.on_usage})):
            unknown = a.said(a.device_registered("ann"), 2).replace(b"DeviceRegistered", b"DeviceAdored")
            await say(world, "ann", 1)
            await world.publish("accounts", [("ann", unknown)])
            await say(world, "ann", 3)
            await until(
                lambda: world.value("SELECT 1 FROM checkpoint WHERE last_sequence = 3"), "the checkpoint is behind 3"
            )

    async def test_counts_records_that_wait_or_are_parked(self, world):
        async def on_device_registered(event, store):
            raise NotReadyError("device:never")

        async with world.running(world.service(consumes={type(a.device_registered("x")): on_device_registered})):
            await say(world, "ann", 1, 2)
            await world.publish("accounts", [("ann", b'{"sequence":"3","type":')])
            await world.publish("accounts", [("ann", b'{"sequence":"3","type":"DeviceRegistered","id":"x"}')])
            await say(world, "ann", 4)
            await until(
                lambda: world.value("SELECT 1 FROM checkpoint WHERE last_sequence = 4"), "the checkpoint is behind 4"
            )

        assert await world.value("SELECT count(*) FROM deferred") == 3
        assert await world.value("SELECT count(*) FROM dead_letter") == 2


class TestPartitions:
    async def test_of_another_number_than_agreed_refuse_to_start(self, world):
        """With 13 partitions a key would be in two places, and its order lost."""
        await remake(world, "notices", partitions=13)

        with pytest.raises(RecordLossError, match="notices has 13 partitions instead of 12"):
            await check_topics(world.kafka_url, ["notices"])

        await remake(world, "notices", partitions=12)
        await check_topics(world.kafka_url, ["notices"])

    async def test_that_appear_later_stop_the_service(self, world):
        try:
            async with world.running() as kit:
                await say(world, "ann", 1)
                await world.has_applied(1)
                async with administration(world.kafka_url) as admin:
                    await admin.create_partitions({"accounts": NewPartitions(total_count=13)})

                with pytest.raises(RecordLossError, match="accounts has partition 12, but should have 12"):
                    await asyncio.wait_for(kit.failed, 20)
        finally:
            await remake(world, "accounts", partitions=12)


async def remake(world, topic, *, partitions):
    async with administration(world.kafka_url) as admin:
        await admin.delete_topics([topic])

        async def is_gone():
            return topic not in await admin.list_topics()

        await until(is_gone, "the topic is deleted")
    agreed = find_topic(topic)
    await create_topics(world.kafka_url, [type(agreed)(topic, partitions, agreed.settings, agreed.events)])
