"""Constraints of the ledger in Postgres: sums, balances, and entries that cannot be changed."""

import asyncpg
import pytest

from libs.kit.testing import store_for
from services.inventory.domain import (
    Action,
    Entry,
    Journey,
    LineKey,
    Movement,
    Place,
    Reason,
    Transit,
    deliver,
    load,
    ship,
)
from services.inventory.domain import Consignment as Sent
from services.inventory.service import SERVICE
from services.inventory.store import Goods, Origin
from tests.support import inventory_events as a

POPPED = Goods("ann", "pods")


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.cause = "event-1"
        yield opened


async def book(store, movement, name, goods=POPPED):
    await store.lock_shelf(goods)
    return await store.book(goods, movement, Origin(name, "test", a.NOON))


async def save_in_transit(store, quantity):
    transit = Transit({})
    transit.save(LineKey("o1", "1"), POPPED, Sent(Journey.IN_TRANSIT, quantity, quantity))
    await store.save_consignments(transit)


async def balances(store):
    rows = await store.connection.fetch("SELECT place, balance FROM account WHERE owner_id = 'ann'")
    return {row["place"]: row["balance"] for row in rows}


async def test_balance_is_sum_of_entries(store):
    await book(store, ship(40), "one")
    await book(store, deliver(Sent(), 10), "two")
    await book(store, load(25, 10), "three")

    assert await balances(store) == {
        "supplier": -50,
        "in_transit": 40,
        "shelf": 0,
        "unexplained": -15,
        "loaded": 25,
    }


async def test_total_is_available_plus_allocated(store):
    await book(store, deliver(Sent(), 10), "one")

    row = await store.connection.fetchrow("SELECT total, available, allocated FROM stock")
    assert tuple(row) == (10, 10, 0)


async def test_cause_is_booked_once(store):
    assert await book(store, ship(40), "one")
    assert not await book(store, ship(40), "one")

    assert await store.connection.fetchval("SELECT count(*) FROM ledger_transaction") == 1


@pytest.mark.parametrize(
    "entries",
    [(Entry(Place.SHELF, 5),), (Entry(Place.SHELF, 5), Entry(Place.SUPPLIER, -4))],
    ids=["one entry", "out by one"],
)
async def test_transaction_must_sum_to_zero(store, entries):
    with pytest.raises(asyncpg.CheckViolationError, match="ledger transaction"):
        await book(store, Movement(Action.INCREMENT, Reason.COUNTED, entries), "crooked")


async def test_late_entry_is_refused(store):
    await book(store, ship(40), "one")

    with pytest.raises(asyncpg.CheckViolationError, match="is out by 5"):
        await store.connection.execute(
            """INSERT INTO ledger_entry (number, place, owner_id, product_id, quantity)
            SELECT number, 'shelf', owner_id, product_id, 5 FROM ledger_transaction"""
        )


async def test_transaction_needs_entries(store):
    await book(store, ship(1), "one")

    with pytest.raises(asyncpg.CheckViolationError, match="has 0 entries"):
        await store.connection.execute(
            """INSERT INTO ledger_transaction (transaction_id, owner_id, product_id, action, reason, quantity,
                                               booked_by, happened_at, booked_at)
            SELECT gen_random_uuid(), owner_id, product_id, action, reason, quantity, booked_by, happened_at,
                   booked_at
            FROM ledger_transaction"""
        )


async def test_entries_need_transaction(store):
    await book(store, ship(1), "one")

    with pytest.raises(asyncpg.ForeignKeyViolationError, match="there is no ledger transaction"):
        await store.connection.execute(
            """INSERT INTO ledger_entry (number, place, owner_id, product_id, quantity)
            SELECT number + 1000, place, owner_id, product_id, quantity FROM ledger_entry"""
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET quantity = quantity + 1",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_transaction SET reason = 'better'",
        "DELETE FROM ledger_transaction",
    ],
)
async def test_service_role_cannot_change_entries(store, statement):
    await book(store, ship(40), "one")

    with pytest.raises(asyncpg.PostgresError, match="append only"):
        await store.connection.execute(statement)


async def test_service_role_cannot_truncate_ledger(store):
    with pytest.raises(asyncpg.PostgresError, match=r"append only|permission denied"):
        await store.connection.execute("TRUNCATE ledger_entry")


@pytest.mark.parametrize("place", [Place.SHELF, Place.IN_TRANSIT, Place.AVAILABLE, Place.ALLOCATED])
async def test_place_cannot_become_negative(store, place):
    movement = Movement(Action.DECREMENT, Reason.COUNTED, (Entry(place, -1), Entry(Place.UNEXPLAINED, 1)))

    with pytest.raises(asyncpg.CheckViolationError):
        await book(store, movement, "too much")


async def test_provider_stock_moves_between_available_and_allocated(store):
    goods = Goods("acme", "pods")
    await book(
        store,
        Movement(Action.INCREMENT, Reason.COUNTED, (Entry(Place.SUPPLIER, -9), Entry(Place.AVAILABLE, 9))),
        "in",
        goods,
    )
    await book(
        store,
        Movement(Action.CORRECT, Reason.COUNTED, (Entry(Place.AVAILABLE, -4), Entry(Place.ALLOCATED, 4))),
        "kept",
        goods,
    )

    row = await store.connection.fetchrow("SELECT total, available, allocated FROM stock WHERE owner_id = 'acme'")
    assert tuple(row) == (9, 5, 4)


async def test_database_refuses_total_that_is_not_sum(store):
    await book(store, deliver(Sent(), 10), "one")

    with pytest.raises(asyncpg.CheckViolationError, match="total_is_available_and_allocated"):
        await store.connection.execute("UPDATE stock SET total = total + 1")


CHECKS = """
    SELECT table_name FROM information_schema.views
    WHERE table_schema = current_schema() AND table_name LIKE 'check\\_%'
"""


async def findings(store):
    found = {}
    for (view,) in await store.connection.fetch(CHECKS):
        for row in await store.connection.fetch(f"SELECT subject, problem FROM {view}"):
            found.setdefault(view, []).append((row["subject"], row["problem"]))
    return found


async def test_checks_find_nothing_in_balanced_ledger(store):
    await book(store, ship(40), "one")
    await save_in_transit(store, 40)
    await book(store, deliver(Sent(), 10), "two")

    assert await findings(store) == {}


@pytest.mark.parametrize(
    ("spoil", "views"),
    [
        (
            "UPDATE account SET balance = balance + 1 WHERE place = 'shelf'",
            {"check_balances_are_sums_of_entries", "check_stock_is_its_accounts"},
        ),
        ("UPDATE stock SET available = 11, total = 11", {"check_stock_is_its_accounts"}),
        ("UPDATE consignment SET shipped = 39, total = 39", {"check_transit_is_its_consignments"}),
    ],
)
async def test_checks_name_violations(store, spoil, views):
    await book(store, ship(40), "one")
    await save_in_transit(store, 40)
    await book(store, deliver(Sent(), 10), "two")

    await store.connection.execute(spoil)

    assert set(await findings(store)) == views


async def test_checks_find_order_credited_twice(store):
    for name in ("one", "two"):
        await store.lock_shelf(POPPED)
        await store.book(POPPED, deliver(Sent(), 10), Origin(name, "test", a.NOON, "o1"))

    assert set(await findings(store)) == {"check_orders_are_credited_once"}
