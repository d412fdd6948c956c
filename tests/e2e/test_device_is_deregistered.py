"""A machine leaves while its order is under way: every service cleans up, and it may come again."""

from tests.e2e.test_device_is_replaced import is_refused
from tests.support import households as a

#: All that may be left of a device, by schema and table: that it was here, and what was paid for.
LEFT_BEHIND = {
    "portal.device",
    "consumption.ended_device",
    "inventory.device",
    "reorder_decision.device",
    "order_dispatch.device",
    "order_dispatch.slot",
    "order_dispatch.orders",
    "gateway.departure",
}
HAS_DEVICE_ID = """
SELECT table_schema, table_name FROM information_schema.columns AS c JOIN information_schema.tables AS t
USING (table_schema, table_name)
WHERE c.column_name = 'device_id' AND t.table_type = 'BASE TABLE' ORDER BY 1, 2
"""


async def left_behind(world, device_id):
    """Return every table that still has a row of the device."""
    tables = [f"{schema}.{table}" for schema, table in await world.database.fetch(HAS_DEVICE_ID)]
    counts = {
        table: await world.database.fetchval(f"SELECT count(*) FROM {table} WHERE device_id = $1", device_id)
        for table in tables
    }
    assert len(counts) > len(LEFT_BEHIND)
    return {table for table, count in counts.items() if count}


async def test_every_service_forgets_it_and_its_order_still_comes(world):
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


async def test_it_may_be_registered_again_and_is_restocked(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(7)
    [order] = await home.orders()
    await home.gives_machine_away()
    old = home.credentials[home.device_id]

    again = await world.register(home)
    still_one = await home.orders()
    home.counts_anew()
    await home.is_supplied(order)

    assert again["registration"] == 2
    assert home.credentials[home.device_id] != old
    await is_refused(world, home.device_id, old)
    assert still_one == await home.orders() == [order]
    assert await home.level() + await home.shelf() == 60
    assert await home.orders_again() != order


async def test_a_report_that_comes_after_it_left_is_put_aside_and_not_lost(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    late = home.counted("SlotUsed", quantity=1)

    await home.gives_machine_away()
    await world.writes_usage(late)
    listed = world.command("parked", "list", "--service", "consumption")

    [line] = [line for line in listed.stdout.splitlines() if home.device_id in line]
    assert "device was deregistered" in line
