"""The threshold is raised above the current level."""

from tests.support import households as a


async def test_raised_threshold_orders_once(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    nothing_yet = await home.orders()

    await home.wants(at_level=20)
    [order] = await home.orders()
    await home.wants(at_level=30)
    await home.uses(1)
    await home.is_supplied(order)

    assert nothing_yet == []
    assert await home.orders() == [order]
    assert (await home.receipt(order))["figures"]["threshold"] == 20
    assert home.mails() == ["Ordered: Coffee pods"]
    assert await home.level() == 59
    await home.uses(28)
    assert await home.orders() == [order]
    await home.uses(1)
    assert len(await home.orders()) == 2


async def test_crossing_of_old_trigger_orders_nothing(world):
    home = await world.move_in(a.household(level=10, at_level=3))

    await home.wants(at_level=8)
    await home.wants(at_level=2)
    await home.uses(7)
    nothing_yet = await home.orders()
    await home.uses(1)

    assert nothing_yet == []
    assert len(await home.orders()) == 1
