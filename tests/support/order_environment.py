"""order_dispatch running with a portal, providers and a clock."""

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from replenish_contracts.topics import OWN_TOPICS, find_topic, partition_for
from replenish_contracts.wire import encode
from tests.support import orders as a
from tests.support.kit_environment import administration, empty_logs
from tests.support.portal_server import until


class World:
    """Clients of the service, its broker, its clock and its providers."""

    def __init__(self, kit, kafka_url, clock, desk, folder):
        self.kit, self.kafka_url, self.clock, self.desk, self.folder = kit, kafka_url, clock, desk, folder
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=kit.app), base_url="http://dispatch")
        self.said = 0

    async def publish(self, event):
        self.said += 1
        value = encode(event, id=f"test-{self.said}", source="/test", time=self.clock.now())
        key = event.key.encode()
        async with AIOKafkaProducer(bootstrap_servers=self.kafka_url, acks="all") as producer:
            await producer.send_and_wait(event.topic, value, key, partition=partition_for(key, 12))

    async def put_provider(self, name, **terms):
        operator = self.desk.headers("operator")
        body = {"name": name.title(), "protocol": "kafka", "lead_time_days": 3} | terms
        put = await self.http.put(f"/v1/providers/{name}", json=body, headers=operator)
        assert put.status_code == 200, put.text
        offer = {
            "title": "Coffee pods",
            "pack_size": {"quantity": 20, "unit": "pods"},
            "price": {"amount": "4.99", "currency": "USD"},
        }
        put = await self.http.put(f"/v1/providers/{name}/offers/pods", json=offer, headers=operator)
        assert put.status_code == 200, put.text

    async def approve(self, provider, number=1):
        order_id = f"{provider}-{number}"
        await self.publish(a.approved(order_id=order_id, pool_id=order_id, provider_id=provider))
        return order_id

    async def order(self, order_id):
        return (await self.http.get(f"/v1/orders/{order_id}", headers=self.desk.headers("operator"))).json()

    async def reaches(self, order_id, state):
        async def there():
            order = await self.order(order_id)
            return order if order.get("state") == state else None

        return await until(there, f"{order_id} is {state}")

    async def cancel(self, order_id, customer="ann"):
        return await self.post(f"orders/{order_id}/cancel", {"reason": "enough"}, "customer", customer_id=customer)

    async def post(self, path, body=None, role="operator", key=None, **more):
        headers = self.desk.headers(role, **more) | {"Idempotency-Key": key or str(uuid4())}
        return await self.http.post(f"/v1/{path}", json=body, headers=headers)

    async def tell(self, order_id, status, **more):
        """Report an update of an order as its provider, over HTTP."""
        provider = order_id.rpartition("-")[0]
        update_id = f"{status}-{len(more)}"
        body = {"update_id": update_id, "order_id": order_id, "status": status, "occurred_at": a.NOON.isoformat()}
        answer = await self.post(f"providers/{provider}/updates", body | more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def facts(self, order_id, kind):
        """Return the published events of this type about an order."""
        return [event["data"] for event in await self.events(order_id) if event["type"] == kind]

    async def events(self, order_id):
        """Return all published events about an order, by topic."""
        async with self.kit.read() as store:
            rows = await store.connection.fetch("SELECT value FROM outbox ORDER BY topic, partition, sequence")
        events = [json.loads(row["value"]) for row in rows]
        return [event for event in events if event["data"].get("order_id") == order_id]

    def step(self, **much):
        self.clock.step_to(self.clock.now() + timedelta(**much))

    async def topic(self, name):
        """Return all events of a topic with one partition."""
        place = TopicPartition(name, 0)
        async with AIOKafkaConsumer(bootstrap_servers=self.kafka_url) as consumer:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            end, events = (await consumer.end_offsets([place]))[place], []
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    events += [json.loads(record.value) for record in records]
        return events

    def start_provider(self, name, *options, unruly=False):
        module = "deploy.samples.unruly_provider" if unruly else "deploy.samples.provider"
        command = [sys.executable, "-m", module, "--kafka", self.kafka_url, "--provider", name]
        command += ["--log", str(self.log(name)), "--clock", str(self.folder / "clock"), *options]
        return subprocess.Popen(command)

    def log(self, name):
        return self.folder / f"{name}.jsonl"

    def written(self, name):
        return [json.loads(line) for line in self.log(name).read_text().splitlines()]

    @asynccontextmanager
    async def provider(self, name, *options, unruly=False):
        await self.put_provider(name)
        process = self.start_provider(name, *options, unruly=unruly)
        try:
            yield process
        finally:
            process.kill()
            await asyncio.to_thread(process.wait)


@asynccontextmanager
async def own_logs(kafka_url):
    """Empty the topics before and after: the relay of a new database refuses a log that it did not write."""
    await _empty_all(kafka_url)
    yield
    await _empty_all(kafka_url)


async def _empty_all(kafka_url):
    async with administration(kafka_url) as admin:
        providers = [name for name in await admin.list_topics() if name.startswith("provider-")]
    await empty_logs(kafka_url, [*OWN_TOPICS, *map(find_topic, providers)])
