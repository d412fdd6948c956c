"""Deleting a device or a customer cancels orders in their cancel window and deletes personal data."""

from contextlib import asynccontextmanager

from deploy.local.names import SERVICES
from tests.e2e.erasure import LEFT_BEHIND, is_refused, left_behind
from tests.support import households as a
from tests.support.traces import traces

#: Tables whose rows are deleted after hours by retention.
PASSING = ("outbox", "idempotency", "task", "checkpoint", "dead_letter", "deferred")
#: Tables that may keep an erased customer's id: the ledger, orders, and the erasure itself.
LEFT_OF_A_CUSTOMER = {
    "portal.customer",
    "inventory.account",
    "inventory.consignment",
    "inventory.erased_customer",
    "inventory.ledger_entry",
    "inventory.ledger_transaction",
    "inventory.stock",
    "notification.erased_customer",
    "order_dispatch.device",
    "order_dispatch.erased_customer",
    "order_dispatch.order_history",
    "order_dispatch.order_line",
    "order_dispatch.orders",
    "reorder_decision.erased_customer",
}
#: A device's id is not personal data: another customer may register it again. Decisions and the lines of orders contain it.
LEFT_OF_A_DEVICE = {
    *LEFT_BEHIND,
    "reorder_decision.receipt",
    "inventory.ledger_transaction",
    "portal.order_event_view",
}


@asynccontextmanager
async def cancel_window(world, hours):
    """Lengthen the cancel window."""
    shop = {"name": "Acme", "protocol": "kafka"}
    await world.ask("order_dispatch", "PUT", "/v1/providers/acme", shop | {"cancel_window_hours": hours})
    yield
    await world.ask("order_dispatch", "PUT", "/v1/providers/acme", shop)
    await world.settled()


async def found(world, needle):
    """Return the tables without retention that contain the text."""
    tables = await traces(world, needle, SERVICES)
    return {table for table in tables if not table.endswith(PASSING)}


async def dispatched(home):
    answer = await home.world.ask("order_dispatch", "GET", f"/v1/customers/{home.customer_id}/orders")
    return [(one["order_id"], one["state"]) for one in answer["orders"]]


async def test_order_in_cancel_window_is_cancelled_with_device(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    async with cancel_window(world, 24):
        await home.uses(7)
        [(order, drafted)] = await dispatched(home)
        credential = home.credentials[home.device_id]

        await home.gives_machine_away()
        await is_refused(world, home.device_id, credential)
        cancelled = await home.state(order)
        left, traced = await left_behind(world, home.device_id), await found(world, home.device_id)
        waits, wrong = await home.waits_for(), await world.differences()
        await world.register(home)
        home.restarts_counter()
        await home.uses(7)
        [*_, (second, again)] = sorted(await dispatched(home), key=lambda one: one[0] == order, reverse=True)
        await world.hours(25)

    assert (drafted, cancelled, waits) == ("drafted", "cancelled", "no_slots until DeviceRegistered")
    assert left <= LEFT_BEHIND
    assert traced <= LEFT_OF_A_DEVICE
    assert wrong == []
    assert (second != order, again) == (True, "drafted")
    assert [event["data"]["order_id"] for event in world.requests_for(home.product_id)] == [second]


async def test_erased_customer_leaves_no_personal_data(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    async with cancel_window(world, 24):
        await home.uses(7)
        [(order, _)] = await dispatched(home)
        until = (world.clock.now()).replace(year=world.clock.now().year + 1).isoformat()
        away = {"from": world.clock.now().isoformat(), "until": until}
        await world.ask("reorder_decision", "PUT", f"/v1/customers/{home.customer_id}/holiday", away)
        known = await found(world, home.customer_id)

        await world.ask("portal", "DELETE", f"/v1/customers/{home.customer_id}")
        await world.settled()
        await world.hours(25)

    assert known > LEFT_OF_A_CUSTOMER & known
    assert await found(world, home.household.email) == set()
    assert await found(world, f"Family {home.household.number}") == set()
    assert await found(world, home.customer_id) <= LEFT_OF_A_CUSTOMER
    assert await found(world, home.device_id) <= LEFT_BEHIND
    assert await home.state(order) == "cancelled"
    assert world.requests_for(home.product_id) == []
    assert await world.differences() == []
