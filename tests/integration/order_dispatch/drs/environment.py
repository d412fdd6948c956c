"""Test environment: the service with a sample DRS shop, with helpers for links, orders and both logs."""

import asyncio
import json
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx

from replenish_contracts.events import DeviceRegistered, SlotSpec
from services.order_dispatch.domain import DeviceStatus, Slot, submit
from services.order_dispatch.linking.client import open_linked_client
from services.order_dispatch.orders.handlers import on_order_updated
from services.order_dispatch.providers import drs
from tests.support import orders as a
from tests.support.order_environment import World
from tests.support.portal_server import until

ARN = "arn:aws:sns:us-east-1:123456789012:drs"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return opened.getsockname()[1]


class DrsEnvironment(World):
    """The service, its logs and tables, and the sample shop."""

    url = database_url = ""
    shop_port = 0

    async def __aenter__(self):
        self.browser = httpx.AsyncClient(follow_redirects=False, timeout=10)
        return self

    async def __aexit__(self, *_):
        await self.browser.aclose()
        await self.http.aclose()

    @property
    def shop_url(self):
        return f"http://127.0.0.1:{self.shop_port}"

    @asynccontextmanager
    async def shop(self, name, *options, **client):
        await self.put_drs_provider(name, **client)
        process = subprocess.Popen(self.shop_command(name, *options))
        try:
            await until(self.is_open, f"{name} is open")
            yield process
        finally:
            process.kill()
            await asyncio.to_thread(process.wait)

    def shop_command(self, name, *options):
        command = [sys.executable, "-m", "deploy.samples.drs_shop", "--port", str(self.shop_port)]
        command += ["--book", str(self.log(name)), "--listener", f"{self.url}/v1/sns/{name}"]
        command += ["--slot", "1", "B1", "20", "Count", "--slot", "2", "B2", "103", "fl oz"]
        return [*command, "--clock", str(self.folder / "clock"), *options]

    async def is_open(self):
        try:
            return (await self.browser.get(f"{self.shop_url}/SimpleNotificationService.pem")).is_success
        except httpx.TransportError:
            return False

    async def put_drs_provider(self, name, **changes):
        operator = self.desk.headers("operator")
        put = await self.http.put(
            f"/v1/providers/{name}", json={"name": name.title(), "protocol": "drs"}, headers=operator
        )
        assert put.status_code == 200, put.text
        put = await self.http.put(
            f"/v1/providers/{name}/link-client", json=self.link_client(**changes), headers=operator
        )
        assert put.status_code == 200, put.text
        assert "sample-secret" not in put.text

    async def put_link_client(self, name="amazon", **changes):
        """Replace the OAuth client, with changed fields."""
        path, operator = f"/v1/providers/{name}/link-client", self.desk.headers("operator")
        put = await self.http.put(path, json=self.link_client() | changes, headers=operator)
        assert put.status_code == 200, put.text

    def link_client(self, **changes):
        options = {"device_model": "Washer 9", "country": "US", "topic_arns": [ARN]}
        return {
            "authorize_url": f"{self.shop_url}/ap/oa",
            "token_url": f"{self.shop_url}/auth/o2/token",
            "revoke_url": f"{self.shop_url}/auth/o2/revoke",
            "api_url": self.shop_url,
            "client_id": "amzn1.application-oa2-client.sample",
            "client_secret": "sample-secret",
            "scope": "dash:replenish",
            "options": options | changes,
        }

    def customer(self, customer):
        return self.desk.headers("customer", customer_id=customer)

    async def begin_linking(self, customer, device, provider="amazon"):
        body = {"provider_id": provider, "device_id": device}
        return await self.http.post(f"/v1/customers/{customer}/links", json=body, headers=self.customer(customer))

    async def consent(self, authorize_url):
        """Consent on the provider's page and return the redirect URL."""
        back = await self.browser.get(authorize_url)
        assert back.status_code == 302, back.text
        return back.headers["location"]

    async def link(self, customer, device, provider="amazon"):
        begun = await self.begin_linking(customer, device, provider)
        assert begun.status_code == 201, begun.text
        linked = await self.browser.get(await self.consent(begun.json()["authorize_url"]))
        assert linked.status_code == 200, linked.text
        return linked.json()["link_id"]

    async def links(self, customer):
        answer = await self.http.get(f"/v1/customers/{customer}/links", headers=self.customer(customer))
        return answer.json()["links"]

    async def unlink(self, customer, link_id):
        return await self.http.delete(f"/v1/customers/{customer}/links/{link_id}", headers=self.customer(customer))

    async def add_placing_order(self, order_id, device="washer", slot="1", provider="amazon"):
        """Add an order in the state `placing`, as the handlers do."""
        await self.add_drafted_order(order_id, device, slot, provider)
        async with self.kit.transaction() as tx:
            order = await tx.store.lock_order(order_id)
            await tx.store.save_order_decision(submit(order, tx.store.timeouts, tx.store.now))

    async def add_drafted_order(self, order_id, device="washer", slot="1", provider="amazon"):
        approved = a.approved(
            order_id=order_id,
            pool_id=order_id,
            provider_id=provider,
            device_id=device,
            slot=slot,
            packs=1,
            quantity=20,
            decided_at=self.clock.now(),
        )
        async with self.kit.transaction() as tx:
            store = tx.store
            row = (await store.find_slots([(device, slot)]))[device, slot]
            place = Slot(device, slot, "ann", row.unit, row.scale, DeviceStatus.ACTIVE)
            found = await store.find_provider(provider)
            decision = a.draft(approved, place, found, None, store.now)
            await store.add_order(decision)

    async def call_provider(self, order_id, operation="deliver"):
        """Call the provider, apply the answer as an update, and return it."""
        async with self.kit.read() as store:
            order = await store.find_order(order_id)
        client = await open_linked_client(self.kit, order.provider_id, a.only(order).device_id)
        call = drs.submit(order, None, client) if operation == "deliver" else getattr(drs, operation)(order, client)
        answer = await call
        async with self.kit.transaction() as tx:
            await tx.store.connection.execute(
                "UPDATE orders SET reference = coalesce($2, reference) WHERE order_id = $1", order_id, answer.reference
            )
            if answer.status is not None:
                update = a.update(
                    answer.status,
                    provider_id=order.provider_id,
                    order_id=order_id,
                    update_id=f"call-{order_id}-{operation}-{tx.store.now}",
                    occurred_at=tx.store.now,
                    expected_at=answer.expected_at,
                    reason=answer.reason,
                )
                tx.publish(*await on_order_updated(update, tx.store))
        return answer

    async def post_to_shop(self, path, content=b"", **query):
        answer = await self.browser.post(f"{self.shop_url}/{path}", params=query, content=content)
        assert answer.is_success, answer.text
        return answer.json()

    def shop_log(self, op, name="amazon"):
        return [line for line in self.written(name) if line["op"] == op]

    async def wait_for_shop_log(self, op, count=1, name="amazon"):
        async def found_or_none():
            found = self.shop_log(op, name)
            return found if len(found) >= count else None

        return await until(found_or_none, f"the shop logged {op} {count} times")

    async def fetch(self, query, *arguments):
        connection = await asyncpg.connect(self.database_url)
        try:
            return [tuple(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()

    async def wait_for_row(self, query, *arguments):
        return await until(lambda: self.fetch(query, *arguments), query)

    async def has_device(self, device):
        await self.wait_for_row("SELECT 1 FROM slot WHERE device_id = $1 AND slot = '2'", device)

    async def wait_for_outcome(self, message_id, outcome=None):
        """Wait until a message is processed; return its outcome and reason."""
        query = "SELECT outcome, reason, repeats FROM sns_message WHERE message_id = $1 AND outcome <> 'new'"
        while True:
            ((found, reason, _),) = await self.wait_for_row(query, message_id)
            if outcome in (None, found):
                return found, reason
            await asyncio.sleep(0.05)

    async def published_events(self, event_type):
        """Return the data of all published events of a type."""
        rows = await self.fetch("SELECT value FROM outbox ORDER BY topic, partition, sequence")
        events = [json.loads(value) for (value,) in rows]
        return [event["data"] for event in events if event["type"] == event_type]


def state_of(authorize_url):
    return parse_qs(urlsplit(authorize_url).query)["state"][0]


async def register(environment, customer, device, registration):
    slots = (
        SlotSpec(slot="1", product_id="pods", unit="C62", capacity=100),
        SlotSpec(slot="2", product_id="soap", unit="MLT", capacity=3000),
    )
    await environment.publish(
        DeviceRegistered(
            customer_id=customer,
            device_id=device,
            registration=registration,
            credential_sha256="0" * 64,
            slots=slots,
        )
    )
    await environment.has_device(device)


async def device(environment, name, registration):
    """Register a device of Ann and link it; return once a subscription of it is known."""
    await register(environment, "ann", name, registration)
    await environment.link("ann", name)
    await environment.wait_for_row(
        "SELECT 1 FROM link_slot JOIN link USING (link_id) WHERE device_id = $1 AND state = 'active' AND subscribed",
        name,
    )
