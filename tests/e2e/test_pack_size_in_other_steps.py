"""A pack size is converted to the slot's scale; a pack in another base unit is not ordered."""

from tests.support import households as a

KILO = {"quantity": 1, "unit": "kg"}


async def test_pack_in_kilograms_refills_slot_in_tenths_of_a_gram(world):
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
    [asked] = world.requests_for(home.product_id)
    assert (asked["data"]["pack_size"], asked["data"]["unit"], asked["data"]["scale"]) == (10_000, "GRM", 1)
    assert (await home.order(order))["price"] == {"amount": "17.90", "currency": "EUR"}


async def test_offer_in_other_unit_holds_with_reason(world):
    home = await world.move_in(a.household(level=10, at_level=3, pack_size=50, offered=False))
    await world.offer(home, pack_size={"quantity": 50, "unit": "g"})

    await home.uses(8)
    waiting, nothing_yet = await home.waits_for(), await home.orders()
    await world.offer(home)

    assert (waiting, nothing_yet) == ("pack_unit_differs until OfferChanged", [])
    assert len(await home.orders()) == 1
