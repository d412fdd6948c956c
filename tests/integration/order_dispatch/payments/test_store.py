"""Tests of the constraints, triggers and check views of payments in Postgres."""

import asyncpg
import pytest

from libs.kit.testing import store_for
from services.order_dispatch.payments.domain import (
    TRANSITIONS,
    Mandate,
    Payment,
    PaymentState,
    open_payment,
    request_capture,
)
from services.order_dispatch.service import SERVICE
from tests.support import orders as a
from tests.support import payments as pay


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = a.NOON
        decision = a.draft(a.approved(), a.slot(), a.ACME, a.offer(), a.NOON)
        await opened.add_order(decision)
        price = decision.order.price
        payment = Payment(
            *("pay1", "o1", "ann", "pods", "ann/pods", "acme", "sandbox", "USD", price, 0), captures_several=True
        )
        await opened.add_payment(open_payment(payment, Mandate(5000, "USD"), a.NOON), b"sealed")
        yield opened


async def save(store, decision):
    await store.save_decision(decision)
    return decision.payment


async def authorized(store):
    return await save(store, pay.confirm(await store.lock_payment("pay1")))


async def check_constraints(store):
    await store.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


async def test_transitions_match_python(store):
    rows = await store.connection.fetch("SELECT from_state, to_state FROM payment_transition")

    assert {(PaymentState(from_state), PaymentState(to_state)) for from_state, to_state in rows} == TRANSITIONS


async def test_payment_round_trip(store):
    payment = await authorized(store)
    await check_constraints(store)

    assert await store.lock_payment("pay1") == await store.find_payment("o1") == payment
    assert [tuple(row)[:3] for row in await store.list_payment_transitions("pay1")] == [
        (1, None, "authorizing"),
        (2, "authorizing", "authorized"),
    ]


async def test_add_payment_twice_for_order_is_refused(store):
    payment = Payment("pay2", "o1", "ann", "pods", "ann/pods", "acme", "sandbox", "USD", 1, 0)

    with pytest.raises(asyncpg.UniqueViolationError):
        await store.add_payment(open_payment(payment, None, a.NOON), None)


@pytest.mark.parametrize(
    "change",
    [
        "captured = authorized + 1",
        "authorized = mandate + 1",
        "authorized = amount + 1",
        "refunded = captured + 1",
        "refunded = -1",
        "capture_requested = amount + 1",
        "refund_requested = amount + 1",
        "step = 'capture'",
        "idempotency_key = 'k'",
        "token_sealed = 'x'",
        "amount = 0",
    ],
)
async def test_amounts_outside_limits_are_refused(store, change):
    await authorized(store)

    with pytest.raises(asyncpg.CheckViolationError):
        await store.connection.execute(f"UPDATE payment SET {change} WHERE payment_id = 'pay1'")


async def add_transition(store, number, from_state, to_state):
    await store.connection.execute(
        """INSERT INTO payment_history (payment_id, version, from_state, to_state, amount, occurred_at, because)
        VALUES ('pay1', $1, $2, $3, 0, $4, '')""",
        number,
        from_state,
        to_state,
        a.NOON,
    )


@pytest.mark.parametrize(
    ("number", "from_state", "to_state"),
    [(2, "authorizing", "captured"), (2, "captured", "refunding"), (3, "authorized", "capturing")],
)
async def test_illegal_transition_is_refused(store, number, from_state, to_state):
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await add_transition(store, number, from_state, to_state)


async def test_state_without_transition_is_refused(store):
    await check_constraints(store)

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await store.connection.execute(
            "UPDATE payment SET state = 'declined', step = NULL, idempotency_key = NULL, requested_at = NULL, token_sealed = NULL"
        )


async def add_booking(store, kind, *entries):
    number = await store.connection.fetchval(
        """INSERT INTO money_transaction (payment_id, version, idempotency_key, kind, currency, occurred_at)
        VALUES ('pay1', 1, 'pay1-step-1', $1, 'USD', $2) RETURNING number""",
        kind,
        a.NOON,
    )
    for account, amount in entries:
        await store.connection.execute(
            "INSERT INTO money_entry (number, account, amount) VALUES ($1, $2, $3)", number, account, amount
        )
    await check_constraints(store)


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (("held:sandbox", 5),),
        (("held:sandbox", 5), ("customer:ann", -4)),
    ],
)
async def test_unbalanced_booking_is_refused(store, entries):
    with pytest.raises(asyncpg.CheckViolationError, match="out by"):
        await add_booking(store, "authorized", *entries)


@pytest.mark.parametrize("kind", ["authorized", "captured"])
async def test_second_booking_of_kind_is_refused(store, kind):
    entries = (("held:sandbox", 5), ("customer:ann", -5))
    await add_booking(store, kind, *entries)
    await store.connection.execute(
        "INSERT INTO payment_history (payment_id, version, from_state, to_state, amount, occurred_at, because) VALUES ('pay1', 2, 'authorizing', 'authorized', 5, now(), '')"
    )

    with pytest.raises(asyncpg.UniqueViolationError):
        await store.connection.execute(
            """INSERT INTO money_transaction (payment_id, version, idempotency_key, kind, currency, occurred_at)
            VALUES ('pay1', 2, 'pay1-step-1', $1, 'USD', now())""",
            kind,
        )


@pytest.mark.parametrize(
    "change",
    [
        *("UPDATE money_entry SET amount = 1", "UPDATE money_transaction SET occurred_at = now()"),
        *("UPDATE payment_history SET because = ''", "DELETE FROM money_entry", "DELETE FROM money_transaction"),
        "DELETE FROM payment_history",
    ],
)
async def test_books_and_history_are_append_only(store, change):
    await authorized(store)

    with pytest.raises(asyncpg.RestrictViolationError, match="append only"):
        await store.connection.execute(change)


VIOLATIONS = {
    "check_money_sums_to_zero": """INSERT INTO money_transaction
        (payment_id, version, idempotency_key, kind, currency, occurred_at)
        VALUES ('pay1', 1, 'pay1-capture-1', 'captured', 'USD', now())""",
    "check_authorized_money_is_held": "UPDATE payment SET authorized = authorized - 1",
    "check_cash_equals_captured_money": "UPDATE payment SET captured = 1",
    "check_cash_is_owed_to_providers": """WITH t AS (
        INSERT INTO money_transaction (payment_id, version, idempotency_key, kind, currency, occurred_at)
        VALUES ('pay1', 1, 'pay1-capture-1', 'captured', 'USD', now()) RETURNING number)
        INSERT INTO money_entry SELECT number, account, amount FROM t, (VALUES ('cash:sandbox', 1), ('held:sandbox', -1)) AS e (account, amount)""",
    "check_payments_are_booked_once": "UPDATE payment SET authorized = authorized - 1",
    "check_steps_are_booked_once": """WITH t AS (
        INSERT INTO money_transaction (payment_id, version, idempotency_key, kind, currency, occurred_at)
        VALUES ('pay1', 2, 'pay1-capture-3', 'captured', 'USD', now()) RETURNING number)
        INSERT INTO money_entry SELECT number, account, amount
        FROM t, (VALUES ('cash:sandbox', 1), ('provider:acme', -1)) AS e (account, amount)""",
    "check_payments_stay_within_mandate": "UPDATE orders SET price = price - 1",
}


async def captured_part(store, due_total=300):
    capturing = await save(store, request_capture(await store.lock_payment("pay1"), due_total, a.NOON, final=False))
    return await save(store, pay.confirm(capturing))


async def failed_checks(store):
    return [view for view in VIOLATIONS if await store.connection.fetch(f"SELECT FROM {view}")]


async def test_two_parts_and_release_are_booked(store):
    await authorized(store)
    await captured_part(store)
    await captured_part(store, 700)
    released = await save(
        store, pay.confirm(await save(store, request_capture(await store.lock_payment("pay1"), 700, a.NOON)))
    )
    await check_constraints(store)

    assert await store.lock_payment("pay1") == released
    assert (released.captured, released.released) == (700, released.amount - 700)
    kinds = await store.connection.fetch("SELECT kind FROM money_transaction ORDER BY number")
    assert [kind for (kind,) in kinds] == ["authorized", "captured", "captured", "released"]
    assert await failed_checks(store) == []


@pytest.mark.parametrize(
    ("change", "views"),
    [
        ("captured = captured - 1", {"check_authorized_money_is_held", "check_cash_equals_captured_money"}),
        ("released = 1", {"check_authorized_money_is_held"}),
        ("authorized = authorized - 1", {"check_authorized_money_is_held"}),
        ("refunded = 1", {"check_cash_equals_captured_money"}),
    ],
)
async def test_wrong_total_after_part_is_reported(store, change, views):
    await authorized(store)
    await captured_part(store)
    assert await failed_checks(store) == []

    await store.connection.execute(f"UPDATE payment SET {change}")

    assert set(await failed_checks(store)) == views | {"check_payments_are_booked_once"}


@pytest.mark.parametrize("kind", ["captured", "refunded"])
async def test_step_is_booked_once(store, kind):
    await authorized(store)
    await captured_part(store)
    booked = await store.connection.fetchval("SELECT idempotency_key FROM money_transaction WHERE kind = 'captured'")
    statement = """INSERT INTO money_transaction (payment_id, version, idempotency_key, kind, currency, occurred_at)
        VALUES ('pay1', 2, $1, $2, 'USD', now())"""
    if kind == "refunded":
        await store.connection.execute(statement, booked, kind)

    with pytest.raises(asyncpg.UniqueViolationError):
        await store.connection.execute(statement, booked, kind)


@pytest.mark.parametrize("kind", ["authorized", "captured", "refunded"])
async def test_booking_without_step_is_refused(store, kind):
    with pytest.raises(asyncpg.CheckViolationError):
        await store.connection.execute(
            """INSERT INTO money_transaction (payment_id, version, kind, currency, occurred_at)
            VALUES ('pay1', 1, $1, 'USD', now())""",
            kind,
        )


@pytest.mark.parametrize(
    "change",
    [
        "captured = authorized",  # nothing is held, but the state is authorized
        "released = authorized - captured",
        "released = -1",
        "requested_final = true",
        "capture_final = true, capture_requested = NULL",
    ],
)
async def test_amounts_that_contradict_state_are_refused(store, change):
    await authorized(store)
    await captured_part(store)

    with pytest.raises(asyncpg.CheckViolationError):
        await store.connection.execute(f"UPDATE payment SET {change}")


@pytest.mark.parametrize("view", VIOLATIONS)
async def test_check_view_reports_violation(store, view):
    await authorized(store)
    assert await store.connection.fetch(f"SELECT * FROM {view}") == []

    await store.connection.execute(VIOLATIONS[view])

    ((subject, problem),) = await store.connection.fetch(f"SELECT subject, problem FROM {view}")
    assert subject
    assert problem
