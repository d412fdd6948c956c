"""Concurrent orders of several lines: no deadlock, all lines or none, and exact books after random lives."""

import asyncio
import random

import asyncpg
import pytest

from libs.kit import Kit
from libs.kit.testing import prepare, settings_for
from replenish_contracts.events import StockAllocated, StockArrived, StockShort
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


async def stock(kit, **products):
    for product, quantity in products.items():
        async with kit.transaction() as tx:
            goods = Goods("acme", product)
            await tx.store.lock_shelf(goods)
            await tx.store.book_all([Booking(f"in {product}", goods, receive(quantity), Source("test", a.NOON))])


async def hear(kit, *events):
    """Handle a batch in its own transaction."""
    records = [record(event, f"{number} of {event.order_id}") for number, event in enumerate(events)]
    async with kit.writing() as connection:
        return await on_orders(records, kit.store_in(connection))


async def hear_in_turn(kit, batches):
    """Handle the batches of one partition, each in its own transaction."""
    return [event for batch in batches for event in await hear(kit, *batch)]


def about(name):
    return {"order_id": name, "customer_id": f"customer of {name}"}


def orders_of(said, kind):
    return {event.order_id for event in said if isinstance(event, kind)}


class TestOppositeOrder:
    async def test_overlapping_orders_do_not_deadlock(self, kit, database):
        await stock(kit, cup=500, lid=500, straw=500, spoon=500)
        products = ["cup", "lid", "straw", "spoon"]
        asked = []
        for number in range(60):
            named = products if number % 2 else products[::-1]
            lines = [(str(n), product, 1) for n, product in enumerate(named, 1)]
            asked.append(a.asked(*lines, **about(f"opposite-{number}")))

        said = await asyncio.gather(*(hear(kit, one) for one in asked))

        assert [[type(event) for event in events] for events in said] == [[StockAllocated]] * 60
        assert await findings(database["inventory"].owner_url) == {}

    async def test_overlapping_shipments_do_not_deadlock(self, kit, database):
        await stock(kit, plate=500, fork=500)
        for number in range(40):
            await hear(kit, a.asked(("1", "plate", 2), ("2", "fork", 2), **about(f"shipments-{number}")))
        shipped = []
        for number in range(40):
            lines = [("1", "plate", 2), ("2", "fork", 1)]
            named = lines if number % 2 else lines[::-1]
            shipped.append(a.shipped(**a.about(*named, shipment_id="p1", **about(f"shipments-{number}"))))

        said = await asyncio.gather(*(hear(kit, one) for one in shipped))

        assert [[(one.line_id, one.quantity) for one in event.lines] for (event,) in said] == [[("2", 1)]] * 40
        assert await findings(database["inventory"].owner_url) == {}


class TestAllOrNone:
    async def test_last_goods_go_to_whole_orders(self, kit, database):
        await stock(kit, left=25, right=40)
        asked = []
        for number in range(60):
            lines = [("1", "left", 1), ("2", "right", 1), ("3", "left", 1)]
            named = lines if number % 2 else lines[::-1]
            asked.append(a.asked(*named, **about(f"pair-{number}")))

        said = [event for events in await asyncio.gather(*(hear(kit, one) for one in asked)) for event in events]

        assert (len(orders_of(said, StockAllocated)), len(orders_of(said, StockShort))) == (12, 48)
        assert all(one.line_ids in {("1", "3"), ("3", "1")} for one in said[-1].shortages if one.product_id == "left")
        owner = await asyncpg.connect(database["inventory"].owner_url)
        rows = await owner.fetch(
            """SELECT holder_id, count(*) AS lines FROM allocation
            WHERE holder_id LIKE 'pair-%' AND state = 'open' GROUP BY holder_id"""
        )
        balances = await owner.fetch(
            "SELECT product_id, available, allocated FROM stock WHERE product_id IN ('left', 'right')"
        )
        await owner.close()
        assert {row["holder_id"]: row["lines"] for row in rows} == dict.fromkeys(orders_of(said, StockAllocated), 3)
        assert {tuple(row) for row in balances} == {("left", 1, 24), ("right", 28, 12)}
        assert await findings(database["inventory"].owner_url) == {}


class TestRandomLives:
    @pytest.mark.parametrize("seed", [3, 11])
    async def test_books_are_exact_after_doubled_and_reordered_events(self, kit, database, seed):
        chance = random.Random(seed)
        products = [f"{name}-{seed}" for name in ("salt", "pepper", "sugar")]
        await stock(kit, **dict.fromkeys(products, 150))
        lives = [self.life(chance, f"life-{seed}-{number}", products) for number in range(50)]

        said = [event for one in await asyncio.gather(*(hear_in_turn(kit, life) for life in lives)) for event in one]

        arrived = [(event.order_id, event.line_id) for event in said if isinstance(event, StockArrived)]
        assert orders_of(said, StockAllocated)
        assert orders_of(said, StockShort)
        assert len(arrived) == len(set(arrived)) > 0
        assert await findings(database["inventory"].owner_url) == {}
        owner = await asyncpg.connect(database["inventory"].owner_url)
        rows = await owner.fetch(
            """SELECT product_id, sum(balance) FILTER (WHERE place IN ('available', 'allocated', 'sold', 'unexplained'))
                AS accounted
            FROM account WHERE owner_id = 'acme' AND product_id = ANY($1::text[]) GROUP BY product_id""",
            products,
        )
        await owner.close()
        assert dict(rows) == dict.fromkeys(products, 150)

    @staticmethod
    def life(chance, name, products):
        """Return batches of one order's events, some repeated and out of order."""
        lines = [(str(n), chance.choice(products), chance.randint(1, 8)) for n in range(1, chance.randint(2, 6))]
        events = []
        for line_id, product, quantity in lines:
            part = chance.randint(0, quantity)
            shipments = [(f"p{line_id}a", part), (f"p{line_id}b", quantity - part)]
            for shipment, n in shipments[: chance.randint(0, 2)]:
                line = (line_id, product, n)
                complete = chance.random() < 0.1
                events.append(a.shipped(**a.about(line, shipment_id=shipment, complete=complete, **about(name))))
            line = (line_id, product, quantity)
            end = chance.choice([a.delivered, a.delivered, a.lines_cancelled, a.lines_refused, a.shipped, None])
            if end in (a.delivered, a.shipped):
                events.append(end(**a.about(line, complete=False, **about(name))))
            elif end:
                events.append(end(line, **about(name)))
        events += [a.cancelled(**about(name))] if chance.random() < 0.2 else []
        events += chance.sample(events, len(events) // 3)
        if chance.random() < 0.5:
            chance.shuffle(events)
        events.insert(0 if chance.random() < 0.8 else chance.randint(0, len(events)), a.asked(*lines, **about(name)))
        cuts = sorted(chance.sample(range(1, len(events)), min(2, len(events) - 1)))
        return [events[i:j] for i, j in zip([0, *cuts], [*cuts, len(events)], strict=True)]
