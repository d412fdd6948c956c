import asyncio
import os
import signal
import tempfile
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.waiting import until
from services.gateway.api.ingest_pipeline import pipeline_of
from tests.integration.gateway.usage_records import read_events
from tests.support import routes

SOON_S = 60


@pytest.fixture(scope="module")
async def broker():
    """Run a broker that the tests may kill and suspend."""
    with tempfile.TemporaryDirectory(prefix="gateway-kafka-", ignore_cleanup_errors=True) as folder:
        kafka = Kafka(Path(folder))
        await kafka.start()
        try:
            yield kafka
        finally:
            await kafka.stop()


@pytest.fixture(scope="module")
async def gateway_and_device(broker, database):
    """Run a gateway with short timeouts, and register a device."""
    async with routes.portal(broker.url, database) as portal:
        settings = {"acknowledge_timeout_seconds": 1.0, "producer_wedged_seconds": 3.0}
        async with routes.gateway(broker.url, database, portal.url, **settings) as gateway:
            yield gateway, await portal.register(await portal.join())


async def send(gateway_and_device, *numbers):
    gateway, device = gateway_and_device
    reports = [{"type": "SlotUsed", "slot": "1", "quantity": 1, "boot": "b", "seq": number} for number in numbers]
    headers = {"Authorization": f"Bearer {device['credential']}"}
    return await gateway.http.post("/v1/usage", json=reports, headers=headers)


def accepted_ids(answers):
    return {report["id"] for answer in answers if answer.status_code == 202 for report in answer.json()["accepted"]}


async def accepted(gateway_and_device, *numbers):
    """Repeat a request until it is accepted, as a device does, and return the answer."""
    answer = None

    async def is_accepted():
        nonlocal answer
        answer = await send(gateway_and_device, *numbers)
        return answer.status_code == 202

    await until(is_accepted, "the gateway accepts reports again", within_s=SOON_S, every_s=0.2)
    return answer


async def test_report_usage_answers_503_while_broker_is_down(broker, gateway_and_device):
    gateway, device = gateway_and_device
    answers = [await accepted(gateway_and_device, 1)]

    await broker.kill()
    away = await asyncio.gather(*(send(gateway_and_device, number) for number in range(2, 22)))
    large = await send(gateway_and_device, *range(100, 200))
    await broker.start()
    answers += [*away, large, *[await accepted(gateway_and_device, number) for number in range(2, 22)]]

    assert {answer.status_code for answer in (*away, large)} == {503}
    assert all(answer.headers["retry-after"] == "2" for answer in away)
    assert away[0].json()["code"] == "broker_unavailable"
    stored = {event.id for event in await read_events(broker.url, device["device_id"])}
    assert accepted_ids(answers) <= stored
    await until(lambda: pipeline_of(gateway.kit).memory.used == 0, "all memory is released", within_s=SOON_S)


async def test_report_usage_answers_503_while_broker_is_suspended_then_recovers(broker, gateway_and_device):
    _, device = gateway_and_device
    await accepted(gateway_and_device, 300)

    os.kill(broker.pid, signal.SIGSTOP)
    try:
        frozen = await asyncio.gather(*(send(gateway_and_device, 301) for _ in range(10)))
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    answers = [await accepted(gateway_and_device, 301), await accepted(gateway_and_device, *range(302, 330))]

    assert {answer.status_code for answer in frozen} == {503}
    stored = {event.id for event in await read_events(broker.url, device["device_id"])}
    assert accepted_ids(answers) <= stored


async def test_memory_is_bounded_while_broker_is_down(broker, gateway_and_device):
    gateway, _ = gateway_and_device
    await accepted(gateway_and_device, 400)
    memory = pipeline_of(gateway.kit).memory
    largest = 0

    await broker.kill()
    memory.limit = 200_000
    try:
        for part in range(10):
            sending = [send(gateway_and_device, *range(1000 * part + 500, 1000 * part + 700)) for _ in range(5)]
            answers = await asyncio.gather(*sending)
            largest = max(largest, memory.used)
            assert {answer.status_code for answer in answers} <= {503, 429}
    finally:
        memory.limit = gateway.kit.settings.max_in_flight_bytes
        await broker.start()

    assert largest <= 200_000
    await accepted(gateway_and_device, 401)
