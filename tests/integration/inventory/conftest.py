"""A store in a transaction, and a consumer of events for it."""

import pytest

from libs.kit.testing import store_for
from services.inventory.domain import count
from services.inventory.domain.stock import receive
from services.inventory.service import SERVICE
from services.inventory.store import Goods, Origin
from tests.integration.inventory.environment import VIEWS
from tests.integration.inventory.records import record
from tests.support import inventory_events as a


@pytest.fixture
async def ledger(database):
    async with store_for(SERVICE, database) as store:
        yield Ledger(store)


@pytest.fixture
async def stocked(ledger):
    """100 pods and 10 tea of acme; at the end, no check finds anything."""
    await ledger.receive(100)
    await ledger.receive(10, "tea")
    yield ledger
    assert await ledger.findings() == {}


class Ledger:
    """Handles events one by one, each with its own id."""

    def __init__(self, store):
        self.store, self.heard = store, 0

    async def hear(self, event, cause=None):
        self.heard += 1
        self.store.cause = cause or f"event-{self.heard}"
        if event.topic in SERVICE.consumes_in_batches:
            said = await SERVICE.consumes_in_batches[event.topic]([record(event, self.store.cause)], self.store)
        else:
            said = await SERVICE.consumes[type(event)](event, self.store)
        return list(said)

    async def hear_together(self, *events):
        """Handle several events of one topic in one batch, as the broker delivers them."""
        records = []
        for event in events:
            self.heard += 1
            records.append(record(event, f"event-{self.heard}"))
        said = await SERVICE.consumes_in_batches[events[0].topic](records, self.store)
        return list(said)

    async def balances(self, owner_id="ann"):
        rows = await self.store.connection.fetch("SELECT place, balance FROM account WHERE owner_id = $1", owner_id)
        return {row["place"]: row["balance"] for row in rows if row["balance"]}

    async def stock(self, owner_id="acme"):
        """Return available and allocated stock by product."""
        rows = await self.store.list_stock(owner_id)
        return {row["product_id"]: (row["available"], row["allocated"]) for row in rows}

    async def findings(self):
        """Return the findings of the service's checks within the transaction."""
        views = [name for (name,) in await self.store.connection.fetch(VIEWS)]
        found = {view: await self.store.connection.fetch(f"SELECT subject, problem FROM {view}") for view in views}
        return {view: [tuple(row) for row in rows] for view, rows in found.items() if rows}

    async def shelf(self):
        return (await self.balances()).get("shelf", 0)

    async def count(self, quantity):
        """Count the shelf, as the API does."""
        goods = Goods("ann", "pods")
        movement = count(quantity, await self.store.lock_shelf(goods))
        await self.store.book(goods, movement, Origin("count/1", "customer", self.store.now))

    async def register(self, **changes):
        await self.hear(a.registered(**changes))

    async def receive(self, quantity, product_id="pods", owner_id="acme"):
        """Add received goods to a provider's stock."""
        self.heard += 1
        goods = Goods(owner_id, product_id)
        await self.store.lock_shelf(goods)
        await self.store.book(goods, receive(quantity), Origin(f"received {self.heard}", "test", a.NOON))
