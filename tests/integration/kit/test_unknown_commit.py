"""The connection breaks at COMMIT: the outcome is unknown, and nothing is lost or applied twice."""

import asyncio

import pytest

from libs.kit import PeriodicJob, TaskKind
from libs.kit.clock import SteppedClock
from tests.integration.kit.proxied import proxied
from tests.support import kit_events as a
from tests.support.kit_environment import until
from tests.support.proxy import AFTER, BEFORE, commit_of

POSITIONS = pytest.mark.parametrize("position", [BEFORE, AFTER])


@POSITIONS
async def test_of_a_batch(world, position):
    async with proxied(world) as between, world.running(**between.urls):
        traps = []
        for n in range(3):
            traps.append(between.postgres.trap(commit_of("save_checkpoints"), position, lambda: None))
            await world.use(("d", n), ("e", n))
            await world.has_applied(2 * n + 2)
        await asyncio.gather(*[trap.sprung.wait() for trap in traps])
        await world.has_published()

    assert set((await world.applied()).values()) == {1}
    assert len(await world.log("slots")) == 6


@POSITIONS
async def test_of_a_tick(world, position, tmp_path):
    async def sweep(store):
        await store.note("tick", store.now.isoformat(), "sweep")
        return [a.slot_filled("swept")]

    SteppedClock.create(tmp_path / "clock", a.AT)
    service = world.service(consumes={}, consumes_in_batches={}, jobs=(PeriodicJob(sweep, every_seconds=60),))
    async with proxied(world) as between:
        trap = between.postgres.trap(commit_of("save_job_run"), position, lambda: None)
        async with world.running(service, clock_file=tmp_path / "clock", **between.urls):
            await trap.sprung.wait()
            await world.has_applied(1)
            await world.has_published()
            await asyncio.sleep(0.5)

    assert set((await world.applied()).values()) == {1}
    assert len(await world.log("slots")) == 1


@POSITIONS
async def test_of_an_outcome(world, position):
    called = []

    async def perform(task, kit):
        called.append(task.id)
        return {"sent": True}

    async def settle(task, outcome, store):
        await store.note("outside", task.id, task.id)
        return [a.slot_filled("told")]

    service = world.service(consumes={}, consumes_in_batches={}, tasks=(TaskKind("mail", perform, settle),))
    async with proxied(world) as between, world.running(service, **between.urls) as kit:
        trap = between.postgres.trap(commit_of("end_task"), position, lambda: None)
        async with kit.transaction() as transaction:
            transaction.store.add_task("mail", "m", {})
        await trap.sprung.wait()
        await until(lambda: world.value("SELECT state = 'done' FROM task"), "the outcome is written down")
        await world.has_published()

    assert called == ["m"]
    assert set((await world.applied()).values()) == {1}
    assert len(await world.log("slots")) == 1


@POSITIONS
async def test_of_a_claim_calls_once(world, position):
    called = []

    async def perform(task, kit):
        called.append(task.id)
        return {}

    async def settle(task, outcome, store):
        return []

    kind = TaskKind("mail", perform, settle, reconcile=perform, lease_seconds=1)
    async with proxied(world) as between:
        service = world.service(consumes={}, consumes_in_batches={}, tasks=(kind,))
        async with world.running(service, **between.urls) as kit:
            await until(lambda: "claim_tasks" in between.postgres.seen, "it looks for work")
            async with kit.transaction() as transaction:
                trap = between.postgres.trap("claim_tasks", position, lambda: None)
                transaction.store.add_task("mail", "m", {})
            await trap.sprung.wait()
            await until(lambda: world.value("SELECT state = 'done' FROM task"), "it is done", seconds=30)

    assert called == ["m"]


@POSITIONS
async def test_of_the_relays_progress(world, position):
    """Events are published, but this is not recorded: they may be repeated and count once."""
    async with proxied(world) as between, world.running(**between.urls):
        trap = between.postgres.trap("set_published", position, lambda: None)
        await world.use(*[("d", n) for n in range(5)])
        await trap.sprung.wait()
        await world.has_published()

    sequences = [int(told["sequence"]) for told in await world.said("slots")]
    assert sorted(set(sequences)) == [1, 2, 3, 4, 5]
