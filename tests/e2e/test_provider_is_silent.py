"""A provider does not respond: the order is reconciled by a status request and never sent again."""

from tests.support import households as a


async def test_unknown_order_continues_after_late_update(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()

    await world.days(1.1)
    state = await home.state(order)
    await world.days(3)
    await home.uses(1)
    asked = world.provider.requests(order)
    await home.is_supplied(order)

    assert state == "unknown"
    assert asked == ["OrderRequested", "OrderStatusRequested", "OrderStatusRequested"]
    assert await home.state(order) == "delivered"
    assert home.mails() == ["Ordered: Coffee pods"]
    assert await home.orders_again() != order


async def test_order_not_found_fails_and_is_repeated_after_one_day(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()
    await world.days(1.1)

    await world.provider.reports(order, "not_found")
    waiting, too_early = await home.waits_for(), await home.orders()
    await world.days(1)
    [_, second] = await home.orders()

    assert await home.state(order) == "failed"
    assert (waiting, too_early) == ("not_delivered until time", [order])
    assert home.mails() == ["Order not completed: Coffee pods"]
    assert world.provider.requests(second) == ["OrderRequested"]
