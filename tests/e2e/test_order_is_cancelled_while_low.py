"""After an order of a low slot is cancelled, reordering waits and then resumes."""

from tests.support import households as a


async def test_first_cancel_orders_again_after_five_days(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()
    await world.provider.accepts(order)

    await home.cancels(order)
    asked = world.provider.requests(order)
    await world.provider.cancels(order)
    waiting = await home.waits_for()
    await world.days(4.9)
    await home.uses(1)
    too_early = await home.orders()
    await world.days(0.2)

    assert asked == ["OrderRequested", "CancelRequested"]
    assert waiting == "cancelled_once until time"
    assert too_early == [order]
    [_, second] = await home.orders()
    assert await home.state(order) == "cancelled"
    assert (await home.receipt(second))["reason"] == "low"
    assert home.mails() == ["Ordered: Coffee pods", "Order cancelled: Coffee pods"]  # the second is not accepted yet


async def test_second_cancel_orders_again_after_refill(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [first] = await home.orders()
    await home.cancels(first)
    await world.provider.cancels(first)
    await world.days(5)
    [_, second] = await home.orders()

    await home.cancels(second)
    await world.provider.cancels(second)
    waiting = await home.waits_for()
    await world.days(60)
    await home.uses(1)
    much_later = await home.orders()
    await home.refills()

    assert waiting == "cancelled_again until SlotFilled"
    assert much_later == [first, second]
    assert home.mails()[-1] == "Automatic orders stopped: Coffee pods"
    assert await home.orders_again() not in (first, second)


async def test_shipped_order_is_delivered_despite_cancel(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()
    await world.provider.accepts(order)

    await home.cancels(order)
    await world.provider.ships(order)
    await world.provider.delivers(order)

    assert await home.state(order) == "delivered"
    assert await home.level() == 53
    assert home.mails() == ["Ordered: Coffee pods"]
    assert await home.orders_again() != order


async def test_cancel_by_provider_orders_again_after_one_day(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()
    await world.provider.accepts(order)

    await world.provider.cancels(order, "lost in the warehouse")
    waiting = await home.waits_for()
    await world.days(1)

    assert waiting == "not_delivered until time"
    assert len(await home.orders()) == 2
