"""The clock is stepped only when no work is pending: `QuiescenceProbe` detects all pending work."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.demo.quiescence import QuiescenceProbe, connect
from deploy.local.errors import StackError
from tests.support import kit_events as a


@pytest.fixture
async def probe(world):
    database = await connect(world.database[world.name].url)
    async with AIOKafkaConsumer(bootstrap_servers=world.kafka_url) as consumer:
        yield QuiescenceProbe(database, consumer, [world.name], {})
    await database.close()


@pytest.mark.parametrize("state", ["due", "claimed", "unknown", "done", "refused"])
async def test_task_is_open_work_until_it_is_completed(world, probe, state):
    """Between an attempt's lost lease and the next attempt its outcome is unknown; it is still open."""
    await world.change(
        "INSERT INTO task (kind, id, payload, due_at, state) VALUES ('mail', 'm', '{}', $1, $2)", a.AT, state
    )

    result = await probe.probe(a.AT)

    assert result.open_work == ("" if state in {"done", "refused"} else f"{world.name}: 1 tasks")


async def test_unknown_task_between_retries_is_idle(world, probe):
    """Retries of an unresponsive shop back off in real time, while the stepped clock advances."""
    await world.change(
        """INSERT INTO task (kind, id, payload, due_at, state, retry_at)
        VALUES ('mail', 'm', '{}', $1, 'unknown', now() + interval '1 minute')""",
        a.AT,
    )

    assert (await probe.probe(a.AT)).is_idle


async def test_wait_lasts_as_long_as_work_progresses(world, probe):
    probe.timeout_s = 0.5
    await world.change("INSERT INTO checkpoint (topic, partition, next_offset) VALUES ('usage', 0, 0)")
    await world.change("INSERT INTO task (kind, id, payload, due_at) VALUES ('mail', 'm', '{}', $1)", a.AT)

    async def progress():
        for offset in range(1, 6):
            await asyncio.sleep(0.2)
            await world.change("UPDATE checkpoint SET next_offset = $1", offset)
        await world.change("DELETE FROM checkpoint")
        await world.change("DELETE FROM task")

    work = asyncio.create_task(progress())
    await probe.wait(a.AT)
    await work


async def test_wait_names_work_without_progress(world, probe):
    probe.timeout_s = 0.2
    await world.change("INSERT INTO task (kind, id, payload, due_at) VALUES ('mail', 'm', '{}', $1)", a.AT)

    with pytest.raises(StackError, match=r"no progress for 0\.2 s: .*1 tasks"):
        await probe.wait(a.AT)
