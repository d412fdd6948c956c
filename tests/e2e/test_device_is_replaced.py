"""A replacing device takes over level, trigger and order; the old credential is revoked."""

from tests.e2e.erasure import is_refused
from tests.support import households as a


async def test_open_order_is_delivered_to_new_device(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()
    await world.provider.accepts(order)
    old = home.device_id

    await home.replaces_machine()
    taken_over = await home.level()
    await home.uses(1)
    await home.is_supplied(order)

    assert taken_over == 3
    assert await home.orders() == [order]
    assert await home.level() == 52
    assert home.mails() == ["Ordered: Coffee pods"]
    await is_refused(world, old, home.credentials[old])
    assert await home.orders_again() != order


async def test_new_device_takes_over_trigger(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(4)
    used_so_fast = (await home.slot())["rate_per_day"]

    await home.replaces_machine()
    taken_over = await home.slot()
    await home.uses(2)
    nothing_yet = await home.orders()
    await home.uses(1)

    assert (taken_over["level_steps"], taken_over["rate_per_day"]) == (6, used_so_fast)
    assert nothing_yet == []
    [order] = await home.orders()
    assert (await home.receipt(order))["inputs"]["slots"][0]["device_id"] == home.device_id


async def test_renamed_slot_takes_over_level_and_order(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()

    left = a.slot(slot="left", level=0).registered(home.product_id)
    await home.replaces_machine(slots=[left], moves=[{"old_slot": "1", "new_slot": "left"}])
    await home.is_supplied(order)

    assert await home.orders() == [order]
    assert await home.level("left") == 53
    await home.uses(50, "left")
    assert len(await home.orders()) == 2
