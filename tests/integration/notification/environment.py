"""Notification running with a portal, a broker and a mailbox."""

import json

import httpx
from aiokafka import AIOKafkaProducer

from replenish_contracts.events import OrderPlaced
from replenish_contracts.topics import partition_for
from replenish_contracts.wire import encode
from tests.integration.notification import builders
from tests.support import notification_events as a
from tests.support.portal_server import until


class Environment:
    """Clients of the service and its broker, and the received mails."""

    def __init__(self, kit, kafka_url, desk, log):
        self.kit, self.kafka_url, self.desk, self.log = kit, kafka_url, desk, log
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=kit.app), base_url="http://notification")
        self.said = 0

    async def publish(self, *events):
        async with AIOKafkaProducer(bootstrap_servers=self.kafka_url, acks="all") as producer:
            for event in events:
                self.said += 1
                value = encode(event, id=f"test-{self.said}", source="/test", time=a.NOON)
                key = event.key.encode()
                await producer.send_and_wait(event.topic, value, key, partition=partition_for(key, 12))

    def joins(self, customer_id, **contact):
        self.desk.contacts[customer_id] = {"email": f"{customer_id}@example.com", "name": customer_id} | contact

    async def order(self, customer_id, fact=OrderPlaced, **more):
        ids = {"customer_id": customer_id, "order_id": f"order-of-{customer_id}", "pool_id": f"{customer_id}/pods"}
        await self.publish(
            builders.registered(f"device-of-{customer_id}", customer_id=customer_id),
            builders.approved(**ids, device_id=f"device-of-{customer_id}"),
        )
        more = more or {"packs": 2, "quantity": 40}
        await self.publish(fact(**(builders.ORDER | ids | more)))
        return ids["order_id"]

    def all_mails(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def mails(self, customer_id):
        return [mail for mail in self.all_mails() if mail["to"] == [f"{customer_id}@example.com"]]

    async def notices(self, customer_id, role="customer", asker=None):
        headers = self.desk.headers(role, customer_id=asker or customer_id)
        return await self.http.get(f"/v1/customers/{customer_id}/notices", headers=headers)

    async def reaches(self, customer_id, state):
        async def there():
            notices = (await self.notices(customer_id)).json()["notices"]
            return notices[0] if notices and notices[0]["state"] == state else None

        return await until(there, f"{customer_id}'s notice is {state}")
