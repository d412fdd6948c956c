"""A device is deregistered during an open order: all services delete it, and it can be registered again."""

from tests.e2e.erasure import LEFT_BEHIND, is_refused, left_behind
from tests.support import households as a


async def test_services_delete_device_and_its_order_is_delivered(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()
    await world.provider.accepts(order)
    credential = home.credentials[home.device_id]
    known_in = await left_behind(world, home.device_id)

    await home.gives_machine_away()
    await is_refused(world, home.device_id, credential)
    await home.is_supplied(order)

    assert known_in >= {
        "gateway.device",
        "consumption.slot",
        "notification.slot",
        "inventory.slot",
        "portal.device_slot",
    }
    assert await left_behind(world, home.device_id) <= LEFT_BEHIND
    gone = await world.database.fetchrow("SELECT * FROM portal.device WHERE device_id = $1", home.device_id)
    assert (gone["state"], gone["customer_id"], gone["credential_sha256"]) == ("deregistered", None, None)
    assert await home.state(order) == "delivered"
    assert await home.shelf() == 50
    assert await home.waits_for() == "no_slots until DeviceRegistered"
    assert await home.orders() == [order]


async def test_device_registered_again_is_restocked(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()
    await home.gives_machine_away()
    old = home.credentials[home.device_id]

    again = await world.register(home)
    still_one = await home.orders()
    home.restarts_counter()
    await home.is_supplied(order)

    assert again["registration"] == 2
    assert home.credentials[home.device_id] != old
    await is_refused(world, home.device_id, old)
    assert still_one == await home.orders() == [order]
    assert await home.level() + await home.shelf() == 60
    assert await home.orders_again() != order


async def test_report_after_deregistration_becomes_dead_letter(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    late = home.counted("SlotUsed", quantity=1)

    await home.gives_machine_away()
    await world.writes_usage(late)
    listed = world.command("dead-letters", "list", "--service", "consumption")

    [line] = [line for line in listed.stdout.splitlines() if home.device_id in line]
    assert "device was deregistered" in line
