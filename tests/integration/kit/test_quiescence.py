"""The clock is stepped only when no work is pending: `QuiescenceProbe` detects all pending work."""

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.demo.quiescence import QuiescenceProbe, connect
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
