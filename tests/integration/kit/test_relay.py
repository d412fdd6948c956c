"""The outbox reaches the log in order and without loss, despite failures of the relay."""

import asyncio
import itertools
import json

import asyncpg
import pytest

from libs.kit.errors import RecordLossError
from libs.kit.testing import prepare
from tests.support import kit_events as a
from tests.support.kit_environment import administration, until


def sequences(log):
    grouped = itertools.groupby(log, key=lambda record: record.partition)
    return {partition: [int(json.loads(record.value)["sequence"]) for record in run] for partition, run in grouped}


def mute(world):
    """A service that consumes nothing; the test publishes through transactions."""
    return world.service(consumes={}, consumes_in_batches={})


async def say(kit, *devices):
    async with kit.transaction() as transaction:
        transaction.publish(*[a.slot_filled(device) for device in devices])


async def lease(world):
    return await world.value("SELECT split_part(holder, '/', 1) FROM lease WHERE name = 'relay'")


class TestALeader:
    async def test_is_one_and_the_other_follows_when_it_freezes(self, world):
        """Frozen is what holds the lease and does not renew it; an advisory lock would stay with it."""
        async with world.running(mute(world)):
            await until(lambda: lease(world), "a relay leads")
        await world.change("INSERT INTO lease VALUES ('relay', 'frozen', now() + interval '2 seconds')")

        async with world.running(mute(world), relay_lease_seconds=1, relay_poll_ms=50) as kit:
            await say(kit, "d")
            assert await lease(world) == "frozen"
            await world.has_published()
            assert await lease(world) == kit.replica

    @pytest.mark.parametrize("_once_more", range(5))
    async def test_leaves_no_lease_however_soon_it_stops(self, world, _once_more):
        """A quarter of the runs took the lease after its release, so that there was no leader until it expired."""
        async with world.running(mute(world)):
            pass

        assert await lease(world) is None

    async def test_that_was_killed_leads_again_at_once(self, world):
        async with world.running(mute(world)) as kit:
            name = kit.replica
        await world.change("INSERT INTO lease VALUES ('relay', $1, now() + interval '1 hour')", name)

        async with world.running(mute(world)) as kit:
            await say(kit, "d")
            await world.has_published(seconds=3)

    async def test_hears_of_what_another_replica_committed(self, world):
        slow = {"relay_poll_ms": 30_000}
        async with world.running(mute(world), **slow) as leader:
            await until(lambda: lease(world), "the first leads")
            async with world.running(mute(world), instance=1, **slow) as follower:
                await say(follower, "d")
                await world.has_published(seconds=5)
                assert await lease(world) == leader.replica

    async def test_is_told_of_each_commit_once(self, world):
        """A follower receives its own announcement and must not repeat it."""
        heard = []
        async with world.running(mute(world)), world.running(mute(world), instance=1) as follower:
            connection = await asyncpg.connect(world.database[world.name].url)
            await connection.add_listener(f"relay_{world.name}", lambda *_: heard.append(1))
            await say(follower, "d")
            await world.has_published()
            await asyncio.sleep(1)  # nothing should happen, which no event shows
            await connection.close()

        assert len(heard) <= 2


class TestTakingOver:
    async def test_sends_a_lost_tail_again(self, world):
        """An unclean election cut the log's end, which the broker had acknowledged."""
        async with world.running(mute(world)) as kit:
            await say(kit, *["d"] * 5)
            await world.has_published()
        tail = (await world.log("slots"))[-1]
        await remake(world, "slots", [record for record in await world.log("slots") if record != tail])

        async with world.running(mute(world)) as kit:
            await say(kit, "d")
            await until(lambda: has(world, 6), "the tail is there again")

        assert list(sequences(await world.log("slots")).values()) == [[1, 2, 3, 4, 5, 6]]

    async def test_stops_when_the_lost_tail_is_no_longer_kept(self, world):
        async with world.running(mute(world)) as kit:
            await say(kit, *["d"] * 5)
            await world.has_published()
        await world.change("DELETE FROM outbox")  # an hour later
        await remake(world, "slots", (await world.log("slots"))[:3])

        with pytest.raises(RecordLossError, match="no longer in the outbox"):
            await run_until_it_fails(world)

    async def test_goes_on_after_retention_emptied_the_log(self, world):
        async with world.running(mute(world)) as kit:
            await say(kit, *["d"] * 5)
            await world.has_published()
        await world.change("DELETE FROM outbox")
        await world.empty("slots")

        async with world.running(mute(world)) as kit:
            await say(kit, "d")
            await world.has_published()

        assert list(sequences(await world.log("slots")).values()) == [[6]]

    async def test_sees_more_in_the_log_than_was_noted(self, world):
        """Killed between the acknowledgement and recording it: published events are not sent again."""
        async with world.running(mute(world)) as kit:
            await say(kit, *["d"] * 5)
            await world.has_published()
        await world.change("UPDATE counter SET published = 2")

        async with world.running(mute(world)):
            await world.has_published()

        assert list(sequences(await world.log("slots")).values()) == [[1, 2, 3, 4, 5]]

    async def test_looks_behind_what_a_frozen_relay_sent_late(self, world):
        async with world.running(mute(world)) as kit:
            await say(kit, *["d"] * 90)
            await world.has_published()
        log = await world.log("slots")
        await remake(world, "slots", [*log, *log[:60]])

        async with world.running(mute(world)) as kit:
            await say(kit, "d")
            await until(lambda: has(world, 151), "the new one is there")

        assert list(sequences(await world.log("slots")).values()) == [[*range(1, 91), *range(1, 61), 91]]


class TestARestoredDatabase:
    async def test_that_is_behind_the_log_stops_the_service(self, world):
        async with world.running(mute(world)) as kit:
            await say(kit, *["d"] * 5)
            await world.has_published()
        await world.change("UPDATE counter SET sequence = 3, published = 3")

        with pytest.raises(RecordLossError, match="log has sequence 5, the database only 3"):
            await run_until_it_fails(world)

    async def test_that_is_empty_stops_the_service(self, world):
        """Sequences would restart at 1, and consumers would drop them as repetitions."""
        async with world.running(mute(world)) as kit:
            await say(kit, *["d"] * 5)
            await world.has_published()
        await world.change("DELETE FROM counter")
        await world.change("DELETE FROM outbox")

        async with world.running(mute(world)) as kit:
            await say(kit, "d")
            with pytest.raises(RecordLossError, match="log has sequence 5"):
                await asyncio.wait_for(kit.failed, 15)

    async def test_that_has_overtaken_the_log_stops_the_service(self, world):
        """Other events were published under the same sequences before the comparison."""
        async with world.running(mute(world)) as kit:
            await say(kit, *["d"] * 5)
            await world.has_published()
        await world.change("UPDATE counter SET sequence = 3, published = 3")
        await world.change("DELETE FROM outbox WHERE sequence > 3")
        await world.change("UPDATE counter SET sequence = 6")
        await world.change(
            """INSERT INTO outbox (topic, partition, sequence, id, key, value)
            SELECT topic, partition, n, 'other ' || n, 'd', 'other' FROM counter, generate_series(4, 6) AS n"""
        )

        with pytest.raises(RecordLossError, match="differs between log and outbox"):
            await run_until_it_fails(world)


async def has(world, count):
    return len(await world.log("slots")) == count


async def run_until_it_fails(world):
    async with world.running(mute(world)) as kit:
        await asyncio.wait_for(kit.failed, 15)


async def remake(world, topic, records):
    """Let the log hold these records only."""
    async with administration(world.kafka_url) as admin:
        await admin.delete_topics([topic])

        async def is_gone():
            return topic not in await admin.list_topics()

        await until(is_gone, "the topic is deleted")
    await prepare(world.service(), world.database, world.kafka_url)
    await world.publish(topic, [(record.key.decode(), record.value) for record in records])
