"""Shutdown: running work finishes and committed events are published."""

import asyncio
import time

import pytest

from libs.kit import TaskKind
from libs.kit.consumer import DRAIN_SECONDS
from libs.kit.errors import RecordLossError
from tests.support import kit_events as a
from tests.support import toy_service as toy
from tests.support.kit_environment import until


class TestStopping:
    async def test_leaves_nothing_unpublished(self, world):
        async with world.running(world.service(consumes={}, consumes_in_batches={})) as kit:
            for n in range(20):
                async with kit.transaction() as transaction:
                    transaction.publish(*[a.slot_filled(f"d{n}-{m}") for m in range(50)])

        assert await world.value("SELECT sum(sequence - published) FROM counter") == 0
        assert len(await world.log("slots")) == 1000

    async def test_finishes_the_batch_it_is_in(self, world):
        inside = asyncio.Event()

        async def on_usage(records, store):
            inside.set()
            await asyncio.sleep(0.5)
            return await toy.on_usage(records, store)

        async with world.running(world.service(consumes_in_batches={"usage": on_usage})):
            await world.use(("d", 1))
            await inside.wait()

        assert await world.applied() == {"d-1": 1}
        assert len(await world.log("slots")) == 1

    async def test_sees_the_effects_under_way_to_their_end(self, world):
        inside = asyncio.Event()

        async def perform(task, kit):
            inside.set()
            await asyncio.sleep(0.5)
            return {"sent": True}

        async def settle(task, outcome, store):
            return [a.slot_filled("settled")]

        service = world.service(consumes_in_batches={}, consumes={}, tasks=(TaskKind("mail", perform, settle),))
        async with world.running(service) as kit:
            async with kit.transaction() as transaction:
                transaction.store.add_task("mail", "m1", {})
            await inside.wait()

        assert await world.value("SELECT state FROM task") == "done"
        assert len(await world.log("slots")) == 1

    async def test_does_not_take_long_with_nothing_to_do(self, world):
        async with world.running():
            await world.use(("d", 1))
            await world.has_applied(1)
            began = time.monotonic()

        assert time.monotonic() - began < DRAIN_SECONDS / 2

    async def test_lets_another_replica_lead_at_once(self, world):
        async with world.running():
            await until(lambda: world.value("SELECT holder FROM lease"), "the first leads")

        assert await world.value("SELECT count(*) FROM lease") == 0


class TestAPartThatDies:
    async def test_takes_the_process_with_it(self, world):
        """Without the cancelled component the process would look healthy and do nothing."""
        async with world.running() as kit:
            next(task for task in asyncio.all_tasks() if task.get_name() == "replay of deferred records").cancel()

            with pytest.raises(RecordLossError, match="replay of deferred records was cancelled"):
                await asyncio.wait_for(kit.failed, 5)
