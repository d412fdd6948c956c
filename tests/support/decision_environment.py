"""Inventory and reorder_decision on a real broker; the test publishes the events of other services."""

import json
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from libs.kit.clock import SteppedClock
from libs.kit.testing import running
from replenish_contracts import wire
from replenish_contracts.topics import partition_for
from services.inventory.service import SERVICE as INVENTORY
from services.reorder_decision.service import SERVICE as DECISIONS
from tests.support import decision_events as events
from tests.support import decisions as a
from tests.support.kit_environment import empty_logs
from tests.support.portal_server import portal, until

#: Generous because other tests share the machine.
DEADLINE_SECONDS = 120


class World:
    """Clients of both services and the broker; each event is published twice with one id."""

    def __init__(self, kits, kafka_url, desk, producer, clock):
        self.kits, self.kafka_url, self.desk = kits, kafka_url, desk
        self.producer, self.clock = producer, clock
        self.http = {
            kit.service.name: httpx.AsyncClient(transport=httpx.ASGITransport(app=kit.app), base_url="http://service")
            for kit in kits
        }
        self.said = 0

    async def publish(self, *published):
        for event in published:
            self.said += 1
            key = event.key.encode()
            value = wire.encode(event, id=f"test-{self.said}", source="/test", time=a.NOON)
            for _ in range(2):
                await self.producer.send_and_wait(event.topic, value, key, partition=partition_for(key, 12))

    async def ask(self, service, method, path, body=None, *, role="operator", key=None, **claims):
        headers = self.desk.headers(role, **claims) | {"Idempotency-Key": key or str(uuid4())}
        return await self.http[service].request(method, path, json=body, headers=headers)

    async def decisions(self, method, path, body=None, **who):
        return await self.ask("reorder_decision", method, path, body, **who)

    async def inventory(self, method, path, body=None, **who):
        return await self.ask("inventory", method, path, body, **who)

    async def subscribe(self, customer_id, **wishes):
        """Subscribe once the device is known."""
        body = {"product_id": "pods", "provider_id": "acme", "pack_size": {"quantity": 40, "unit": "pods"}, **wishes}

        async def subscribed():
            answer = await self.decisions("POST", f"/v1/customers/{customer_id}/subscriptions", body)
            return None if answer.status_code == 409 and answer.json()["code"] == "no_slot" else answer

        return await until(subscribed, f"{customer_id} is subscribed", DEADLINE_SECONDS)

    async def know_offer(self, available=True):
        """Publish acme's offer of pods and wait until reorder_decision has consumed it."""
        await self.publish(events.offer(available=available))

        async def heard():
            async with self.kits[1].read() as store:
                offer = await store.find_offer("acme", "pods")
            return offer and offer.available is available

        await until(heard, "the offer is known", DEADLINE_SECONDS)

    async def moved_in(self, customer_id, **wishes):
        """Register a brewer and a subscription of the customer; return the subscription."""
        await self.know_offer()
        await self.publish(events.registered(f"brewer of {customer_id}", customer_id=customer_id))
        answer = await self.subscribe(customer_id, **wishes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def two_products(self, customer_id, pods, filters):
        """Register a brewer with pods and filters of acme, and subscribe to both with these wishes."""
        await self.know_offer()
        specs = (events.spec(), events.spec(slot="2", product_id="filters"))
        await self.publish(
            events.offer(product_id="filters"),
            events.registered(f"brewer of {customer_id}", *specs, customer_id=customer_id),
        )
        for product_id, wishes in (("pods", pods), ("filters", filters)):
            answer = await self.subscribe(customer_id, product_id=product_id, **wishes)
            assert answer.status_code == 201, answer.text
        await self.heard("reorders", 4, customer_id=customer_id)

    @staticmethod
    def crossed(customer_id, product_id, level=13, epoch=1):
        """Return the crossing of a slot of `two_products`, whose supply lasts `level` days."""
        return events.crossed(
            epoch,
            level=level,
            rate=1.0,
            device_id=f"brewer of {customer_id}",
            customer_id=customer_id,
            product_id=product_id,
            pool_id=f"{customer_id}/{product_id}",
            slot="1" if product_id == "pods" else "2",
        )

    async def heard(self, topic, count, **about):
        """Wait for `count` events about a customer; fails if there are more."""
        key = about.get("customer_id") or about["owner_id"]
        place = TopicPartition(topic, partition_for(key.encode(), 12))
        async with AIOKafkaConsumer(bootstrap_servers=self.kafka_url, enable_auto_commit=False) as consumer:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            found = {}

            async def enough():
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    values = [json.loads(record.value) for record in records]
                    found.update({v["id"]: v for v in values if about.items() <= v["data"].items()})
                return len(found) >= count

            await until(enough, f"{count} events on {topic} about {about}", DEADLINE_SECONDS)
        assert len(found) == count, [value["type"] for value in found.values()]
        return list(found.values())


def of(customer_id, event):
    """Return the event for another customer."""
    about = {"customer_id": customer_id, "owner_id": customer_id, "pool_id": f"{customer_id}/pods"}
    about["device_id"] = f"brewer of {customer_id}"
    return event.model_copy(update={name: value for name, value in about.items() if name in type(event).model_fields})


@asynccontextmanager
async def world(database, kafka_url, folder, *more):
    """Run inventory, reorder_decision and `more` services."""
    await empty_logs(kafka_url)
    clock = SteppedClock.create(folder / "clock", a.NOON)
    shared = {"kafka_url": kafka_url, "database_urls": database, "clock_file": folder / "clock"}
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(portal())
        kits = [
            await stack.enter_async_context(running(service, portal_url=desk.url, **shared))
            for service in (INVENTORY, DECISIONS, *more)
        ]
        producer = await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all"))
        opened = World(kits, kafka_url, desk, producer, clock)
        yield opened
        for door in opened.http.values():
            await door.aclose()
    await empty_logs(kafka_url)  # the real services would refuse these events of the test
