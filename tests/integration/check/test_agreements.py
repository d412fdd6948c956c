"""Cross-service checks find lost orders and data of deregistered devices and erased customers."""

import asyncpg
import pytest

from deploy.checks.pools import find_disagreements
from libs.kit.testing import prepare
from services.consumption.service import SERVICE as CONSUMPTION
from services.gateway.service import SERVICE as GATEWAY
from services.inventory.service import SERVICE as INVENTORY
from services.notification.service import SERVICE as NOTIFICATION
from services.order_dispatch.service import SERVICE as ORDER_DISPATCH
from services.portal.service import SERVICE as PORTAL
from services.reorder_decision.service import SERVICE as REORDER_DECISION

ALL_SERVICES = (CONSUMPTION, GATEWAY, INVENTORY, NOTIFICATION, ORDER_DISPATCH, PORTAL, REORDER_DECISION)
#: An order that is missing in reorder_decision.
DRAFTED = """
INSERT INTO orders (order_id, customer_id, provider_id, drafted_at, state, step, lines_summary)
VALUES ('o1', 'ann', 'acme', now(), 'drafted', 1, 'waiting');
INSERT INTO order_history (order_id, step, from_state, to_state, occurred_at, because)
VALUES ('o1', 1, NULL, 'drafted', now(), 'a test');
INSERT INTO order_line (order_id, line_id, number, product_id, pool_id, epoch, device_id, slot, packs, pack_size, quantity,
    unit, scale, receipt_id)
VALUES ('o1', '1', 1, 'pods', 'ann/pods', 1, 'brewer', '1', 1, 50, 50, 'C62', 0, 'r1'),
    ('o1', '2', 2, 'filters', 'ann/filters', 2, 'brewer', '2', 1, 40, 40, 'C62', 0, 'r2');
"""


POOLS = """
INSERT INTO pool (pool_id, customer_id, product_id, epoch, situation, changed_at)
VALUES ('ann/pods', 'ann', 'pods', 1, 'ordered', now()), ('ann/filters', 'ann', 'filters', 2, 'ordered', now());
INSERT INTO reorder (order_id, pool_id, epoch, quantity, state, decided_at)
VALUES ('o1', 'ann/pods', 1, 50, 'open', now()), ('o1', 'ann/filters', 2, 40, 'open', now())
"""
#: The filters left in one shipment; the pods are to leave.
SHIPPED = """
UPDATE order_line SET state = 'shipped', shipped_quantity = 40 WHERE order_id = 'o1' AND line_id = '2';
INSERT INTO shipment (order_id, shipment_id, number) VALUES ('o1', 'a', 1);
INSERT INTO shipment_line (order_id, shipment_id, line_id, quantity) VALUES ('o1', 'a', '2', 40)
"""
IN_TRANSIT = """
INSERT INTO consignment (order_id, line_id, owner_id, product_id, journey, shipped, changed_at)
VALUES ('o1', '2', 'ann', 'filters', 'in_transit', 40, now());
INSERT INTO shipment_line (order_id, line_id, shipment_id, quantity) VALUES ('o1', '2', 'a', 40)
"""
DELIVERED = """
UPDATE order_line SET state = 'delivered', shipped_quantity = 40, evidence = 'reported' WHERE order_id = 'o1' AND line_id = '2'
"""
CREDITED = """
UPDATE consignment SET journey = 'delivered' WHERE order_id = 'o1';
INSERT INTO stock (owner_id, product_id) VALUES ('ann', 'filters');
WITH t AS (
    INSERT INTO ledger_transaction (transaction_id, owner_id, product_id, action, reason, quantity, order_id, line_id,
        booked_by, happened_at, booked_at)
    VALUES (gen_random_uuid(), 'ann', 'filters', 'increment', 'delivered', 40, 'o1', '2', 'a test', now(), now())
    RETURNING number
)
INSERT INTO ledger_entry (number, owner_id, product_id, place, quantity)
SELECT number, 'ann', 'filters', place, quantity
FROM t, (VALUES ('supplier', -40), ('shelf', 40)) AS e (place, quantity)
"""
#: The pool has consumed StockArrived.
ENDED = """
UPDATE reorder SET state = 'ended' WHERE pool_id = 'ann/filters';
UPDATE pool SET shelf = 40 WHERE pool_id = 'ann/filters'
"""
ALLOCATED = """
INSERT INTO stock (owner_id, product_id) VALUES ('acme', 'filters');
INSERT INTO allocation (holder_id, line_id, owner_id, product_id, quantity, state, changed_at)
VALUES ('o1', '2', 'acme', 'filters', 40, 'open', now())
"""


def of(customer, sql):
    """Return the statements for the order and device of this customer; the database keeps those of other tests."""
    return sql.replace("o1", f"order-{customer}").replace("ann", customer).replace("brewer", f"brewer-{customer}")


@pytest.fixture
async def disagreements(database):
    """Yield functions that write to a service's tables and return the findings that were not there before."""
    for service in ALL_SERVICES:
        await prepare(service, database)
    checker = await asyncpg.connect(database.check_url)

    async def found():
        wrong = (await find_disagreements(checker, [one.name for one in ALL_SERVICES])).wrong
        return [(one.subject, one.problem) for one in wrong]

    before = await found()

    async def find(service, change):
        owner = await asyncpg.connect(database[service].owner_url, server_settings={"search_path": service})
        await owner.execute(f"BEGIN; SET CONSTRAINTS ALL DEFERRED; {change}; COMMIT")
        await owner.close()
        return [one for one in await found() if one not in before]

    yield find
    await checker.close()


#: Tables that still contain data of a device or a customer.
LEFT = {
    "gateway": "INSERT INTO device VALUES ('brewer', 'ann', 1, '', '{}', 1)",
    "inventory": "INSERT INTO cart (cart_id, customer_id, changed_at) VALUES ('c1', 'ann', now())",
    "reorder_decision": "INSERT INTO holiday VALUES ('ann', now(), now() + interval '1 day')",
}
GONE = """
INSERT INTO customer VALUES ('ann', 'en', 'UTC', now(), now());
INSERT INTO device (device_id, registration, state, registered_at) VALUES ('brewer', 1, 'deregistered', now())
"""


async def test_check_finds_rows_of_deregistered_device_and_erased_customer(database):
    for service in ALL_SERVICES:
        await prepare(service, database)
    checker = await asyncpg.connect(database.check_url)

    async def found_after(service, change):
        owner = await asyncpg.connect(database[service].owner_url, server_settings={"search_path": service})
        await owner.execute(change)
        await owner.close()
        wrong = (await find_disagreements(checker, [one.name for one in ALL_SERVICES])).wrong
        return {(one.subject, one.problem) for one in wrong}

    clean = await found_after("portal", GONE)
    found = [await found_after(service, left) for service, left in LEFT.items()][-1]
    await checker.close()

    assert clean == set()
    assert found == {
        ("brewer", "it is deregistered, but remains in gateway.device"),
        *(("ann", f"erased, but remains in {place}") for place in ("gateway.device", "inventory.cart")),
        ("ann", "erased, but remains in reorder_decision.holiday"),
    }


async def test_check_finds_missing_open_lines_unless_customer_erased(disagreements):
    lost = await disagreements("order_dispatch", of("ben", DRAFTED))
    erased = await disagreements("reorder_decision", "INSERT INTO erased_customer VALUES ('ben', now())")

    assert lost == [(f"order-ben/{line}", "reorder_decision has nothing, order_dispatch ordered") for line in "12"]
    assert erased == []


async def test_check_finds_lines_on_which_services_disagree(disagreements):
    async def after(service, change):
        return await disagreements(service, of("cleo", change))

    await after("order_dispatch", DRAFTED)
    agreed = await after("reorder_decision", POOLS)
    other_epoch = await after("reorder_decision", "UPDATE reorder SET epoch = 3 WHERE pool_id = 'ann/filters'")
    await after("reorder_decision", "UPDATE reorder SET epoch = 2 WHERE pool_id = 'ann/filters'")
    not_in_transit = await after("order_dispatch", SHIPPED)
    in_transit = await after("inventory", IN_TRANSIT)
    other_quantity = await after("inventory", "UPDATE shipment_line SET quantity = 39 WHERE order_id = 'o1'")
    await after("inventory", "UPDATE shipment_line SET quantity = 40 WHERE order_id = 'o1'")
    filled = await after("consumption", "INSERT INTO loaded_line VALUES ('o1', '2', 'brewer', '2')")
    ended = await after("portal", "INSERT INTO order_view VALUES ('o1', 'ann', now(), true)")

    assert agreed == in_transit == []
    assert other_epoch == [("order-cleo/2", "cleo/filters ordered it in epoch 3, the line has 2")]
    assert not_in_transit == [
        ("order-cleo/2", "order_dispatch has shipped, 40 left; inventory has nothing, 0 left"),
        ("order-cleo/2/a", "order_dispatch has 40, inventory 0"),
    ]
    assert other_quantity == [("order-cleo/2/a", "order_dispatch has 40, inventory 39")]
    assert filled == [("order-cleo/2", "it filled brewer-cleo/2, order_dispatch has shipped")]
    assert ended == [*filled, ("order-cleo", "the page has it as ended, 2 of its lines are open")]


async def test_check_finds_delivered_line_without_credit_and_allocations_of_ended_lines(disagreements):
    async def after(service, change):
        return await disagreements(service, of("dov", change))

    await after("order_dispatch", DRAFTED)
    await after("order_dispatch", SHIPPED)
    await after("inventory", IN_TRANSIT)
    await after("reorder_decision", POOLS)
    await after("reorder_decision", ENDED)
    not_credited = await after("order_dispatch", DELIVERED)
    credited = await after("inventory", CREDITED)
    allocated = await after("inventory", ALLOCATED)
    reserved = await after("order_dispatch", "UPDATE orders SET reserved_at = now() WHERE order_id = 'o1'")

    assert [one for one in not_credited if one[0] != "dov/filters"] == [
        ("order-dov/2", "order_dispatch has delivered, 40 left; inventory has in_transit, 40 left"),
        ("order-dov/2", "40 delivered, 0 credited"),
    ]
    assert credited == []
    assert allocated == [("order-dov/2", "the line is delivered, its allocation is open")]
    assert sorted(reserved) == [("order-dov/1", "the line is ordered, its allocation is missing"), *allocated]
