"""Refills are never reported: use reveals them, and one order is placed per need."""

from tests.support import households as a

DAYS = 45
PACK = 10


async def test_unreported_refills_order_once_per_need(world):
    home = await world.move_in(a.household(level=10, capacity=10, at_level=3, pack_size=PACK, loading="by_hand"))

    used, due, positions = 0, [], []
    for day in range(DAYS):
        await world.days(1)
        await home.uses(1 + day % 3)
        used += 1 + day % 3
        orders = await home.orders()
        for order in orders[len(due) :]:
            due.append(used)
            await home.is_supplied(order)
        assert len(orders) == len(due)
        positions.append(await home.level() + await home.shelf())

    assert used == 2 * DAYS
    # Position = initial level + deliveries - use; an order at 3 or below, one per need.
    assert positions == [10 + PACK * sum(at <= n for at in due) - n for n in used_by_day()]
    assert all(3 < position <= 3 + PACK for position in positions)
    assert len(due) == (used - 10 + 3) // PACK + 1
    stock = await home.stock()
    assert (stock["available"], stock["unexplained"]) == (positions[-1] - await home.level(), 0)
    assert (await home.slot())["state"] == "overdrawn"
    assert home.mails().count("Ordered: Coffee pods") == len(due)


def used_by_day():
    used = 0
    for day in range(DAYS):
        used += 1 + day % 3
        yield used


async def test_late_refill_report_is_booked_once(world):
    home = await world.move_in(a.household(level=4, capacity=10, at_level=3, pack_size=20, loading="by_hand"))
    await home.uses(2)
    [order] = await home.orders()
    await home.is_supplied(order)

    await home.uses(5)
    inferred = await home.level(), await home.shelf()
    await home.refills(8)

    assert inferred == (0, 17)
    assert (await home.level(), await home.shelf()) == (5, 12)
    assert await home.orders() == [order]


async def test_unreported_cartridge_takes_one_from_shelf(world):
    home = await world.move_in(
        a.household(level=4, capacity=50, at_level=3, pack_size=100, loading="by_hand", fill="replace")
    )
    await home.uses(2)
    [order] = await home.orders()
    await home.is_supplied(order)

    await home.uses(5)
    changed = await home.level(), await home.shelf()
    await home.refills()
    reported = await home.level(), await home.shelf()
    await home.uses(90)

    assert changed == (47, 50)
    assert reported == (50, 50)
    assert (await home.level(), await home.shelf()) == (10, 0)
    assert await home.orders() == [order]
