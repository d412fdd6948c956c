"""After a restart of broker or database, responses are correct and no service was restarted."""

import asyncio
import os
import signal

import httpx

from deploy.local.names import SERVICES
from deploy.local.waiting import until
from tests.support import households as a
from tests.support.gateway import ACCEPTED


def pids(world):
    return {service: world.stack.pid(service) for service in SERVICES}


async def is_up(world, name, old_pid):
    [seat] = [seat for seat in world.stack.supervisor.seats if seat.member.name == name]
    return seat.condition == "ready" and seat.pid not in (None, old_pid)


async def test_killed_broker_loses_no_report_and_restarts_no_service(world):
    home = await world.move_in(a.household(level=500, at_level=3, capacity=1000))
    before, kafka = pids(world), world.stack.backends.kafka
    old = kafka.pid
    os.kill(old, signal.SIGKILL)

    answers = []
    for _ in range(5):
        report = home.counted("SlotUsed", quantity=1)
        try:
            answers.append((await world.gateway.post(home.credentials[home.device_id], [report])).status_code)
        except httpx.TransportError:
            answers.append(0)
        await world.gateway.takes(home.credentials[home.device_id], [report])
    await until(lambda: is_up(world, "kafka", old), "the broker is back", within_s=60)
    await world.settled()

    assert set(answers) <= {ACCEPTED, 503}
    assert await home.level() == 495
    await world.restocks(home)
    assert pids(world) == before


async def test_killed_database_loses_no_report_and_restarts_no_service(world):
    home = await world.move_in(a.household(level=500, at_level=3, capacity=1000))
    before, postgres = pids(world), world.stack.backends.postgres
    old = postgres.pid
    reports = [home.counted("SlotUsed", quantity=1) for _ in range(20)]
    sending = asyncio.gather(
        *[world.gateway.takes(home.credentials[home.device_id], [report]) for report in reports[:10]]
    )
    os.kill(old, signal.SIGKILL)
    await sending
    for report in reports[10:]:
        await world.gateway.takes(home.credentials[home.device_id], [report])
    await until(lambda: is_up(world, "postgres", old), "the database is back", within_s=60)
    await world.reconnect()
    await world.settled()

    assert await home.level() == 480
    await world.restocks(home)
    assert pids(world) == before


async def test_terminated_sessions_are_reopened(world, dice):
    home = await world.move_in(a.household(level=500, at_level=3, capacity=1000))
    before = pids(world)
    for _ in range(10):
        await world.ends_sessions(dice)
        await home.uses(1)

    assert await home.level() == 490
    assert pids(world) == before
