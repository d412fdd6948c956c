"""A ledger in a transaction, and a way to let it hear events."""

import pytest

from libs.kit.testing import store_for
from services.inventory.domain import count
from services.inventory.service import SERVICE
from services.inventory.store import Goods, Origin
from tests.integration.inventory import a


@pytest.fixture
async def ledger(database):
    async with store_for(SERVICE, database) as store:
        yield Ledger(store)


class Ledger:
    """Hears events one after the other, each under an id of its own."""

    def __init__(self, store):
        self.store, self.heard = store, 0

    async def hear(self, event, cause=None):
        self.heard += 1
        self.store.cause = cause or f"event-{self.heard}"
        said = await SERVICE.hears[type(event)](event, self.store)
        await self.store.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await self.store.connection.execute("SET CONSTRAINTS ALL DEFERRED")
        return said

    async def balances(self):
        rows = await self.store.connection.fetch("SELECT place, balance FROM account WHERE owner_id = 'ann'")
        return {row["place"]: row["balance"] for row in rows if row["balance"]}

    async def shelf(self):
        return (await self.balances()).get("shelf", 0)

    async def count(self, quantity):
        """Let somebody count the shelf, as the API does."""
        goods = Goods("ann", "pods")
        movement = count(quantity, await self.store.lock_shelf(goods))
        await self.store.book(goods, movement, Origin("count/1", "customer", self.store.now))

    async def register(self, **changes):
        await self.hear(a.registered(**changes))
