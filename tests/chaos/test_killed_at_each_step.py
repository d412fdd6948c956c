"""Kill -9 of each service before COMMIT, between COMMIT and its reply, and between publishing and marking as published."""

import asyncio

import pytest

from deploy.local.names import SERVICES
from tests.chaos.baskets import move_in_basket
from tests.support import households as a
from tests.support.proxy import AFTER, BEFORE, commit_of

#: Each restock gives every service records to process and events to publish. Orders of one and two lines take turns.
JOURNEYS = 4
STRUCK_SECONDS = 90
STEPS = {
    "before its commit": (commit_of("save_checkpoints"), BEFORE),
    "after its commit": (commit_of("save_checkpoints"), AFTER),
    "between publishing and marking": ("set_published", BEFORE),
}


async def live_until_struck(world, *strikes):
    """Restock households until each kill has happened and its service is ready again."""
    struck = asyncio.gather(*strikes)
    for number in range(JOURNEYS):
        if number % 2:
            await world.restocks(await world.move_in(a.household(level=10, at_level=3)))
        else:
            home = await move_in_basket(world)
            await home.is_supplied(await home.runs_low())
        if struck.done():
            break
    await asyncio.wait_for(struck, STRUCK_SECONDS)


async def strike(world, service, trap):
    pid = world.stack.pid(service)
    await trap.sprung.wait()
    await world.is_back(service, pid)


@pytest.mark.parametrize("step", STEPS)
async def test_services_killed_at_step_lose_and_double_nothing(world, step):
    publishing = [service for service in SERVICES if service != "gateway" or step != "between publishing and marking"]

    await live_until_struck(
        world, *[strike(world, service, world.kills(service, *STEPS[step])) for service in publishing]
    )


@pytest.mark.parametrize("position", [BEFORE, AFTER])
async def test_gateway_killed_while_publishing_loses_no_accepted_report(world, position):
    """The gateway has no outbox: it returns 202 after the broker acknowledged."""
    await live_until_struck(world, strike(world, "gateway", world.kills_at_broker("gateway", "Produce", position)))


async def test_service_killed_after_task_repeats_it_at_most_once(world):
    """The mail is sent and the address fetched, but the outcome is not committed."""
    outcome = commit_of("end_task")

    await live_until_struck(
        world,
        strike(world, "notification", world.kills("notification", outcome, BEFORE, window="smtp")),
        strike(world, "order_dispatch", world.kills("order_dispatch", outcome, BEFORE)),
    )


@pytest.mark.often
@pytest.mark.parametrize("service", [service for service in SERVICES if service != "gateway"])
async def test_service_killed_at_each_step_recovers(world, service):
    async def one_after_the_other():
        for at, position in STEPS.values():
            await strike(world, service, world.kills(service, at, position))

    await live_until_struck(world, one_after_the_other())
