"""Concurrent batches, as from several replicas, never allocate more than the stock."""

import asyncio
import random

import asyncpg
import pytest

from libs.kit import Kit
from libs.kit.testing import prepare, settings_for
from replenish_contracts.events import StockAllocated, StockReleased, StockShort
from services.inventory.domain import Booking, Source
from services.inventory.domain.stock import receive
from services.inventory.handlers import on_orders
from services.inventory.service import SERVICE
from services.inventory.store import Goods
from tests.integration.inventory.environment import findings
from tests.integration.inventory.records import record
from tests.support import inventory_events as a


@pytest.fixture
async def kit(database):
    await prepare(SERVICE, database)
    opened = await Kit.open(SERVICE, settings_for(SERVICE, database, database_connections=12))
    yield opened
    await opened.close()


async def stock(kit, product, quantity):
    async with kit.transaction() as tx:
        goods = Goods("acme", product)
        await tx.store.lock_shelf(goods)
        await tx.store.book_all([Booking(f"in {product}", goods, receive(quantity), Source("test", a.NOON))])


async def hear(kit, *events):
    """Handle a batch in its own transaction."""
    records = [record(event, f"{type(event).__name__} of {event.order_id}") for event in events]
    async with kit.writing() as connection:
        return await on_orders(records, kit.store_in(connection))


async def all_of(batches):
    """Handle all batches concurrently and return all published events."""
    return [event for said in await asyncio.gather(*batches) for event in said]


def orders_of(said, kind):
    return {event.order_id for event in said if isinstance(event, kind)}


class TestHundredBuyers:
    async def test_concurrent_allocations_do_not_oversell(self, kit, database):
        await stock(kit, "last", 25)
        asked = [a.asked(("last", 1), order_id=f"last-{n}", customer_id=f"c{n}") for n in range(100)]

        said = await all_of(hear(kit, one) for one in asked)

        assert (len(orders_of(said, StockAllocated)), len(orders_of(said, StockShort))) == (25, 75)
        assert await findings(database["inventory"].owner_url) == {}

    async def test_concurrent_shipments_and_cancels_keep_ledger_balanced(self, kit, database):
        chance = random.Random(7)
        await stock(kit, "cup", 60)
        await stock(kit, "lid", 90)
        asked = []
        for n in range(100):
            lines = [(chance.choice(["cup", "lid"]), chance.randint(1, 4)) for _ in range(3)]
            told = {"order_id": f"mixed-{n}", "customer_id": f"c{n}", "product_id": lines[0][0]}
            asked.append((a.asked(*lines, **told), sum(q for p, q in lines if p == lines[0][0]), told))
        chance.shuffle(asked)
        endings = [
            chance.choice([a.shipped(main, **told), a.shipped(main - 1, **told), a.cancelled(**told), None])
            for _, main, told in asked
        ]
        batches = []
        for first in range(0, 100, 5):
            part = [ask for ask, _, _ in asked[first : first + 5]] + [e for e in endings[first : first + 5] if e]
            chance.shuffle(part)
            batches.append(part)

        said = await all_of(hear(kit, *batch) for batch in batches)

        assert orders_of(said, StockAllocated)
        assert orders_of(said, StockShort)
        assert orders_of(said, StockReleased)
        assert not orders_of(said, StockAllocated) & orders_of(said, StockShort)
        assert await findings(database["inventory"].owner_url) == {}
        owner = await asyncpg.connect(database["inventory"].owner_url)
        rows = await owner.fetch("SELECT * FROM stock WHERE owner_id = 'acme' AND product_id IN ('cup', 'lid')")
        sold = await owner.fetch("SELECT product_id, balance FROM account WHERE owner_id = 'acme' AND place = 'sold'")
        lost = await owner.fetch("SELECT product_id, balance FROM account WHERE place = 'unexplained'")
        await owner.close()
        sold, lost = dict(sold), {row[0]: row[1] for row in lost if row[0] in {"cup", "lid"} and row[1] < 0}
        for row in rows:
            assert (
                row["total"] + sold[row["product_id"]] + lost.get(row["product_id"], 0)
                == {"cup": 60, "lid": 90}[row["product_id"]]
            )


@pytest.fixture(scope="module")
async def spare(database):
    """Goods with some allocated, as input of checks."""
    await prepare(SERVICE, database)
    opened = await Kit.open(SERVICE, settings_for(SERVICE, database))
    await stock(opened, "spare", 5)
    await hear(opened, a.asked(("spare", 2), order_id="spare"))
    yield
    await opened.close()


@pytest.mark.usefixtures("spare")
class TestChecks:
    @pytest.mark.parametrize(
        ("spoil", "view"),
        [
            ("UPDATE allocation SET quantity = quantity + 1", "check_allocated_is_its_open_allocations"),
            ("DELETE FROM allocation", "check_allocations_are_their_bookings"),
            ("INSERT INTO lot VALUES ('acme', 'spare', '2027-01-01', 99)", "check_lots_are_in_stock"),
            (
                """INSERT INTO checkout VALUES ('x', 'ann', 'paid', NULL, now(), now());
                INSERT INTO checkout_line VALUES ('x', 'acme', 'spare', 1)""",
                "check_paid_goods_are_kept",
            ),
            (
                """ALTER TABLE ledger_entry DISABLE TRIGGER entries_are_immutable;
                UPDATE ledger_entry SET quantity = -99 WHERE place = 'available' AND product_id = 'spare'""",
                "check_nothing_was_ever_oversold",
            ),
            (
                """ALTER TABLE stock DROP CONSTRAINT available_is_not_negative;
                UPDATE stock SET available = -1, total = allocated - 1 WHERE product_id = 'spare'""",
                "check_nothing_is_negative",
            ),
        ],
    )
    async def test_checks_find_oversold_stock(self, database, spoil, view):
        owner = await asyncpg.connect(database["inventory"].owner_url)
        transaction = owner.transaction()
        await transaction.start()
        try:
            assert not await owner.fetch(f"SELECT * FROM {view}")
            await owner.execute(spoil)

            assert await owner.fetch(f"SELECT * FROM {view}")
        finally:
            await transaction.rollback()
            await owner.close()
