"""Constraints that Postgres enforces, and reads of orders."""

import asyncpg
import pytest

from libs.kit.testing import store_for
from services.order_dispatch.domain import TRANSITIONS, State, submit
from services.order_dispatch.service import SERVICE
from tests.support import orders as a


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = a.NOON
        yield opened


async def drafted(store, **changes):
    decision = a.draft(a.approved(**changes), a.slot(), a.ACME, a.offer(), a.NOON)
    await store.add_order(decision)
    return decision.order


async def move(store, step, from_state, to_state):
    await store.connection.execute(
        "INSERT INTO order_history (order_id, step, from_state, to_state, occurred_at, because) VALUES ('o1', $1, $2, $3, $4, '')",
        step,
        from_state,
        to_state,
        a.NOON,
    )


async def put(store, state, step):
    await store.connection.execute("UPDATE orders SET state = $1, step = $2 WHERE order_id = 'o1'", state, step)
    await store.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


async def test_transition_tables_in_python_and_sql_are_equal(store):
    rows = await store.connection.fetch("SELECT from_state, to_state FROM transition")

    assert {(State(from_state), State(to_state)) for from_state, to_state in rows} == TRANSITIONS


async def test_save_order_decision_round_trip(store):
    decision = submit(await drafted(store), a.TIMEOUTS, a.NOON)

    await store.save_order_decision(decision)

    assert await store.lock_order("o1") == decision.order
    assert [tuple(row)[:3] for row in await store.list_transitions("o1")] == [
        (1, None, "drafted"),
        (2, "drafted", "placing"),
    ]


async def test_illegal_transition_aborts(store):
    await drafted(store)

    with pytest.raises(asyncpg.ForeignKeyViolationError, match="order_history_from_state_to_state_fkey"):
        await move(store, 2, "drafted", "delivered")


async def test_transition_from_other_state_aborts(store):
    await drafted(store)

    with pytest.raises(asyncpg.ForeignKeyViolationError, match="previous_step"):
        await move(store, 2, "placed", "shipped")


async def test_history_without_beginning_aborts(store):
    await drafted(store)

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await move(store, 3, "placing", "placed")


async def test_state_without_transition_aborts(store):
    await drafted(store)

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await put(store, "placing", 1)


async def test_transition_and_state_agree(store):
    await drafted(store)
    await move(store, 2, "drafted", "cancelled")

    await put(store, "cancelled", 2)


async def test_pool_has_one_open_order(store):
    await drafted(store)

    with pytest.raises(asyncpg.UniqueViolationError, match="one_open_order_per_pool"):
        await drafted(store, order_id="o2")


async def test_list_orders_pages_newest_first(store):
    for number in range(3):
        await drafted(store, order_id=f"o{number}", pool_id=f"p{number}")

    first = await store.list_orders("ann", None, 2)
    rest = await store.list_orders("ann", (first[-1].drafted_at, first[-1].order_id), 2)

    assert [order.order_id for order in (*first, *rest)] == ["o2", "o1", "o0"]
