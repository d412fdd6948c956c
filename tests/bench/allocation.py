"""Allocation rate of a hot product against a bare conditional UPDATE, with the same connections and commits.

The bare candidate only decrements and awaits each update before the next. Inventory reads events, stores each
allocation, writes ledger entries and adds StockAllocated to the outbox. Both update one row, with the same number of
allocations per transaction.
"""

import asyncio
import time
from datetime import UTC, datetime
from statistics import median
from typing import NamedTuple
from uuid import uuid4

import asyncpg
from pydantic import SecretStr

from libs.kit import Kit
from libs.kit.batch import Dispatcher
from libs.kit.records import decoder_for
from libs.kit.testing import prepare
from replenish_contracts import wire
from replenish_contracts.events import AllocationLine, AllocationRequested
from services.inventory.domain.stock import receive
from services.inventory.service import SERVICE
from services.inventory.store import Goods, Origin

AT = datetime(2026, 1, 1, tzinfo=UTC)
ACME = "acme"
BARE = """UPDATE bare_stock SET available = available - $1, allocated = allocated + $1
WHERE product_id = 'hot' AND available >= $1 RETURNING true"""
TABLE = """
DROP TABLE IF EXISTS bare_stock;
CREATE TABLE bare_stock (
    product_id text PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0), allocated bigint NOT NULL
) WITH (fillfactor = 70);
"""


class Size(NamedTuple):
    """Work of each candidate per round; a tenth of the requests exceed the stock."""

    connections: int = 2
    allocations: int = 20_000
    #: Typical batch of a hot product; the kit's batches have at most 2,000 records.
    per_commit: int = 200
    rounds: int = 3

    @property
    def stock(self) -> int:
        return self.allocations * 9 // 10


async def allocation_vs_bare(urls, size=Size()):  # noqa: B008  it does not change
    """Return allocations per second of both per round, and the median of the ratios.

    `urls` are those of inventory. Raises AssertionError if a candidate allocated more or less than the stock.
    """
    await prepare(SERVICE, {"inventory": urls})
    owner = await asyncpg.connect(urls.owner_url)
    rates = {"bare": [], "ours": []}
    try:
        await owner.execute(TABLE)
        for _ in range(size.rounds):
            rates["bare"].append(await bare(urls, owner, size))
            rates["ours"].append(await ours(urls, owner, size, f"hot-{uuid4().hex[:8]}"))
    finally:
        await owner.close()
    pairs = zip(rates["ours"], rates["bare"], strict=True)
    return {
        "allocation_vs_bare": round(median(one / other for one, other in pairs), 3),
        "allocations_per_second": {name: [round(rate) for rate in each] for name, each in rates.items()},
        "allocation_sizes": size._asdict(),
    }


async def bare(urls, owner, size):
    """Decrement a row in transactions of several updates."""
    await owner.execute("TRUNCATE bare_stock")
    await owner.execute("INSERT INTO bare_stock VALUES ('hot', $1, 0)", size.stock)
    connections = [await asyncpg.connect(urls.url) for _ in range(size.connections)]
    statements = [await connection.prepare(BARE) for connection in connections]
    commits = iter(range(size.allocations // size.per_commit))
    given = 0

    async def work(connection, update):
        nonlocal given
        for _ in commits:
            async with connection.transaction():
                for _ in range(size.per_commit):
                    answer = await update.fetchval(1)
                    given += answer is True

    seconds = await _timed(work(*pair) for pair in zip(connections, statements, strict=True))
    for connection in connections:
        await connection.close()
    left = await owner.fetchval("SELECT available FROM bare_stock")
    assert (given, left) == (size.stock, 0), f"the bare one gave {given} of {size.stock} and kept {left}"
    return size.allocations / seconds


async def ours(urls, owner, size, product):
    """Process batches of events with the service's handler, each in a transaction of the kit."""
    settings = SERVICE.settings(database_url=SecretStr(urls.url), database_connections=size.connections)
    kit = await Kit.open(SERVICE, settings)
    goods, handling = Goods(ACME, product), Dispatcher(kit)
    async with kit.transaction() as tx:
        await tx.store.lock_shelf(goods)
        await tx.store.book(goods, receive(size.stock), Origin(f"received {product}", "bench", AT))
    batches = iter(list(_batches(product, size)))
    read = decoder_for("orders")

    async def work():
        for batch in batches:
            async with kit.writing() as connection:
                await handling.handle(kit.store_in(connection), [read(raw) for raw in batch])

    seconds = await _timed(work() for _ in range(size.connections))
    await kit.close()
    await _judge(owner, size, product)
    return size.allocations / seconds


async def _judge(owner, size, product):
    stock = await owner.fetchrow("SELECT available, allocated FROM stock WHERE product_id = $1", product)
    kept = await owner.fetchval("SELECT sum(quantity) FROM allocation WHERE product_id = $1", product)
    booked = "SELECT count(*) FROM ledger_transaction WHERE action = 'allocate' AND product_id = $1"
    said = "SELECT count(*) FROM outbox WHERE convert_from(value, 'UTF8') LIKE '%\"' || $1 || '\"%' AND key = 'acme'"
    assert tuple(stock) == (0, size.stock), f"ours gave {stock['allocated']} of {size.stock}"
    assert kept == await owner.fetchval(booked, product) == size.stock
    assert await owner.fetchval(said, product) == size.allocations


async def _timed(works):
    began = time.perf_counter()
    await asyncio.gather(*works)
    return time.perf_counter() - began


class _Raw(NamedTuple):
    """The attributes of a broker record that the decoder reads."""

    value: bytes
    key: bytes
    partition: int = 0
    offset: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


def _batches(product, size):
    for first in range(0, size.allocations, size.per_commit):
        yield [_asked(product, number) for number in range(first, first + size.per_commit)]


def _asked(product, number):
    order, customer = f"{product}-order-{number}", f"customer-{number}"
    about = {"order_id": order, "customer_id": customer, "product_id": product, "provider_id": ACME, "occurred_at": AT}
    line = AllocationLine(product_id=product, quantity=1)
    event = AllocationRequested(**about, pool_id=f"{customer}/{product}", lines=(line,))
    return _Raw(wire.encode(event, id=f"asked-{order}", source="/bench", time=AT, sequence=number + 1), b"customer")
