"""A store in a transaction, and a consumer of events for it."""

import pytest

from libs.kit.testing import store_for
from services.reorder_decision.domain import pool_id_of, subscription_changed
from services.reorder_decision.service import SERVICE
from tests.support import decision_events as events
from tests.support import decisions as a


class Desk:
    """Handles events one by one, each with its own id."""

    def __init__(self, store):
        self.store, self.heard = store, 0
        #: Violations that the test created on purpose.
        self.expected = {}
        store.now = a.NOON

    async def hear(self, event):
        self.heard += 1
        self.store.cause = f"event-{self.heard}"
        return list(await SERVICE.consumes[type(event)](event, self.store))

    async def subscribe(self, customer_id="ann", product_id="pods", **wishes):
        """Subscribe as the API does and return the trigger's epoch."""
        pool = await self.pool(pool_id_of(customer_id, product_id))
        wish = a.subscription(**{"subscription_id": f"of {customer_id}", **wishes})
        await self.store.save_subscription(pool, wish)
        pool = await self.pool(pool.pool_id)
        return await self.store.save_decision(pool, subscription_changed(pool, wish, self.store.context))

    async def ready(self, **wishes):
        """Give Ann a brewer, an offer and a subscription."""
        await self.hear(events.offer())
        await self.hear(events.registered())
        await self.subscribe(**wishes)

    async def order(self):
        """Make Ann's brewer low and return the order's id."""
        await self.ready()
        (approved,) = await self.hear(events.crossed((await self.pool()).epoch))
        return approved.order_id

    async def cross(self, product_id="pods", level=26):
        """Answer the open epoch of one of Ann's pools."""
        pool = await self.pool(f"ann/{product_id}")
        where = {"product_id": product_id, "pool_id": pool.pool_id, "slot": pool.slots[0].slot}
        return await self.hear(events.crossed(pool.epoch, level=level, **where))

    async def lines_of(self, order_id):
        """Return pool, epoch and state of the order's lines."""
        rows = await self.store.connection.fetch(
            "SELECT pool_id, epoch, state FROM reorder WHERE order_id = $1 ORDER BY pool_id", order_id
        )
        return [tuple(row) for row in rows]

    async def pool(self, pool_id="ann/pods"):
        return await self.store.lock_pool(pool_id)

    async def findings(self):
        """Return the findings of the service's checks."""
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


@pytest.fixture
async def home(desk):
    """Give Ann a brewer with pods and filters, and offers of acme, which delivers in two days."""
    await desk.hear(events.provider(lead_time_days=2))
    for product_id in ("pods", "filters"):
        await desk.hear(events.offer(product_id=product_id))
    await desk.hear(events.registered("brewer", events.spec(), events.spec(slot="2", product_id="filters")))
    return desk
