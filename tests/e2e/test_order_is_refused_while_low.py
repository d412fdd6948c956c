"""An order refused by the provider is repeated with back-off until a delivery."""

from tests.support import households as a


async def test_refused_order_is_repeated_after_one_then_two_days(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [first] = await home.orders()

    await world.provider.refuses(first)
    waiting = await home.waits_for()
    await world.days(0.9)
    await home.uses(1)
    too_early = await home.orders()
    await world.days(0.1)
    [_, second] = await home.orders()
    await world.provider.refuses(second)
    await world.days(1.9)
    still_too_early = await home.orders()
    await world.days(0.1)
    [_, _, third] = await home.orders()
    await home.is_supplied(third)

    assert waiting == "not_delivered until time"
    assert too_early == [first]
    assert still_too_early == [first, second]
    assert await home.state(first) == await home.state(second) == "refused"
    assert home.mails() == ["Order declined: Coffee pods", "Order declined: Coffee pods", "Ordered: Coffee pods"]
    assert await home.level() == 52
    assert await home.orders_again() not in (first, second, third)


async def test_changed_subscription_ends_back_off(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()
    await world.provider.refuses(order)

    await home.wants(status="paused")
    await home.wants(status="active")

    assert len(await home.orders()) == 2
