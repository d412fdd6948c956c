"""Partitions move between two instances of a service without loss or duplicates."""

import asyncio
import os
import signal

import pytest

from deploy.local.waiting import until
from tests.support import households as a
from tests.support.proxy import DURING, commit_of
from tests.support.stack import SESSION_SECONDS


async def is_unready(world, service, instance=0):
    return not await world.is_ready(service, instance)


@pytest.fixture
async def home(world):
    return await world.move_in(a.household(level=5000, at_level=0, capacity=10_000, subscribes=False))


async def uses(world, home, count):
    """Report several uses without waiting until they are processed."""
    reports = [home.counted("SlotUsed", quantity=1) for _ in range(count)]
    await world.gateway.takes(home.credentials[home.device_id], reports)


async def test_second_instance_joins_during_batch(world, home):
    """The first instance is at its COMMIT when the group revokes its partitions."""

    async def until_the_group_moves():
        await until(lambda: is_unready(world, "consumption"), "the first gives partitions up", within_s=60)

    held = world.stack.between["consumption", 0].postgres.trap(
        commit_of("save_checkpoints"), DURING, until_the_group_moves
    )
    await uses(world, home, 10)
    async with world.stack.one_more("consumption"):
        await held.sprung.wait()
        await uses(world, home, 10)
        await world.settled()
        assert await home.level() == 5000 - 20
    await uses(world, home, 10)
    await world.settled()

    assert await home.level() == 5000 - 30


async def test_frozen_instance_resumes_after_losing_partitions(world, home):
    """The other instance then owns them and waits for the checkpoint lock of the frozen one."""
    frozen = []

    def freezes(instance):
        async def freeze():
            if not frozen:
                frozen.append(instance)
                pid = world.stack.pid("consumption", instance)
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(SESSION_SECONDS + 3)
                os.kill(pid, signal.SIGCONT)

        return freeze

    async with world.stack.one_more("consumption"):
        await world.settled()
        held = [
            world.stack.between["consumption", n].postgres.trap(commit_of("save_checkpoints"), DURING, freezes(n))
            for n in (0, 1)
        ]
        await uses(world, home, 10)
        await asyncio.wait([asyncio.ensure_future(trap.sprung.wait()) for trap in held], return_when="FIRST_COMPLETED")
        await uses(world, home, 10)
        await world.settled()

    assert frozen
    assert await home.level() == 5000 - 20
