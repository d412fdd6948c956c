"""Test environment: the running service with sample shops as providers."""

import json
import time
from contextlib import asynccontextmanager

import asyncpg
from aiokafka import AIOKafkaProducer

from libs.http_client.signatures import Scheme, sign
from replenish_contracts.events import ReorderLine
from replenish_contracts.topics import partition_for
from replenish_contracts.wire import encode
from tests.integration.order_dispatch.providers_http.sample_shops import SECRET, SECRETS, shop
from tests.support import orders as a
from tests.support.order_environment import World
from tests.support.portal_server import until

OFFER = {
    "title": "Coffee pods",
    "pack_size": {"quantity": 20, "unit": "pods"},
    "price": {"amount": "4.99", "currency": "USD"},
}
FILTERS = {
    "title": "Filters",
    "pack_size": {"quantity": 100, "unit": "pods"},
    "price": {"amount": "3.50", "currency": "USD"},
}


class ShopEnvironment(World):
    """Access to the service, its database and its shops."""

    url: str
    database_url: str

    @asynccontextmanager
    async def shop(self, kind, name, *options):
        """Start a shop and register it as a provider."""
        log = self.folder / name
        log.mkdir()
        callbacks = ("--callbacks", self.url)
        async with shop(kind, log, *callbacks, *options, provider=name) as opened:
            await self.make_provider(kind, name, opened.url, opened.account)
            yield opened

    async def make_provider(self, kind, name, url, account):
        operator = self.desk.headers("operator")
        provider = {"name": name.title(), "protocol": kind, "lead_time_days": 3, "url": url, "account": account}
        for path, body in (("", provider), ("/offers/pods", OFFER), ("/secrets", {"secrets": SECRETS})):
            put = await self.http.put(f"/v1/providers/{name}{path}", json=body, headers=operator)
            assert put.status_code in (200, 204), put.text
        await self.offer_filters(name)

    async def offer_filters(self, name):
        operator = self.desk.headers("operator")
        put = await self.http.put(f"/v1/providers/{name}/offers/filters", json=FILTERS, headers=operator)
        assert put.status_code == 200, put.text

    async def approve_basket(self, provider, number=1):
        """Approve an order of two lines: pods for 9.98 and filters for 3.50."""
        order_id = f"{provider}-{number}"
        lines = [
            ReorderLine(
                line_id=line.line_id,
                product_id=line.product_id,
                pool_id=f"{order_id}/{line.product_id}",
                device_id="brewer",
                slot=line.slot,
                epoch=1,
                packs=line.packs,
                pack_size=line.pack_size,
                quantity=line.quantity,
                receipt_id=line.receipt_id,
            )
            for line in a.basket().lines
        ]
        await self.publish(a.approved(order_id=order_id, provider_id=provider, pool_id=lines[0].pool_id, lines=lines))
        return order_id

    async def approve_many(self, provider, count):
        """Publish `count` approvals, each with its own pool."""
        orders = [f"{provider}-{number}" for number in range(1, count + 1)]
        async with AIOKafkaProducer(bootstrap_servers=self.kafka_url, acks="all") as producer:
            for order_id in orders:
                event = a.approved(order_id=order_id, pool_id=order_id, provider_id=provider)
                value = encode(event, id=f"approve-{order_id}", source="/test", time=self.clock.now())
                key = event.key.encode()
                await producer.send(event.topic, value, key, partition=partition_for(key, 12))
        return orders

    async def rows(self, sql, *arguments):
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            await connection.close()

    async def has(self, sql, *arguments):
        """Wait until the query returns rows."""
        return await until(lambda: self.rows(sql, *arguments), sql)

    async def post_signed(self, path, message_id, body, *, scheme=Scheme.STANDARD, secret=SECRET, at=None, **headers):
        """Post a signed body: bytes unchanged, other values as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sealed = sign(scheme, secret, message_id, content, at or time.time())
        return await self.http.post(path, content=content, headers={**sealed, **headers})

    async def call_back(self, provider, message_id, body, **more):
        return await self.post_signed(f"/v1/providers/{provider}/callbacks", message_id, body, **more)
