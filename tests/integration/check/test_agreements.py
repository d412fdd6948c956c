"""What services know of each other: a customer who was erased is no disagreement, a lost order is one."""

import asyncpg
import pytest

from deploy.local.checks.pools import find_disagreements
from libs.kit.testing import prepare
from services.order_dispatch.service import SERVICE as ORDER_DISPATCH
from services.reorder_decision.service import SERVICE as REORDER_DECISION

SCHEMAS = ["order_dispatch", "reorder_decision"]
#: A shipped order that reorder_decision knows nothing of.
SHIPPED = """
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO orders (order_id, customer_id, product_id, pool_id, provider_id, device_id, slot, packs, pack_size, quantity,
    unit, scale, receipt_id, drafted_at, state, step)
VALUES ('o1', 'ann', 'pods', 'ann/pods', 'acme', 'brewer', '1', 1, 50, 50, 'C62', 0, 'r1', now(), 'drafted', 1);
INSERT INTO order_history (order_id, step, from_state, to_state, at, because)
VALUES ('o1', 1, NULL, 'drafted', now(), 'a test');
COMMIT
"""


@pytest.fixture
async def disagreements(database):
    """Give a way to write into a service's tables, and to see where services disagree."""
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


async def test_an_open_order_is_missed_unless_its_customer_was_erased(disagreements):
    lost = await disagreements("order_dispatch", SHIPPED)
    erased = await disagreements("reorder_decision", "INSERT INTO erased_customer VALUES ('ann', now())")

    assert lost == [("o1", "reorder_decision says nothing, order_dispatch drafted")]
    assert erased == []
