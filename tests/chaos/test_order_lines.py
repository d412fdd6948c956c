"""Orders of two and three lines: part shipments lost, doubled and out of order, a short and a cancelled line, while services are killed."""

import asyncio

import pytest

from tests.chaos.baskets import AT_LEVEL, PACK, Report, move_in_basket, parcels_of, publish
from tests.support.proxy import AFTER, BEFORE, commit_of

FULL = AT_LEVEL + PACK


async def strike(world, dice, *services):
    """Kill these services at a random step of their next batch; return a future that ends when they are ready again."""

    async def one(service):
        pid = world.stack.pid(service)
        at, position = dice.choice(
            [(commit_of("save_checkpoints"), BEFORE), (commit_of("save_checkpoints"), AFTER), ("set_published", BEFORE)]
        )
        trap = world.kills(service, at, position)
        armed.set()
        await asyncio.wait_for(trap.sprung.wait(), 60)
        await world.is_back(service, pid)

    armed = asyncio.Event()
    struck = asyncio.gather(*map(one, services))
    await armed.wait()
    return struck


async def accepted(world, lines):
    """Return a household, its accepted order and the ids of the order's lines."""
    home = await move_in_basket(world, lines)
    order = await home.runs_low()
    assert len(await home.lines(order)) == lines
    await world.provider.accepts(order)
    return home, order, [await home.line_id(order, slot) for slot in home.products]


@pytest.mark.parametrize("lines", [2, 3])
async def test_part_shipments_lost_doubled_and_out_of_order(world, dice, lines):
    home, order, line_ids = await accepted(world, lines)
    shipped = parcels_of(order, line_ids, dice)
    delivered = [Report("delivered", parcel.shipment_id, parcel.quantities) for parcel in shipped]
    lost = dice.choice(shipped)
    reports = [report for report in [*shipped, *delivered] if report is not lost]
    dice.shuffle(reports)
    struck = await strike(world, dice, "order_dispatch", "inventory")

    for report in reports:
        await publish(world, order, report, copies=dice.choice([1, 1, 2]))
    await struck
    await world.settled()

    assert await home.state(order) == "delivered"
    assert await home.line_states(order) == ["delivered"] * lines
    assert await home.levels() == [FULL] * lines


async def test_one_line_short(world, dice):
    home, order, (first, second) = await accepted(world, 2)
    short = dice.randint(1, PACK - 1)
    struck = await strike(world, dice, "order_dispatch", "inventory")

    lines = [{"line_id": first, "quantity": PACK}, {"line_id": second, "quantity": short, "remaining": 0}]
    for status in dice.choice([("shipped", "delivered"), ("delivered", "shipped")]):
        await world.provider.publishes(order, status, lines=lines, shipment_id="only")
    await struck
    await world.settled()

    assert await home.line_states(order) == ["delivered", "short"]
    assert await home.levels() == [FULL, AT_LEVEL + short]


async def test_one_line_cancelled_while_other_ships(world, dice):
    home, order, (first, second) = await accepted(world, 2)
    struck = await strike(world, dice, "order_dispatch")

    shipped = Report("shipped", "only", {first: PACK})
    await asyncio.gather(home.cancels_line(order, second), publish(world, order, shipped, copies=2))
    await struck
    await world.settled()
    await world.provider.publishes(order, "cancelled", lines=[{"line_id": second}])
    await publish(world, order, Report("delivered", "only", {first: PACK}))
    await world.settled()

    assert world.provider.requests(order).count("CancelRequested") == 1
    assert await home.line_states(order) == ["delivered", "cancelled"]
    assert await home.levels() == [FULL, AT_LEVEL]


async def test_shipment_that_names_no_line_counts_for_all_once(world, dice):
    home, order, line_ids = await accepted(world, 3)
    struck = await strike(world, dice, "order_dispatch", "consumption")

    for status in ("delivered", "shipped", "delivered"):
        await world.provider.publishes(order, status)
    await struck
    await world.settled()

    assert await home.line_states(order) == ["delivered"] * len(line_ids)
    assert await home.levels() == [FULL] * 3
