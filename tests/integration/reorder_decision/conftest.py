"""A store in a transaction, and a way to let it hear events."""

import pytest

from libs.kit.testing import store_for
from services.reorder_decision.domain import pool_id_of, subscription_changed
from services.reorder_decision.service import SERVICE
from tests.integration.reorder_decision import events
from tests.support import decisions as a


class Desk:
    """Hears events one after the other, each under an id of its own."""

    def __init__(self, store):
        self.store, self.heard = store, 0
        #: What a test has spoilt on purpose.
        self.expected = {}
        store.now = a.NOON

    async def hear(self, event):
        self.heard += 1
        self.store.cause = f"event-{self.heard}"
        return list(await SERVICE.consumes[type(event)](event, self.store))

    async def subscribe(self, customer_id="ann", product_id="pods", **wishes):
        """Do what the API does, and return the trigger's epoch."""
        pool = await self.pool(pool_id_of(customer_id, product_id))
        wish = a.subscription(**{"subscription_id": f"of {customer_id}", **wishes})
        await self.store.save_subscription(pool, wish)
        pool = await self.pool(pool.pool_id)
        return await self.store.save_decision(pool, subscription_changed(pool, wish, self.store.context))

    async def ready(self, **wishes):
        """Let Ann have a brewer, an offer and a subscription."""
        await self.hear(events.offer())
        await self.hear(events.registered())
        await self.subscribe(**wishes)

    async def order(self):
        """Let Ann's brewer run low, and return the order's id."""
        await self.ready()
        (approved,) = await self.hear(events.crossed((await self.pool()).epoch))
        return approved.order_id

    async def pool(self, pool_id="ann/pods"):
        return await self.store.lock_pool(pool_id)

    async def findings(self):
        """Return what the service's own checks find."""
        found = {}
        for (view,) in await self.store.connection.fetch(CHECKS):
            rows = await self.store.connection.fetch(f"SELECT subject, problem FROM {view}")
            found |= {view: [tuple(row) for row in rows]} if rows else {}
        return found


CHECKS = """
    SELECT table_name FROM information_schema.views
    WHERE table_schema = current_schema() AND table_name LIKE 'check\\_%'
"""


@pytest.fixture
async def desk(database):
    async with store_for(SERVICE, database) as store:
        opened = Desk(store)
        yield opened
        assert await opened.findings() == opened.expected
