"""If a delivery leaves the position below the threshold, exactly one more order is placed."""

import pytest

from tests.support import households as a


@pytest.mark.parametrize("loading", ["direct", "by_hand"])
async def test_orders_are_repeated_until_above_threshold(world, loading):
    home = await world.move_in(a.household(level=12, at_level=10, pack_size=2, loading=loading))
    await home.uses(5)
    [first] = await home.orders()

    await home.is_supplied(first)
    [_, second] = await home.orders()
    await home.is_supplied(second)

    assert await home.orders() == [first, second]
    assert await home.level() + await home.shelf() == 11
    assert [(await home.receipt(order))["figures"]["position"] for order in (first, second)] == [7, 9]
    assert home.mails() == ["Ordered: Coffee pods"] * 2
    assert await home.orders_again() not in (first, second)


async def test_shipped_quantity_counts(world):
    home = await world.move_in(a.household(level=10, at_level=4))
    await home.uses(8)
    [first] = await home.orders()
    await world.provider.accepts(first)

    await world.provider.ships(first, quantity=2)
    await world.provider.delivers(first)

    assert await home.level() == 4
    [_, second] = await home.orders()
    assert (await home.receipt(second))["figures"]["position"] == 4
