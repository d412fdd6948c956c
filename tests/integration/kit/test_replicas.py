"""Two processes of one service: the locked checkpoint makes an overlap harmless."""

import asyncio
import json
from contextlib import AsyncExitStack

from libs.kit import consumer
from tests.support import toy_service as toy
from tests.support.kit_environment import ask, until

REPORTS = [(f"d{n % 40}", n) for n in range(400)]


class Slow:
    """A batch handler that stops inside its first batch until it is let go."""

    def __init__(self):
        self.inside, self.gate = asyncio.Event(), asyncio.Event()

    async def on_usage(self, records, store):
        said = await toy.on_usage(records, store)
        if not self.gate.is_set():
            self.inside.set()
            await self.gate.wait()
        return said


async def is_ready(kit):
    return (await ask(kit, "/health/ready")).status_code == 200


async def is_dense(world, count):
    sequences = [json.loads(record.value)["sequence"] for record in await world.log("slots")]
    assert len(sequences) == count
    counted = await world.value("SELECT sum(sequence) FROM counter")
    assert counted == count


class TestARebalanceInsideABatch:
    async def test_waits_for_the_batch(self, world):
        slow = Slow()
        service = world.service(consumes_in_batches={"usage": slow.on_usage})
        async with world.running(service) as first:
            await world.use(*REPORTS)
            await slow.inside.wait()
            async with AsyncExitStack() as stack:
                joining = asyncio.create_task(stack.enter_async_context(world.running(instance=1)))
                await until(lambda: is_not_ready(first), "the first gives its partitions up")
                assert await world.value("SELECT count(*) FROM applied") == 0
                slow.gate.set()
                await joining
                await world.has_applied(400)
                await world.has_published()

        assert set((await world.applied()).values()) == {1}
        await is_dense(world, 400)

    async def test_doubles_nothing_when_it_does_not_wait(self, world, monkeypatch):
        """The old owner is still inside its transaction when the new one reads the same records."""
        monkeypatch.setattr(consumer, "DRAIN_SECONDS", 0.05)
        slow = Slow()
        service = world.service(consumes_in_batches={"usage": slow.on_usage})
        await world.use(*REPORTS)  # before the first reads: its batch has records of every partition
        async with world.running(service):
            await slow.inside.wait()
            async with world.running(instance=1) as second:
                await until(lambda: is_ready(second), "the second has its partitions")
                await until(lambda: is_blocked(world), "the second waits for the first's checkpoints")
                slow.gate.set()
                await world.has_applied(400)
                await world.has_published()

        assert set((await world.applied()).values()) == {1}
        await is_dense(world, 400)


async def test_another_instance_doubles_nothing(world):
    async with world.running():
        await world.use(*REPORTS[:200])
        async with world.running(instance=1):
            await world.use(*REPORTS[200:])
            await world.has_applied(400)
            await world.has_published()

    assert set((await world.applied()).values()) == {1}
    await is_dense(world, 400)


class TestOneProcessTooMany:
    """Two processes with the same instance number: a supervisor lost track of the first."""

    async def test_applies_nothing_twice_and_repeats_only_whole_numbers(self, world):
        """Both may publish until the older one renews its lease; consumers drop the repetitions."""
        async with world.running():
            await world.use(*REPORTS[:200])
            async with world.running():
                await world.use(*REPORTS[200:])
                await world.has_applied(400)
                await world.has_published()

        assert set((await world.applied()).values()) == {1}
        told = {
            (record.partition, json.loads(record.value)["sequence"], record.value)
            for record in await world.log("slots")
        }
        assert len(told) == 400
        assert len({(partition, sequence) for partition, sequence, _ in told}) == 400

    async def test_leaves_the_relay_to_the_younger(self, world):
        async with world.running(relay_lease_seconds=0.6, relay_poll_ms=50):
            elder = await until(lambda: holder(world), "the first leads")
            async with world.running(relay_lease_seconds=0.6, relay_poll_ms=50):
                await until(lambda: is_not_held_by(world, elder), "the second leads")
                younger = await holder(world)
                await asyncio.sleep(1.2)
                assert await holder(world) == younger


async def holder(world):
    return await world.value("SELECT holder FROM lease")


async def is_not_held_by(world, process):
    return await holder(world) != process


async def is_not_ready(kit):
    return not await is_ready(kit)


async def is_blocked(world):
    return await world.value(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '-- save_checkpoints%'"
    )
