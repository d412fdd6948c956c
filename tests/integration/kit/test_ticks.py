"""Periodic jobs run once per period across replicas, also on a stepped clock."""

import asyncio
from datetime import timedelta

import pytest

from libs.kit import PeriodicJob, jobs
from libs.kit.clock import SteppedClock
from tests.support import kit_events as a
from tests.support.kit_environment import until

HOUR = timedelta(hours=1)


@pytest.fixture
def clock(tmp_path):
    return SteppedClock.create(tmp_path / "clock", a.AT)


async def sweep(store):
    await store.note("tick", store.now.isoformat(), "sweep")
    return [a.slot_filled("swept")]


async def fail(store):
    await store.note("tick", "never", "fail")
    raise ValueError("a bug in a tick")


def ticking(world, *jobs):
    return world.service(consumes={}, consumes_in_batches={}, jobs=jobs or (PeriodicJob(sweep, every_seconds=3600),))


async def ran(world, count):
    async def enough():
        return await world.value("SELECT count(*) FROM applied") >= count

    await until(enough, f"it ran {count} times")


class TestATick:
    async def test_runs_once_per_period_across_replicas(self, world, clock, tmp_path):
        knobs = {"clock_file": tmp_path / "clock"}
        async with world.running(ticking(world), **knobs), world.running(ticking(world), instance=1, **knobs):
            for step in range(1, 11):
                await ran(world, step)
                await asyncio.sleep(0.05)  # for the other replica to run it too, if it would
                clock.step_to(a.AT + step * HOUR)
            await ran(world, 11)
            await world.has_published()

        times = [row["id"] for row in await world.rows("SELECT id FROM applied ORDER BY n")]
        assert times == [(a.AT + step * HOUR).isoformat() for step in range(11)]
        assert len(await world.log("slots")) == 11

    async def test_follows_a_step_and_not_the_next_look(self, world, clock, tmp_path, monkeypatch):
        monkeypatch.setattr(jobs, "POLL_SECONDS", 600.0)
        async with world.running(ticking(world), clock_file=tmp_path / "clock"):
            await ran(world, 1)
            clock.step_to(a.AT + HOUR)
            await ran(world, 2)

    async def test_runs_once_after_a_long_sleep(self, world, clock, tmp_path):
        async with world.running(ticking(world), clock_file=tmp_path / "clock"):
            await ran(world, 1)
            clock.step_to(a.AT + 1000 * HOUR)
            await ran(world, 2)
            await asyncio.sleep(0.2)

        assert await world.value("SELECT count(*) FROM applied") == 2

    async def test_runs_although_a_clock_was_a_day_ahead_once(self, world, clock, tmp_path):
        clock.step_to(a.AT + 24 * HOUR)
        async with world.running(ticking(world), clock_file=tmp_path / "clock"):
            await ran(world, 1)
        SteppedClock.create(tmp_path / "corrected", a.AT)

        async with world.running(ticking(world), clock_file=tmp_path / "corrected"):
            await ran(world, 2)

    async def test_is_not_due_again_after_a_restart(self, world, clock, tmp_path):
        for _ in range(2):
            async with world.running(ticking(world), clock_file=tmp_path / "clock"):
                await until(lambda: world.value("SELECT 1 FROM periodic_job"), "the tick is known")
                await asyncio.sleep(0.2)

        assert await world.value("SELECT count(*) FROM applied") == 1

    async def test_that_fails_harms_neither_the_others_nor_the_process(self, world, clock, tmp_path):
        service = ticking(world, PeriodicJob(fail, every_seconds=60), PeriodicJob(sweep, every_seconds=60))
        async with world.running(service, clock_file=tmp_path / "clock") as kit:
            await ran(world, 1)
            clock.step_to(a.AT + HOUR)
            await ran(world, 2)
            assert not kit.failed.done()

        assert await world.value("SELECT count(*) FROM applied WHERE subject = 'fail'") == 0
        assert await world.value("SELECT count(*) FROM periodic_job WHERE name = 'fail'") == 0, "so it is due"
