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
SCHEMAS = ["order_dispatch", "reorder_decision"]
#: A shipped order that is missing in reorder_decision.
SHIPPED = """
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO orders (order_id, customer_id, product_id, pool_id, provider_id, device_id, slot, packs, pack_size, quantity,
    unit, scale, receipt_id, drafted_at, state, step)
VALUES ('o1', 'ann', 'pods', 'ann/pods', 'acme', 'brewer', '1', 1, 50, 50, 'C62', 0, 'r1', now(), 'drafted', 1);
INSERT INTO order_history (order_id, step, from_state, to_state, occurred_at, because)
VALUES ('o1', 1, NULL, 'drafted', now(), 'a test');
COMMIT
"""


@pytest.fixture
async def disagreements(database):
    """Yield functions that write to a service's tables and return the findings."""
    for service in (ORDER_DISPATCH, REORDER_DECISION):
        await prepare(service, database)
    checker = await asyncpg.connect(database.check_url)

    async def find(service, damage):
        owner = await asyncpg.connect(database[service].owner_url, server_settings={"search_path": service})
        await owner.execute(damage)
        await owner.close()
        return [(one.subject, one.problem) for one in (await find_disagreements(checker, SCHEMAS)).wrong]

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


async def test_check_finds_missing_open_order_unless_customer_erased(disagreements):
    lost = await disagreements("order_dispatch", SHIPPED)
    erased = await disagreements("reorder_decision", "INSERT INTO erased_customer VALUES ('ann', now())")

    assert lost == [("o1", "reorder_decision has nothing, order_dispatch drafted")]
    assert erased == []
