"""A subscription is created for a slot that is already low."""

from tests.support import households as a


async def test_subscription_below_threshold_orders_at_once(world):
    home = await world.move_in(a.household(level=2, at_level=3, subscribes=False))
    nothing_yet = await home.orders()

    await home.subscribes()
    [order] = await home.orders()
    await home.uses(1)
    await home.is_supplied(order)

    assert nothing_yet == []
    assert (await home.receipt(order))["reason"] == "low"
    assert home.mails() == ["Ordered: Coffee pods"]
    assert await home.level() == 51
    assert await home.orders_again() != order


async def test_shelf_counts_towards_threshold(world):
    home = await world.move_in(a.household(level=2, at_level=3, subscribes=False))
    await home.counts_shelf(20)

    await home.subscribes()
    enough = await home.orders()
    await home.counts_shelf(1)

    assert enough == []
    [order] = await home.orders()
    figures = (await home.receipt(order))["figures"]
    assert (figures["levels"], figures["shelf"], figures["position"]) == (2, 1, 3)
