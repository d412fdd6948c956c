"""An order is cancelled while its slot is low: nothing is ordered against the customer's will, nor forgotten."""

from tests.support import households as a


async def test_after_a_first_cancel_it_is_ordered_again_in_five_days(world):
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


async def test_after_a_second_cancel_it_is_ordered_again_once_the_slot_was_full(world):
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


async def test_goods_that_have_left_come_although_they_were_cancelled(world):
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


async def test_a_provider_that_cancels_by_itself_is_asked_again_after_a_day(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()
    await world.provider.accepts(order)

    await world.provider.cancels(order, "lost in the warehouse")
    waiting = await home.waits_for()
    await world.days(1)

    assert waiting == "not_delivered until time"
    assert len(await home.orders()) == 2
