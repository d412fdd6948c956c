"""A small running system for checks: consumption and inventory run, notification is stopped."""

import json
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
from aiokafka import AIOKafkaProducer

from deploy.checks import Findings, run_checks
from deploy.local.roles import Prepared, drop_database, prepare_database
from libs.kit.testing import prepare, running
from replenish_contracts import wire
from replenish_contracts.catalogue import topic_of
from replenish_contracts.events import DeviceRegistered, SlotRefilled, SlotSpec, SlotUsed, TriggerSet
from replenish_contracts.topics import partition_for
from services.consumption.service import SERVICE as CONSUMPTION
from services.inventory.service import SERVICE as INVENTORY
from services.notification.service import SERVICE as NOTIFICATION
from tests.support.kit_environment import empty_logs, until

AT = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("consumption", "inventory", "notification")
PUBLISHED = "SELECT coalesce(bool_and(published = sequence), true) FROM counter"


@dataclass
class Company:
    """Access to the running services and their data."""

    kafka_url: str
    database: Prepared
    _sequences: dict[tuple[str, int], int]

    async def check(self) -> Findings:
        return await run_checks(self.database.check_url, self.kafka_url)

    async def publish(self, event, *, counted=True, **changes):
        """Publish an event as its service would; `changes` falsify the envelope."""
        topic, key = topic_of(event), event.key.encode()
        place = (topic, partition_for(key, 12))
        number = None
        if counted:
            number = self._sequences[place] = self._sequences.get(place, 0) + 1
        value = wire.encode(event, id=f"{topic}-{number}-{event.key}", source="/test", time=AT, sequence=number)
        if changes:
            value = json.dumps(json.loads(value) | changes).encode()
        async with AIOKafkaProducer(bootstrap_servers=self.kafka_url, acks="all") as producer:
            await producer.send_and_wait(topic, value, key, partition=place[1])

    @asynccontextmanager
    async def owner(self, service):
        """Connect as the schema's owner, which may violate what the service role cannot."""
        connection = await asyncpg.connect(self.database[service].owner_url)
        try:
            yield connection
        finally:
            await connection.close()

    async def value(self, service, sql):
        async with self.owner(service) as owner:
            return await owner.fetchval(sql)


@asynccontextmanager
async def running_company(backends):
    name = f"check_{os.getpid()}"
    database = await prepare_database(backends.database_admin_url, name, NAMES)
    await empty_logs(backends.kafka_url)
    company = Company(backends.kafka_url, database, {})
    services = {"kafka_url": backends.kafka_url, "database_urls": database}
    try:
        await prepare(NOTIFICATION, database)  # stopped: its tables do not change
        async with running(CONSUMPTION, **services), running(INVENTORY, **services):
            await _live(company)
            yield company
    finally:
        await drop_database(backends.database_admin_url, name, NAMES)


async def _live(company):
    """Use one slot until its trigger crosses, then refill it."""
    slot = SlotSpec(slot="1", product_id="pods", unit="C62", capacity=100, level=50)
    ann = {"customer_id": "ann", "device_id": "brewer"}
    await company.publish(DeviceRegistered(**ann, registration=1, credential_sha256="0" * 64, slots=(slot,)))
    watch = {"product_id": "pods", "pool_id": "ann/pods", "slot": "1", "epoch": 1}
    await company.publish(TriggerSet(**ann, **watch, at_level=20, at_days=0, shelf_and_on_order=0))
    await until(lambda: company.value("consumption", "SELECT count(*) FROM slot_spec WHERE epoch = 1"), "it is armed")
    report = {"device_id": "brewer", "slot": "1", "boot": "b", "occurred_at": AT, "received_at": AT}
    await company.publish(SlotUsed(**report, seq=1, quantity=40), counted=False)
    await company.publish(SlotRefilled(**report, seq=2, quantity=30), counted=False)
    loaded = "SELECT count(*) FROM ledger_transaction"
    await until(lambda: company.value("inventory", loaded), "the refill is booked")
    for service in NAMES[:2]:
        await until(lambda service=service: company.value(service, PUBLISHED))
