"""The clock is stepped only when no work is pending: `Quiet` detects all pending work."""

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.demo.quiet import Quiet, connect
from tests.support import kit_events as a


@pytest.fixture
async def quiet(world):
    database = await connect(world.database[world.name].url)
    async with AIOKafkaConsumer(bootstrap_servers=world.kafka_url) as consumer:
        yield Quiet(database, consumer, [world.name], {})
    await database.close()


@pytest.mark.parametrize("state", ["due", "claimed", "unknown", "done", "refused"])
async def test_an_effect_is_under_way_until_it_has_ended(world, quiet, state):
    """Between an attempt's lost lease and the next attempt its outcome is unknown; that is no end."""
    await world.change(
        "INSERT INTO task (kind, id, payload, due_at, state) VALUES ('mail', 'm', '{}', $1, $2)", a.AT, state
    )

    look = await quiet.look(a.AT)

    assert look.why == ("" if state in {"done", "refused"} else f"{world.name}: 1 effects")


async def test_an_unknown_effect_that_waits_for_its_pause_holds_nothing_up(world, quiet):
    """Retries of an unresponsive shop back off in real time, while the stepped clock advances."""
    await world.change(
        """INSERT INTO task (kind, id, payload, due_at, state, retry_at)
        VALUES ('mail', 'm', '{}', $1, 'unknown', now() + interval '1 minute')""",
        a.AT,
    )

    assert (await quiet.look(a.AT)).is_quiet
