"""An operator with the secrets of a running company, whose consumption has failed records."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from deploy.cli.app import app
from deploy.local.home import Home
from replenish_contracts.events import DeviceRegistered, SlotSpec, SlotUsed
from replenish_contracts.topics import partition_for
from tests.support.company import AT, NAMES, Company
from tests.support.kit_environment import until

#: Clears the screen and changes the colour of a terminal that prints it unescaped.
HOSTILE = b'{"type": "SlotUsed\x1b[2J\x1b[31m", \xff'


@dataclass
class Operator:
    """Devices of one test in a company that all tests share."""

    company: Company
    number: int
    folder: Path

    def __post_init__(self):
        self.home = Home(self.folder)
        self.brewer, self.toaster = f"brewer-{self.number}", f"toaster-{self.number}"
        self.evil = f"evil-{self.number}\x1b[0m"

    def write_home(self):
        """Write the database URLs of all roles, as the stack does."""
        self.home.create()
        self.home.write_secret("check", "database_url", self.company.database.check_url)
        for name in NAMES:
            self.home.write_secret(name, "database_url", self.company.database[name].url)

    async def create_failed_records(self):
        """Publish a report of a missing slot, two of an unknown device, and invalid bytes."""
        await self.register(self.brewer, 1, "1")
        await until(lambda: self.level("1"), "the brewer is registered", seconds=60)
        await self.report(self.brewer, "9", quantity=3)
        await self.wait_for_failed_records(1)
        await self.report(self.toaster, seq=1)
        await self.report(self.toaster, seq=2)
        await self.write(self.evil, HOSTILE)
        await self.wait_for_failed_records(4)

    async def level(self, slot):
        sql = f"SELECT level FROM slot WHERE device_id = '{self.brewer}' AND slot = '{slot}'"
        return await self.company.value("consumption", sql)

    async def run(self, *arguments, home=None):
        """Run `replenish dead-letters ...` and return its result."""
        arguments = ["dead-letters", *arguments, "--home", str(home or self.home.folder)]
        return await asyncio.to_thread(CliRunner().invoke, app, arguments)

    async def listed(self, *arguments):
        answer = await self.run("list", "--json", *arguments)
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    async def report(self, device_id, slot="1", *, seq=1, quantity=1):
        report = {"device_id": device_id, "slot": slot, "boot": "b", "seq": seq, "quantity": quantity}
        await self.company.publish(SlotUsed(**report, occurred_at=AT, received_at=AT), counted=False)

    async def register(self, device_id, registration, *slots):
        specs = [SlotSpec(slot=slot, product_id="tea", unit="C62", capacity=100, level=50) for slot in slots]
        ann = {"customer_id": "ann", "device_id": device_id, "credential_sha256": "0" * 64}
        await self.company.publish(DeviceRegistered(**ann, registration=registration, slots=tuple(specs)))

    async def write(self, key, value, headers=()):
        async with AIOKafkaProducer(bootstrap_servers=self.company.kafka_url, acks="all") as producer:
            partition = partition_for(key.encode(), 12)
            await producer.send_and_wait("usage", value, key.encode(), partition=partition, headers=headers)

    async def wait_for_failed_records(self, count):
        async def enough():
            return len(await self.listed()) == count

        await until(enough, f"{count} failed records", seconds=60)

    async def change(self, sql):
        async with self.company.owner("consumption") as owner:
            await owner.execute(sql)
