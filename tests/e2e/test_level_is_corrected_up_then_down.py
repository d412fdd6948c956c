"""Corrections of a level, up and then down, neither lose a wake-up nor order twice."""

from tests.support import households as a


async def test_low_correction_orders_once(world):
    home = await world.move_in(a.household(level=10, at_level=3))

    await home.sees(60)
    nothing_yet = await home.orders()
    await home.sees(2)
    [order] = await home.orders()
    await home.is_supplied(order)

    assert nothing_yet == []
    assert await home.level() == 52
    assert (await home.receipt(order))["reason"] == "low"
    assert home.mails() == ["Ordered: Coffee pods"]
    stock = await home.stock()
    assert (stock["loaded"], stock["unexplained"], stock["available"]) == (42, 8, 0)
    assert await home.orders_again() != order


async def test_corrections_keep_open_order(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()

    await home.sees(60)
    await world.provider.accepts(order)
    await home.sees(1)
    await home.is_supplied(order)

    assert await home.orders() == [order]
    assert await home.level() == 51
    assert home.mails() == ["Ordered: Coffee pods"]
    assert await home.orders_again() != order


async def test_correction_does_not_end_back_off(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [first] = await home.orders()
    await world.provider.refuses(first)

    await home.sees(60)
    await home.sees(1)
    too_early = await home.orders()
    await world.days(1)

    assert too_early == [first]
    assert len(await home.orders()) == 2
