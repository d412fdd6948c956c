"""What operators see of orders that are not at their end."""

import pytest
from prometheus_client import REGISTRY

from libs.kit.testing import store_for
from services.order_dispatch.service import SERVICE
from tests.unit.order_dispatch import a


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = a.NOON
        yield opened


async def taken(store):
    for measure in SERVICE.measures:
        await measure.take(store)
    orders = {
        state: REGISTRY.get_sample_value("order_dispatch_open_orders", {"state": state}) or 0
        for state in ("drafted", "unknown", "cancelled")
    }
    return orders, REGISTRY.get_sample_value("order_dispatch_oldest_unknown_seconds")


async def test_open_orders_are_counted_by_state_and_the_oldest_unknown_one_has_its_age(store):
    await store.add_order(a.draft(a.approved(), a.slot(), a.ACME, a.offer(), a.NOON))
    drafted = await taken(store)
    steps = [(2, "drafted", "placing"), (3, "placing", "unknown")]
    for step, here, there in steps:
        await store.connection.execute(
            "INSERT INTO order_history (order_id, step, from_state, to_state, at, because) "
            "VALUES ('o1', $1, $2, $3, $4, '')",
            *(step, here, there, a.NOON),
        )
    await store.connection.execute("UPDATE orders SET state = 'unknown', step = 3")
    store.now = a.NOON + a.days(2)

    unknown = await taken(store)

    assert drafted == ({"drafted": 1, "unknown": 0, "cancelled": 0}, 0)
    assert unknown == ({"drafted": 0, "unknown": 1, "cancelled": 0}, 2 * 86_400)
