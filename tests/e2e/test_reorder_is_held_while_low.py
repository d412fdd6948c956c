"""A low slot whose reorder is held is ordered once when the hold ends."""

from tests.support import households as a


async def test_order_is_placed_after_approval(world):
    home = await world.move_in(a.household(level=10, at_level=3, mode="approve"))

    await home.uses(7)
    await home.uses(1)
    proposal = await home.proposal()
    nothing_yet = await home.orders()
    await home.answers(proposal, "approve")
    await home.is_supplied(proposal)

    assert nothing_yet == []
    assert await home.orders() == [proposal]
    receipt = await home.receipt(proposal)
    assert [receipt["reason"], *(one["reason"] for one in receipt["earlier"])] == ["approved", "awaiting_approval"]
    assert home.mails() == ["Approval needed: Coffee pods", "Ordered: Coffee pods"]
    await home.uses(49)
    assert await home.proposal() != proposal


async def test_declined_order_is_proposed_again_after_five_days(world):
    home = await world.move_in(a.household(level=10, at_level=3, mode="approve"))
    await home.uses(7)
    proposal = await home.proposal()

    await home.answers(proposal, "decline")
    await home.uses(1)
    waiting = await home.waits_for()
    await world.days(5)

    assert waiting == "cancelled_once until time"
    assert await home.proposal() != proposal
    assert await home.orders() == []
    assert home.mails() == ["Approval needed: Coffee pods"] * 2


async def test_order_is_placed_when_subscription_is_resumed(world):
    home = await world.move_in(a.household(level=10, at_level=3))

    await home.wants(status="paused")
    await home.uses(8)
    waiting, nothing_yet = await home.waits_for(), await home.orders()
    await home.wants(status="active")
    [order] = await home.orders()
    await home.is_supplied(order)

    assert waiting == "paused until SubscriptionChanged"
    assert nothing_yet == []
    assert home.mails() == ["Ordered: Coffee pods"]
    assert await home.orders_again() != order


async def test_order_is_placed_when_product_is_offered(world):
    home = await world.move_in(a.household(level=10, at_level=3, offered=False))

    await home.uses(8)
    waiting = await home.waits_for()
    await world.hours(2)
    nothing_yet = await home.orders()
    await world.offer(home)
    [order] = await home.orders()
    await home.is_supplied(order)

    assert waiting == "no_offer until OfferChanged"
    assert nothing_yet == []
    assert home.mails() == [f"Ordering not possible: {home.product_id}", "Ordered: Coffee pods"]
    assert await home.orders_again() != order


async def test_offer_within_an_hour_sends_no_notice(world):
    home = await world.move_in(a.household(level=10, at_level=3, offered=False))

    await world.offer(home)
    await world.hours(2)

    assert await home.waits_for() == "armed"
    assert home.mails() == []


async def test_changed_pack_size_holds_until_customer_accepts(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await world.offer(home, pack_size={"quantity": 20, "unit": "count"})

    await home.uses(7)
    waiting, nothing_yet = await home.waits_for(), await home.orders()
    await home.wants(pack_size=20)

    assert waiting == "pack_size_differs until SubscriptionChanged"
    assert nothing_yet == []
    [order] = await home.orders()
    assert (await home.order(order))["quantity"]["quantity"] == "20"


async def test_notify_mode_sends_one_notice_per_shortage(world):
    home = await world.move_in(a.household(level=10, at_level=3, mode="notify"))

    await home.uses(7)
    await home.uses(1)
    told = home.mails()
    await home.refills(20)
    await home.uses(20)

    assert told == ["Running low: Coffee pods"]
    assert home.mails() == told * 2
    assert await home.orders() == []
