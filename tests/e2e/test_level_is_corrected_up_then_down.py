"""A person sets a slot's level straight, up and then down: neither loses a wake-up nor orders twice."""

from tests.support import households as a


async def test_it_is_ordered_when_the_last_correction_is_low(world):
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


async def test_an_order_under_way_is_neither_taken_back_nor_doubled(world):
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


async def test_a_back_off_is_not_ended_by_a_correction(world):
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
