"""A low slot is restocked exactly once, for each kind of slot."""

from tests.support import households as a


async def test_low_slot_is_restocked_once(world):
    home = await world.move_in(a.household(level=10, at_level=3))

    await home.uses(6)
    nothing_yet = await home.orders()
    await home.uses(1)
    [order] = await home.orders()
    await home.uses(1)
    await home.is_supplied(order)

    assert nothing_yet == []
    assert await home.orders() == [order]
    assert await home.state(order) == "delivered"
    assert await home.level() == 52
    assert (await home.receipt(order))["reason"] == "low"
    assert home.mails() == ["Ordered: Coffee pods"]
    assert await home.orders_again() != order


async def test_goods_loaded_by_hand_stay_on_shelf_until_refill(world):
    home = await world.move_in(a.household(level=10, at_level=3, capacity=40, loading="by_hand"))

    await home.uses(7)
    [order] = await home.orders()
    await home.is_supplied(order)
    arrived = await home.level(), await home.shelf()
    await home.refills(37)
    loaded = await home.level(), await home.shelf()

    assert (arrived, loaded) == ((3, 50), (40, 13))
    assert await home.orders() == [order]
    await home.uses(38)
    assert await home.orders_again() != order


async def test_arrived_cartridge_fills_slot(world):
    home = await world.move_in(a.household(level=10, at_level=3, pack_size=100, fill="replace"))

    await home.uses(7)
    [order] = await home.orders()
    await home.is_supplied(order)

    assert (await home.level(), await home.shelf()) == (100, 0)
    assert await home.orders_again() != order


async def test_order_when_position_lasts_less_than_seven_days(world):
    home = await world.move_in(a.household(level=30, at_level=0, days=7, capacity=40))

    before = None
    for day in range(12):
        await world.days(1)
        before = await home.level()
        await home.uses(2 + day % 2)
        if await home.orders():
            break

    [order] = await home.orders()
    receipt = await home.receipt(order)
    figures, slot = receipt["figures"], receipt["inputs"]["slots"][0]
    assert receipt["reason"] == "low"
    assert 2 < slot["rate_per_day"] < 2.6
    assert figures["position"] <= 7 * slot["rate_per_day"] < before
    assert "The rule asks for 7 days x" in " ".join(receipt["words"])


async def test_order_after_configured_number_of_low_reports(world):
    home = await world.move_in(a.household(level=10, at_level=3, reports=3))

    await home.uses(7)
    await home.uses(1)
    nothing_yet = await home.orders()
    await home.uses(1)

    assert nothing_yet == []
    assert len(await home.orders()) == 1


async def test_delivery_is_estimated_on_promised_day(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()

    await world.provider.ships(order, in_days=2)
    await world.days(1.9)
    on_its_way = await home.level()
    await world.days(0.2)

    assert on_its_way == 3
    assert await home.level() == 53
    assert (await home.order(order))["evidence"] == "estimated"
