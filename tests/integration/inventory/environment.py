"""Inventory running with its API for operators, providers and customers, and a stepped clock."""

from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import asyncpg
import httpx

from libs.kit.clock import SteppedClock
from libs.kit.testing import running
from services.inventory.handlers import on_orders
from services.inventory.service import SERVICE
from tests.integration.inventory.records import record
from tests.support import inventory_events as a
from tests.support.portal_server import portal, until

VIEWS = """SELECT table_name FROM information_schema.views
WHERE table_schema = current_schema() AND table_name LIKE 'check\\_%'"""


class Environment:
    """Sends requests in any role; the goods belong to acme unless another owner is named."""

    def __init__(self, kit, http, desk, clock, owner_url):
        self.kit, self.http, self.desk, self.clock, self.owner_url = kit, http, desk, clock, owner_url

    async def ask(self, method, path, body=None, *, role="operator", key=None, **claims):
        headers = self.desk.headers(role, **claims) | {"Idempotency-Key": key or str(uuid4())}
        return await self.http.request(method, path, json=body, headers=headers)

    async def move(self, product, action, quantity, *, owner="acme", **more):
        told, asked = {"type": "stock-transaction", "action": action, "quantity": quantity}, {}
        for name, value in more.items():
            (asked if name in {"key", "role", "provider_id"} else told)[name] = value
        path = f"/v1/owners/{owner}/inventories/{product}/transactions"
        return await self.ask("POST", path, {"data": told}, **asked)

    async def stock(self, product, owner="acme"):
        return (await self.ask("GET", f"/v1/owners/{owner}/inventories/{product}")).json()["data"]

    async def numbers(self, product, owner="acme"):
        stock = await self.stock(product, owner)
        return stock["total"], stock["available"], stock["allocated"]

    async def cart(self, *items, customer_id="ann"):
        """Create a cart of (product, quantity) items; return its path and the last response."""
        opened = await self.ask("POST", "/v1/carts", {"customer_id": customer_id})
        path = f"/v1/carts/{opened.json()['cart_id']}"
        return path, await self.ask("POST", f"{path}/items", {"items": goods(*items)})

    async def checkout(self, *items, reserve=False, customer_id="ann"):
        """Check out a new cart and return the path of the checkout."""
        path, _ = await self.cart(*items, customer_id=customer_id)
        answer = await self.ask("POST", f"{path}/checkout", {"reserve": reserve})
        assert answer.status_code == 201, answer.text
        return f"/v1/checkouts/{answer.json()['checkout_id']}"

    async def pay(self, path, outcome="paid", **asked):
        """Start the payment and report its outcome; return the last response."""
        kept = await self.ask("POST", f"{path}/pay", **asked)
        if kept.status_code != 200:
            return kept
        return await self.ask("POST", f"{path}/payment", {"outcome": outcome}, **asked)

    async def state(self, path):
        return (await self.ask("GET", path)).json()["state"]

    async def becomes(self, path, state):
        async def is_so():
            return await self.state(path) == state

        await until(is_so, f"{path} is {state}", 30)

    async def hear(self, *events):
        """Consume events of order_dispatch, each in its own transaction."""
        for event in events:
            async with self.kit.transaction() as tx:
                tx.publish(*await on_orders([record(event, f"{type(event).__name__} of {event.order_id}")], tx.store))

    def pass_time(self, **time):
        self.clock.step_to(self.clock.now() + timedelta(**time))

    async def findings(self):
        return await findings(self.owner_url)


async def findings(owner_url):
    """Return the findings of the service's checks."""
    owner = await asyncpg.connect(owner_url)
    try:
        views = [name for (name,) in await owner.fetch(VIEWS)]
        found = {view: await owner.fetch(f"SELECT subject, problem FROM {view}") for view in views}
    finally:
        await owner.close()
    return {view: [tuple(row) for row in rows] for view, rows in found.items() if rows}


def goods(*items):
    return [{"owner_id": "acme", "product_id": product, "quantity": quantity} for product, quantity in items]


def shortages(answer):
    return [(one["product_id"], one["requested"], one["available"]) for one in answer.json()["shortages"]]


@asynccontextmanager
async def open_environment(database, kafka_url, folder, **knobs):
    clock = SteppedClock.create(folder / "clock", a.NOON)
    shared = {"kafka_url": kafka_url, "database_urls": database, "clock_file": folder / "clock"}
    async with portal() as desk, running(SERVICE, portal_url=desk.url, **shared, **knobs) as kit:
        transport = httpx.ASGITransport(app=kit.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://inventory") as http:
            yield Environment(kit, http, desk, clock, database["inventory"].owner_url)
