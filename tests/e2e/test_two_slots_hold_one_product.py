"""Two slots hold the same product: what they hold together counts, and one order is placed for both."""

from tests.support import households as a

TWO = (a.slot(slot="1", level=10), a.slot(slot="2", level=10))


async def test_sum_of_slots_below_threshold_orders_once(world):
    home = await world.move_in(a.household(slots=TWO, at_level=5))

    await home.uses(9, "1")
    await home.uses(5, "2")
    nothing_yet = await home.orders()
    await home.uses(1, "2")
    [order] = await home.orders()
    await home.uses(1, "2")
    await home.is_supplied(order)

    assert nothing_yet == []
    figures = (await home.receipt(order))["figures"]
    assert (figures["levels"], figures["position"], figures["threshold"]) == (5, 5, 5)
    assert await home.orders() == [order]
    assert (await home.level("1"), await home.level("2")) == (51, 3)
    assert home.mails() == ["Ordered: Coffee pods"]
    await home.uses(49, "1")
    assert len(await home.orders()) == 2


async def test_slots_low_in_one_request_order_once(world):
    home = await world.move_in(a.household(slots=TWO, at_level=5))

    both = [home.counted("SlotUsed", slot, quantity=1) for _ in range(9) for slot in ("1", "2")]
    await home.reports(*both)
    [order] = await home.orders()
    await home.is_supplied(order)

    assert await home.orders() == [order]
    assert await home.waits_for() == "followed"
    assert await home.level("1") + await home.level("2") == 52


async def test_deregistered_device_reduces_pool_and_orders(world):
    home = await world.move_in(a.household(level=10, at_level=5))
    second = await world.adds_machine(home, a.slot(level=10))

    await home.uses(7)
    together = await home.orders()
    await home.gives_machine_away(second)

    assert together == []
    [order] = await home.orders()
    assert (await home.receipt(order))["figures"]["levels"] == 3
