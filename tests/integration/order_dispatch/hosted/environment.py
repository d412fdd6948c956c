"""Portal, orders, stock and mail around one shop, each behind its own address; the test approves reorders."""

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
from replenish_contracts.topics import partition_for
from replenish_contracts.wire import encode
from services.inventory.service import SERVICE as INVENTORY
from services.notification.service import SERVICE as NOTIFICATION
from services.order_dispatch.service import SERVICE as DISPATCH
from services.portal.service import SERVICE as PORTAL
from tests.integration.order_dispatch.hosted.street import KNOBS
from tests.support import orders as a
from tests.support import routes as doors
from tests.support.order_environment import own_logs
from tests.support.portal_server import until

SERVICES = (PORTAL, DISPATCH, INVENTORY, NOTIFICATION)
#: Four services answer each other here, and other tests may have the machine.
SECONDS = 60


class Company:
    """What a shop, a customer and an operator do, and what reaches them."""

    def __init__(self, urls, kits, kafka_url, clock, folder):
        self.urls, self.kits, self.kafka_url, self.clock, self.folder = urls, kits, kafka_url, clock, folder
        self.http = httpx.AsyncClient(timeout=20)
        self.said = 0

    async def operator(self):
        answer = await self.http.post(f"{self.urls['portal']}/v1/tokens", json={"operator_key": doors.OPERATOR_KEY})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def shop(self, joined):
        key = {"provider_id": joined["provider_id"], "provider_key": joined["provider_key"]}
        answer = await self.http.post(f"{self.urls['portal']}/v1/tokens", json=key)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def open_shop(self, name, stock, **terms):
        """Let a shop join, be admitted, sell pods and have so many of them."""
        body = {"name": name, "terms": {"email": f"{name}@example.org"} | terms}
        joined = await self.http.post(f"{self.urls['portal']}/v1/shops", json=body)
        assert joined.status_code == 201, joined.text
        joined, dispatch = joined.json(), self.urls["order_dispatch"]
        path = f"{dispatch}/v1/providers/{joined['provider_id']}"
        once = {"Idempotency-Key": joined["provider_id"]}
        await self.http.post(f"{path}/admission", json={"admitted": True}, headers=await self.operator() | once)
        mine = await self.shop(joined)
        offer = {
            "title": "Coffee pods",
            "pack_size": {"quantity": 20, "unit": "pods"},
            "price": {"amount": "4.99", "currency": "EUR"},
        }
        put = await self.http.put(f"{path}/offers/coffee-pods", json=offer, headers=mine)
        assert put.status_code == 200, put.text
        counted = await self.http.post(
            f"{self.urls['inventory']}/inventories/coffee-pods/count", json={"quantity": stock}, headers=mine | once
        )
        assert counted.status_code == 201, counted.text
        return joined | {"headers": mine}

    async def move_in(self):
        """Give a new customer a device, and return both ids."""
        portal, operator = self.urls["portal"], await self.operator()
        joined = await self.http.post(f"{portal}/v1/customers", json=doors.person(), headers=operator)
        customer_id, device = joined.json()["customer_id"], doors.device()
        got = await self.http.post(f"{portal}/v1/customers/{customer_id}/devices", json=device, headers=operator)
        assert got.status_code == 201, got.text
        return customer_id, device["device_id"]

    async def approve(self, shop, order_id, packs=2):
        customer_id, device_id = await self.move_in()
        event = a.approved(
            order_id=order_id,
            customer_id=customer_id,
            pool_id=order_id,
            product_id="coffee-pods",
            provider_id=shop["provider_id"],
            device_id=device_id,
            packs=packs,
            quantity=20 * packs,
        )
        self.said += 1
        value, key = encode(event, id=f"test-{self.said}", source="/test", time=self.clock.now()), event.key.encode()
        async with AIOKafkaProducer(bootstrap_servers=self.kafka_url, acks="all") as producer:
            await producer.send_and_wait(event.topic, value, key, partition=partition_for(key, 12))
        return customer_id

    async def reaches(self, order_id, state):
        async def found_or_none():
            found = await self.http.get(
                f"{self.urls['order_dispatch']}/v1/orders/{order_id}", headers=await self.operator()
            )
            return found.json() if found.json().get("state") == state else None

        return await until(found_or_none, f"{order_id} is {state}", SECONDS)

    async def stock(self, shop):
        url = f"{self.urls['inventory']}/inventories/coffee-pods"
        found = (await self.http.get(url, headers=shop["headers"])).json()["data"]
        return found["total"], found["available"], found["allocated"]

    async def mail(self, to, subject):
        """Return the mail with this subject, once it is there."""

        async def found_or_none():
            lines = (self.folder / "mails.jsonl").read_text().splitlines()
            mails = [mail for mail in map(json.loads, lines) if mail["to"] == [to] and mail["subject"] == subject]
            return mails[0] if mails else None

        return await until(found_or_none, f"{to} is told {subject!r}", SECONDS)

    def mails(self, to):
        lines = (self.folder / "mails.jsonl").read_text().splitlines()
        return [mail["subject"] for mail in map(json.loads, lines) if mail["to"] == [to]]

    @asynccontextmanager
    async def polling(self, shop, *options):
        """Let the shop's own program run."""
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
    """Return the addresses in a mail by what its lines say before them."""
    return dict(re.findall(r"^(.+): (https?://\S+)\s*$", mail["text"], re.MULTILINE))


@asynccontextmanager
async def company(database, kafka_url, folder):
    """Run everything on one stepped clock."""
    clock = SteppedClock.create(folder / "clock", a.NOON)
    keys = {service.name: f"key of {service.name}" for service in SERVICES}
    (folder / "keys.json").write_text(json.dumps(keys))
    (folder / "mails.jsonl").touch()
    async with own_logs(kafka_url), AsyncExitStack() as stack:
        sockets = {service.name: stack.enter_context(doors.free_socket()) for service in SERVICES}
        urls = {name: url for name, (_, url) in sockets.items()}
        smtp = await stack.enter_async_context(catching(folder / "mails.jsonl"))
        shared = {f"{name}_url": url for name, url in urls.items()} | {"clock_file": folder / "clock"}
        own = {
            "portal": {
                "operator_key": doors.OPERATOR_KEY,
                "service_keys_file": folder / "keys.json",
                "public_url": urls["portal"],
            },
            "order_dispatch": KNOBS,
            "inventory": {},
            "notification": {"smtp_port": smtp, "public_url": urls["portal"]},
        }
        kits = {}
        for service in SERVICES:
            knobs = shared | own[service.name] | {"service_key": keys[service.name]}
            kit = await stack.enter_async_context(
                running(service, kafka_url=kafka_url, database_urls=database, **knobs)
            )
            await stack.enter_async_context(doors.serving(kit.app, sockets[service.name][0]))
            kits[service.name] = kit
        opened = Company(urls, kits, kafka_url, clock, folder)
        yield opened
        await opened.http.aclose()
