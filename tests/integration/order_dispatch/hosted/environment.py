"""Test environment: portal, order_dispatch, inventory and notification; the test publishes approved reorders."""

import asyncio
import json
import re
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from aiokafka import AIOKafkaProducer

from deploy.local.mailbox import catching
from libs.kit.clock import SteppedClock
from libs.kit.testing import running
from replenish_contracts.events import ReorderLine
from replenish_contracts.topics import partition_for
from replenish_contracts.wire import encode
from services.inventory.service import SERVICE as INVENTORY
from services.notification.service import SERVICE as NOTIFICATION
from services.order_dispatch.service import SERVICE as DISPATCH
from services.portal.service import SERVICE as PORTAL
from tests.integration.order_dispatch.hosted.shop_steps import SETTINGS
from tests.support import orders as a
from tests.support import routes
from tests.support.order_environment import own_logs
from tests.support.portal_server import until

SERVICES = (PORTAL, DISPATCH, INVENTORY, NOTIFICATION)
#: Long, because four services run here and other tests may use the machine.
SECONDS = 60


class Environment:
    """Acts as shop, customer and operator, and reads orders, stock and mails."""

    def __init__(self, urls, kits, kafka_url, clock, folder):
        self.urls, self.kits, self.kafka_url, self.clock, self.folder = urls, kits, kafka_url, clock, folder
        self.http = httpx.AsyncClient(timeout=20)
        self.published = 0

    async def operator_headers(self):
        answer = await self.http.post(f"{self.urls['portal']}/v1/tokens", json={"operator_key": routes.OPERATOR_KEY})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def shop_headers(self, joined):
        key = {"provider_id": joined["provider_id"], "provider_key": joined["provider_key"]}
        answer = await self.http.post(f"{self.urls['portal']}/v1/tokens", json=key)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def open_shop(self, name, stock, **terms):
        """Register and admit a shop with an offer of pods and this stock."""
        body = {"name": name, "terms": {"email": f"{name}@example.org"} | terms}
        joined = await self.http.post(f"{self.urls['portal']}/v1/shops", json=body)
        assert joined.status_code == 201, joined.text
        joined, dispatch = joined.json(), self.urls["order_dispatch"]
        path = f"{dispatch}/v1/providers/{joined['provider_id']}"
        key = {"Idempotency-Key": joined["provider_id"]}
        await self.http.post(f"{path}/admission", json={"admitted": True}, headers=await self.operator_headers() | key)
        headers = await self.shop_headers(joined)
        offer = {
            "title": "Coffee pods",
            "pack_size": {"quantity": 20, "unit": "pods"},
            "price": {"amount": "4.99", "currency": "EUR"},
        }
        put = await self.http.put(f"{path}/offers/coffee-pods", json=offer, headers=headers)
        assert put.status_code == 200, put.text
        counted = await self.http.post(
            f"{self.urls['inventory']}/inventories/coffee-pods/count", json={"quantity": stock}, headers=headers | key
        )
        assert counted.status_code == 201, counted.text
        return joined | {"headers": headers}

    async def register_customer(self):
        """Register a customer with a device, and return both ids."""
        portal, operator = self.urls["portal"], await self.operator_headers()
        joined = await self.http.post(f"{portal}/v1/customers", json=routes.person(), headers=operator)
        customer_id, device = joined.json()["customer_id"], routes.device()
        got = await self.http.post(f"{portal}/v1/customers/{customer_id}/devices", json=device, headers=operator)
        assert got.status_code == 201, got.text
        return customer_id, device["device_id"]

    async def approve(self, shop, order_id, packs=2, *, lines=1):
        """Approve an order with so many lines of the same product, each for a pool of its own."""
        customer_id, device_id = await self.register_customer()
        slot = {"device_id": device_id, "slot": "1", "product_id": "coffee-pods", "epoch": 1, "receipt_id": "r1"}
        size = {"packs": packs, "pack_size": 20, "quantity": 20 * packs}
        several = [
            ReorderLine(line_id=str(number), pool_id=f"{order_id}/{number}", **slot, **size)
            for number in range(1, lines + 1)
        ]
        event = a.approved(
            order_id=order_id,
            customer_id=customer_id,
            pool_id=order_id if lines == 1 else several[0].pool_id,
            lines=several if lines > 1 else (),
            product_id="coffee-pods",
            provider_id=shop["provider_id"],
            device_id=device_id,
            packs=packs,
            quantity=20 * packs,
        )
        self.published += 1
        value = encode(event, id=f"test-{self.published}", source="/test", time=self.clock.now())
        key = event.key.encode()
        async with AIOKafkaProducer(bootstrap_servers=self.kafka_url, acks="all") as producer:
            await producer.send_and_wait(event.topic, value, key, partition=partition_for(key, 12))
        return customer_id

    async def reaches(self, order_id, state):
        async def found_or_none():
            found = await self.http.get(
                f"{self.urls['order_dispatch']}/v1/orders/{order_id}", headers=await self.operator_headers()
            )
            return found.json() if found.json().get("state") == state else None

        return await until(found_or_none, f"{order_id} is {state}", SECONDS)

    async def stock(self, shop):
        url = f"{self.urls['inventory']}/inventories/coffee-pods"
        found = (await self.http.get(url, headers=shop["headers"])).json()["data"]
        return found["total"], found["available"], found["allocated"]

    async def mail(self, to, subject):
        """Wait for the mail with this subject."""

        async def found_or_none():
            lines = (self.folder / "mails.jsonl").read_text().splitlines()
            mails = [mail for mail in map(json.loads, lines) if mail["to"] == [to] and mail["subject"] == subject]
            return mails[0] if mails else None

        return await until(found_or_none, f"{to} gets {subject!r}", SECONDS)

    def mails(self, to):
        lines = (self.folder / "mails.jsonl").read_text().splitlines()
        return [mail["subject"] for mail in map(json.loads, lines) if mail["to"] == [to]]

    @asynccontextmanager
    async def polling(self, shop, *options):
        """Run the sample program that polls and answers the shop's orders."""
        command = [sys.executable, "-m", "deploy.samples.hosted_shop", "--portal", self.urls["portal"]]
        command += ["--dispatch", self.urls["order_dispatch"], "--provider", shop["provider_id"]]
        command += ["--key", shop["provider_key"], "--log", str(self.folder / "shop.jsonl"), "--pause", "0.1", *options]
        process = subprocess.Popen(command)
        try:
            yield
        finally:
            process.kill()
            await asyncio.to_thread(process.wait)


def links_in(mail):
    """Return the URLs in a mail by their labels."""
    return dict(re.findall(r"^(.+): (https?://\S+)\s*$", mail["text"], re.MULTILINE))


@asynccontextmanager
async def environment(database, kafka_url, folder):
    """Run the four services on one stepped clock."""
    clock = SteppedClock.create(folder / "clock", a.NOON)
    keys = {service.name: f"key of {service.name}" for service in SERVICES}
    (folder / "keys.json").write_text(json.dumps(keys))
    (folder / "mails.jsonl").touch()
    async with own_logs(kafka_url), AsyncExitStack() as stack:
        sockets = {service.name: stack.enter_context(routes.free_socket()) for service in SERVICES}
        urls = {name: url for name, (_, url) in sockets.items()}
        smtp = await stack.enter_async_context(catching(folder / "mails.jsonl"))
        shared = {f"{name}_url": url for name, url in urls.items()} | {"clock_file": folder / "clock"}
        own = {
            "portal": {
                "operator_key": routes.OPERATOR_KEY,
                "service_keys_file": folder / "keys.json",
                "public_url": urls["portal"],
            },
            "order_dispatch": SETTINGS,
            "inventory": {},
            "notification": {"smtp_port": smtp, "public_url": urls["portal"]},
        }
        kits = {}
        for service in SERVICES:
            knobs = shared | own[service.name] | {"service_key": keys[service.name]}
            kit = await stack.enter_async_context(
                running(service, kafka_url=kafka_url, database_urls=database, **knobs)
            )
            await stack.enter_async_context(routes.serving(kit.app, sockets[service.name][0]))
            kits[service.name] = kit
        opened = Environment(urls, kits, kafka_url, clock, folder)
        yield opened
        await opened.http.aclose()
