"""A provider counts a pack in other steps than the slot: it is the same pack; another unit is another thing."""

from tests.support import households as a

KILO = {"quantity": 1, "unit": "kg"}


async def test_a_kilo_of_grams_refills_a_slot_that_counts_tenths_of_a_gram(world):
    slot = {"unit": "GRM", "scale": 1, "capacity": "1500", "level": "100"}
    home = await world.move_in(a.household(**slot, at_level="50", pack_size=KILO, offered=False))
    await world.offer(home, pack_size=KILO)

    await home.reports(home.counted("SlotUsed", quantity="49.9", unit="g"))
    nothing_yet = await home.orders()
    await home.reports(home.counted("SlotUsed", quantity="0.1", unit="g"))
    [order] = await home.orders()
    await home.is_supplied(order)

    assert nothing_yet == []
    assert await home.level() == 10_500
    [asked] = world.asked_for(home.product_id)
    assert (asked["data"]["pack_size"], asked["data"]["unit"], asked["data"]["scale"]) == (10_000, "GRM", 1)
    assert (await home.order(order))["price"] == {"amount": "17.90", "currency": "EUR"}


async def test_what_is_offered_in_another_unit_is_not_ordered_and_says_why(world):
    home = await world.move_in(a.household(level=10, at_level=3, pack_size=50, offered=False))
    await world.offer(home, pack_size={"quantity": 50, "unit": "g"})

    await home.uses(8)
    waiting, nothing_yet = await home.waits_for(), await home.orders()
    await world.offer(home)

    assert (waiting, nothing_yet) == ("pack_unit_differs until OfferChanged", [])
    assert len(await home.orders()) == 1
