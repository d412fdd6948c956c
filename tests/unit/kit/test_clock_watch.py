"""ClockWatch notifies its components of every step, and only then."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from libs.kit.clock import POLL_SECONDS, ClockWatch, RealClock, SteppedClock

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Waiting:
    def __init__(self):
        self.heard = 0
        self.consumes = asyncio.Event()

    def clock_stepped(self):
        self.heard += 1
        self.consumes.set()


@pytest.fixture
def clock(tmp_path):
    return SteppedClock.create(tmp_path / "clock", NOON)


async def test_every_part_hears_of_a_step(clock):
    parts = [Waiting(), Waiting()]
    watch = asyncio.create_task(ClockWatch(clock, *parts).run())
    await asyncio.sleep(5 * POLL_SECONDS)
    assert [part.heard for part in parts] == [0, 0]

    for step in (1, 2):
        clock.step_to(NOON + timedelta(minutes=step))
        async with asyncio.timeout(5):
            await asyncio.gather(*[part.consumes.wait() for part in parts])
        assert [part.heard for part in parts] == [step, step]
        for part in parts:
            part.consumes.clear()

    watch.cancel()


async def test_a_clock_that_goes_by_itself_is_not_watched():
    await asyncio.wait_for(ClockWatch(RealClock(), Waiting()).run(), 5)
