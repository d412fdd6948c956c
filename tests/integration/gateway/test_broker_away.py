import asyncio
import os
import signal
import tempfile
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.waiting import until
from services.gateway.api.door import door_of
from tests.integration.gateway.reading import read_events
from tests.support import routes as doors

SOON_S = 60


@pytest.fixture(scope="module")
async def broker():
    """A broker of our own, to do bad things to."""
    with tempfile.TemporaryDirectory(prefix="gateway-kafka-", ignore_cleanup_errors=True) as folder:
        kafka = Kafka(Path(folder))
        await kafka.start()
        try:
            yield kafka
        finally:
            await kafka.stop()


@pytest.fixture(scope="module")
async def world(broker, database):
    """A gateway that is impatient, and a device that it knows."""
    async with doors.portal(broker.url, database) as portal:
        knobs = {"acknowledge_seconds": 1.0, "producer_wedged_seconds": 3.0}
        async with doors.gateway(broker.url, database, portal.url, **knobs) as gateway:
            yield gateway, await portal.register(await portal.join())


async def send(world, *numbers):
    gateway, device = world
    reports = [{"type": "SlotUsed", "slot": "1", "quantity": 1, "boot": "b", "seq": number} for number in numbers]
    headers = {"Authorization": f"Bearer {device['credential']}"}
    return await gateway.http.post("/v1/usage", json=reports, headers=headers)


def ids(answers):
    return {taken["id"] for answer in answers if answer.status_code == 202 for taken in answer.json()["accepted"]}


async def accepted(world, *numbers):
    """Send until it is taken, as a device does; return the answer."""
    answer = None

    async def taken():
        nonlocal answer
        answer = await send(world, *numbers)
        return answer.status_code == 202

    await until(taken, "the gateway takes reports again", within_s=SOON_S, every_s=0.2)
    return answer


async def test_a_killed_broker_means_503_and_never_a_false_202(broker, world):
    gateway, device = world
    answers = [await accepted(world, 1)]

    await broker.kill()
    away = await asyncio.gather(*(send(world, number) for number in range(2, 22)))
    large = await send(world, *range(100, 200))
    await broker.start()
    answers += [*away, large, *[await accepted(world, number) for number in range(2, 22)]]

    assert {answer.status_code for answer in (*away, large)} == {503}
    assert all(answer.headers["retry-after"] == "2" for answer in away)
    assert away[0].json()["code"] == "broker_unavailable"
    there = {event.id for event in await read_events(broker.url, device["device_id"])}
    assert ids(answers) <= there
    await until(lambda: door_of(gateway.kit).budget.used == 0, "all memory is given back", within_s=SOON_S)


async def test_a_frozen_broker_means_503_and_goes_on_by_itself(broker, world):
    _, device = world
    await accepted(world, 300)

    os.kill(broker.pid, signal.SIGSTOP)
    try:
        frozen = await asyncio.gather(*(send(world, 301) for _ in range(10)))
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    answers = [await accepted(world, 301), await accepted(world, *range(302, 330))]

    assert {answer.status_code for answer in frozen} == {503}
    there = {event.id for event in await read_events(broker.url, device["device_id"])}
    assert ids(answers) <= there


async def test_memory_stays_bounded_while_the_broker_is_away(broker, world):
    gateway, _ = world
    await accepted(world, 400)
    budget = door_of(gateway.kit).budget
    largest = 0

    await broker.kill()
    budget.limit = 200_000
    try:
        for part in range(10):
            sending = [send(world, *range(1000 * part + 500, 1000 * part + 700)) for _ in range(5)]
            answers = await asyncio.gather(*sending)
            largest = max(largest, budget.used)
            assert {answer.status_code for answer in answers} <= {503, 429}
    finally:
        budget.limit = gateway.kit.settings.most_bytes_under_way
        await broker.start()

    assert largest <= 200_000
    await accepted(world, 401)
