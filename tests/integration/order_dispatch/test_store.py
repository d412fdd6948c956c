"""Constraints that Postgres enforces, and reads of orders."""

import asyncpg
import pytest

from libs.kit.testing import store_for
from replenish_contracts.events import SlotMove
from services.order_dispatch.domain import (
    LINE_TRANSITIONS,
    STATES_BY_SUMMARY,
    TRANSITIONS,
    Cancellation,
    LinesSummary,
    LineState,
    Outcome,
    State,
    cancel,
    flag_fraud,
    submit,
)
from services.order_dispatch.domain.updates import UpdateDecision
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
    summary = next(summary for summary, states in STATES_BY_SUMMARY.items() if state in states)
    await store.connection.execute(
        "UPDATE orders SET state = $1, step = $2, lines_summary = $3 WHERE order_id = 'o1'", state, step, summary
    )
    await store.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


async def test_transition_tables_in_python_and_sql_are_equal(store):
    rows = await store.connection.fetch("SELECT from_state, to_state FROM transition")

    assert {(State(from_state), State(to_state)) for from_state, to_state in rows} == TRANSITIONS


async def test_tables_of_lines_in_python_and_sql_are_equal(store):
    transitions = await store.connection.fetch("SELECT from_state, to_state FROM line_transition")
    states = await store.connection.fetch("SELECT lines_summary, state FROM order_state_of_lines")

    assert {(LineState(from_state), LineState(to_state)) for from_state, to_state in transitions} == LINE_TRANSITIONS
    assert {(LinesSummary(summary), State(state)) for summary, state in states} == {
        (summary, state) for summary, allowed in STATES_BY_SUMMARY.items() for state in allowed
    }


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


async def test_pool_has_one_open_line(store):
    await drafted(store)

    with pytest.raises(asyncpg.UniqueViolationError, match="one_open_line_per_pool"):
        await drafted(store, order_id="o2", epoch=2)


async def test_epoch_of_a_pool_is_ordered_once(store):
    cancelled = cancel(await drafted(store), Cancellation("customer", "", a.NOON))
    await store.save_order_decision(cancelled)

    with pytest.raises(asyncpg.UniqueViolationError, match="one_line_per_epoch"):
        await drafted(store, order_id="o2")


async def test_list_orders_pages_newest_first(store):
    for number in range(3):
        await drafted(store, order_id=f"o{number}", pool_id=f"p{number}")

    first = await store.list_orders("ann", None, 2)
    rest = await store.list_orders("ann", (first[-1].drafted_at, first[-1].order_id), 2)

    assert [order.order_id for order in (*first, *rest)] == ["o2", "o1", "o0"]


async def saved_basket(store, *updates):
    """Store a basket that was placed, and the decision about each update; return the order."""
    await store.add_order(a.basket_decision(lines=3, fee=250))
    order = await store.lock_order("o1")
    decisions = [submit(order, a.TIMEOUTS, a.NOON)]
    await store.save_order_decision(decisions[-1])
    for update in (a.update("accepted"), *updates):
        decision = a.apply(await store.lock_order("o1"), update)
        await store.save_order_decision(decision)
    return decision.order


async def test_lines_and_parcels_round_trip(store):
    parcels = [
        a.update(
            "shipped", lines=(a.about("2", quantity=30), a.about("1")), shipment_id="A", update_id="u2", tracking="T"
        ),
        a.update("shipped", lines=(a.about("2", quantity=70, price=300),), shipment_id="B", update_id="u3"),
        a.update("delivered", shipment_id="A", update_id="u4"),
    ]
    saved = await saved_basket(store, *parcels)

    read = await store.lock_order("o1")

    assert read == saved
    assert [parcel.arrived for parcel in read.shipments] == [True, False]
    assert await store.connection.fetch("SELECT * FROM check_orders_follow_their_lines") == []
    assert await store.connection.fetch("SELECT * FROM check_parcels_hold_what_left") == []


async def test_quantity_that_arrived_with_a_parcel_is_stored(store):
    parcel = {"shipment_id": "A"}
    shipped = a.update("shipped", update_id="u2", **parcel)
    delivered = a.update("delivered", update_id="u3", lines=(a.about("1", quantity=30),), **parcel)
    saved = await saved_basket(store, shipped, delivered)

    assert await store.lock_order("o1") == saved
    assert saved.shipments[0].quantities[0] == ("1", 30)


async def test_parcel_may_hold_more_than_arrived(store):
    shipped = a.update("shipped", update_id="u2", shipment_id="A")
    await saved_basket(store, shipped, a.update("delivered", update_id="u3", lines=(a.about("1", quantity=30),)))

    assert await store.connection.fetch("SELECT * FROM check_parcels_hold_what_left") == []


async def test_find_newest_update_is_about_the_same_lines(store):
    await saved_basket(store)
    about_first = a.update("shipped", lines=(a.about("1"),))
    await store.add_update(about_first, UpdateDecision(Outcome.APPLIED))

    assert await store.find_newest_update(about_first) == a.NOON
    assert await store.find_newest_update(a.update("shipped")) == a.NOON
    assert await store.find_newest_update(a.update("shipped", lines=(a.about("2"),))) is None


async def test_line_with_illegal_transition_aborts(store):
    await saved_basket(store)

    with pytest.raises(
        asyncpg.ForeignKeyViolationError, match="illegal transition of line 1 of order o1 from ordered to returned"
    ):
        await store.connection.execute(
            "UPDATE order_line SET state = 'returned', evidence = 'reported', returned_quantity = 1 WHERE line_id = '1'"
        )


async def test_state_that_does_not_follow_from_lines_aborts(store):
    await saved_basket(store)

    with pytest.raises(asyncpg.ForeignKeyViolationError, match="state_follows_from_lines"):
        await store.connection.execute("UPDATE orders SET lines_summary = 'moving' WHERE order_id = 'o1'")


@pytest.mark.parametrize(
    ("damage", "view"),
    [
        (
            "UPDATE order_line SET state = 'shipped', shipped_quantity = 1 WHERE line_id = '3'",
            "check_orders_follow_their_lines",
        ),
        ("UPDATE shipment_line SET quantity = quantity + 1", "check_parcels_hold_what_left"),
        ("UPDATE order_line SET captured = 9999 WHERE line_id = '1'", "check_lines_account_for_the_price"),
    ],
)
async def test_check_views_find_damage(store, damage, view):
    saved = await saved_basket(store)
    if "shipment" in damage:
        decision = a.apply(saved, a.update("shipped", shipment_id="A", update_id="u2"))
        await store.save_order_decision(decision)
    assert await store.connection.fetch(f"SELECT * FROM {view}") == []

    await store.connection.execute(damage)

    assert await store.connection.fetch(f"SELECT * FROM {view}") != []


async def test_lines_of_a_replaced_device_move(store):
    await saved_basket(store)

    await store.save_moves("brewer", "new", (SlotMove(old_slot="2", new_slot="5"),))

    order = await store.lock_order("o1")
    assert [(line.device_id, line.slot) for line in order.lines] == [("brewer", "1"), ("new", "5"), ("brewer", "3")]


async def test_flagged_orders_are_found_by_pool(store):
    order = await saved_basket(store)
    await store.save_order_decision(flag_fraud(order, "stolen card", a.NOON))

    assert await store.find_flagged_orders(["ann/pods", "ann/milk", "bob/pods"]) == {"ann/pods": "o1", "ann/milk": "o1"}
