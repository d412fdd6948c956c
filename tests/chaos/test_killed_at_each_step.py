"""kill -9 of each service before COMMIT, after COMMIT before its answer, and between publishing and noting it."""

import asyncio

import pytest

from tests.chaos.proxy import AFTER, BEFORE
from tests.chaos.world import AFTER_COMMIT, AFTER_PUBLISH, BEFORE_COMMIT
from tests.e2e import a

JOURNEYS = 4


async def live_until(world, struck):
    """Let households move in, use things up and be restocked until every blow has fallen."""
    for _ in range(JOURNEYS):
        home = await world.move_in(a.household(level=10, at_level=3))
        await world.restocks(home)
        if struck.done():
            break
    await asyncio.wait_for(struck, 60)


async def strike_in_turn(world, service, blows):
    """Let one blow fall after the other, each on a process that has recovered from the one before."""
    for trap in blows:
        pid = world.stack.pid(service)
        await trap().sprung.wait()
        await world.is_back(service, pid)


@pytest.mark.parametrize(
    "service", ["consumption", "inventory", "reorder_decision", "order_dispatch", "notification", "portal"]
)
async def test_a_service_killed_at_each_step_loses_and_doubles_nothing(world, service):
    steps = (BEFORE_COMMIT, AFTER_COMMIT, AFTER_PUBLISH)
    blows = [lambda at=at, position=position: world.kills(service, at, position) for at, position in steps]

    await live_until(world, asyncio.ensure_future(strike_in_turn(world, service, blows)))


async def test_the_gateway_killed_at_each_step_promises_nothing_it_did_not_keep(world):
    """Its events do not go through an outbox: 202 comes only after the broker has them."""
    blows = [
        lambda: world.kills("gateway", *BEFORE_COMMIT),
        lambda: world.kills("gateway", *AFTER_COMMIT),
        lambda: world.kills_at_broker("gateway", "Produce", BEFORE),
        lambda: world.kills_at_broker("gateway", "Produce", AFTER),
    ]

    await live_until(world, asyncio.ensure_future(strike_in_turn(world, "gateway", blows)))
