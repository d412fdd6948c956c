"""kill -9 of each service before COMMIT, after COMMIT before its answer, and between publishing and noting it."""

import asyncio

import pytest

from deploy.local.names import SERVICES
from tests.support import households as a
from tests.support.proxy import AFTER, BEFORE, commit_of

#: Every journey brings every service records to apply and events to publish.
JOURNEYS = 4
STRUCK_SECONDS = 90
STEPS = {
    "before its commit": (commit_of("save_checkpoints"), BEFORE),
    "after its commit": (commit_of("save_checkpoints"), AFTER),
    "between publishing and noting it": ("set_published", BEFORE),
}


async def live_until_struck(world, *strikes):
    """Households run until every kill has happened and been survived."""
    struck = asyncio.gather(*strikes)
    for _ in range(JOURNEYS):
        await world.restocks(await world.move_in(a.household(level=10, at_level=3)))
        if struck.done():
            break
    await asyncio.wait_for(struck, STRUCK_SECONDS)


async def strike(world, service, trap):
    pid = world.stack.pid(service)
    await trap.sprung.wait()
    await world.is_back(service, pid)


@pytest.mark.parametrize("step", STEPS)
async def test_all_services_killed_once_lose_and_double_nothing(world, step):
    publishing = [service for service in SERVICES if service != "gateway" or step != "between publishing and noting it"]

    await live_until_struck(
        world, *[strike(world, service, world.kills(service, *STEPS[step])) for service in publishing]
    )


@pytest.mark.parametrize("position", [BEFORE, AFTER])
async def test_the_gateway_killed_while_it_writes_promises_nothing_it_did_not_keep(world, position):
    """Its events do not go through an outbox: 202 comes only after the broker has them."""
    await live_until_struck(world, strike(world, "gateway", world.kills_at_broker("gateway", "Produce", position)))


async def test_a_service_killed_after_it_acted_outside_does_so_once_more_at_most(world):
    """The mail is sent and the address fetched, but neither is recorded: repeated without duplicates."""
    outcome = commit_of("end_task")

    await live_until_struck(
        world,
        strike(world, "notification", world.kills("notification", outcome, BEFORE, window="smtp")),
        strike(world, "order_dispatch", world.kills("order_dispatch", outcome, BEFORE)),
    )


@pytest.mark.often
@pytest.mark.parametrize("service", [service for service in SERVICES if service != "gateway"])
async def test_a_service_killed_at_one_step_after_the_other_recovers_from_each(world, service):
    async def one_after_the_other():
        for at, position in STEPS.values():
            await strike(world, service, world.kills(service, at, position))

    await live_until_struck(world, one_after_the_other())
