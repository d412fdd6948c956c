"""Metrics of open orders, and the plans of their statements."""

import re
from itertools import pairwise

import pytest
from prometheus_client import REGISTRY

from libs.kit.testing import store_for
from services.order_dispatch.domain import State
from services.order_dispatch.service import SERVICE
from tests.support import orders as a


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
        for state in ("drafted", "unknown", "returned", "cancelled")
    }
    return orders, REGISTRY.get_sample_value("order_dispatch_oldest_unknown_seconds")


async def test_measures_count_open_orders_and_oldest_unknown(store):
    await store.add_order(a.draft(a.approved(), a.slot(), a.ACME, a.offer(), a.NOON))
    drafted = await taken(store)
    steps = [(2, "drafted", "placing"), (3, "placing", "unknown")]
    for step, here, there in steps:
        await store.connection.execute(
            "INSERT INTO order_history (order_id, step, from_state, to_state, occurred_at, because) "
            "VALUES ('o1', $1, $2, $3, $4, '')",
            *(step, here, there, a.NOON),
        )
    await store.connection.execute("UPDATE orders SET state = 'unknown', step = 3")
    store.now = a.NOON + a.days(2)

    unknown = await taken(store)

    none = dict.fromkeys(("drafted", "unknown", "returned", "cancelled"), 0)
    assert drafted == (none | {"drafted": 1}, 0)
    assert unknown == (none | {"unknown": 1}, 2 * 86_400)


async def test_count_open_orders_excludes_returned(store):
    await store.add_order(a.draft(a.approved(), a.slot(), a.ACME, a.offer(), a.NOON))
    for step, (here, there) in enumerate(
        pairwise(("drafted", "placing", "placed", "shipped", "delivered", "returned"))
    ):
        await store.connection.execute(
            "INSERT INTO order_history (order_id, step, from_state, to_state, occurred_at, because) "
            "VALUES ('o1', $1, $2, $3, $4, '')",
            *(step + 2, here, there, a.NOON),
        )
    await store.connection.execute("UPDATE orders SET state = 'returned', step = 6, lines_summary = 'returned'")

    orders, _ = await taken(store)

    assert orders["returned"] == 0


class Written:
    """A connection that writes down what it is asked."""

    def __init__(self):
        self.statements = []

    async def fetch(self, statement, *_):
        self.statements.append(statement)
        return []


@pytest.mark.parametrize("state", [State.UNKNOWN, State.DELIVERED])
async def test_list_orders_in_state_uses_index_for_any_state(store, state):
    written, connection = Written(), store.connection
    store.connection = written
    await store.list_orders_in_state(state, 10)
    store.connection = connection
    statement, *_ = written.statements  # the second reads the orders that the first lists
    await connection.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
    await connection.execute(f"PREPARE listed (text, bigint) AS {statement}")

    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE listed ('{state}', 10)"))

    assert re.search("Index (Only )?Scan using orders_in_state", plan)
    assert "Sort" not in plan


async def test_count_open_orders_uses_index(store):
    written, connection = Written(), store.connection
    store.connection = written
    await SERVICE.measures[0].take(store)
    store.connection = connection
    (statement,) = written.statements
    await connection.execute("SET enable_seqscan = off")

    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}"))

    assert "Seq Scan" not in plan
