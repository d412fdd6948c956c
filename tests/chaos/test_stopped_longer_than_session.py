"""After a stop longer than the session timeout, every service joins its group again without a restart or a storm."""

import asyncio
import os
import re
import signal

import pytest

from deploy.local.names import SERVICES
from tests.support import households as a
from tests.support.stack import SESSION_SECONDS


async def joins(world, service):
    """Return how often the service got partitions from its group."""
    answer = await world.http.get(f"{world.stack.url(service)}/metrics")
    [value] = re.findall(r"^kit_group_joins_total (\S+)$", answer.text, re.MULTILINE)
    return float(value)


def pids(world):
    return {service: world.stack.pid(service) for service in SERVICES}


@pytest.mark.parametrize("stopped", ["all services", "broker"])
async def test_each_service_rejoins_at_most_once(world, stopped):
    """A broker may process waiting heartbeats before it notices that a session has expired; the member then stays."""
    home = await world.move_in(a.household(level=500, at_level=3, capacity=1000))
    running = pids(world)
    before = {service: await joins(world, service) for service in SERVICES}

    for pid in (stop := [world.stack.backends.kafka.pid] if stopped == "broker" else list(running.values())):
        os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(SESSION_SECONDS + 3)
    for pid in stop:
        os.kill(pid, signal.SIGCONT)
    await home.uses(10)
    await world.settled()

    assert await home.level() == 490
    assert pids(world) == running
    assert {await joins(world, service) - before[service] for service in SERVICES} <= {0, 1}
