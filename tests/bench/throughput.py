"""Throughput of consumption, the bare loop, quixstreams and a handler per event on the same topic."""

import asyncio
import os
from pathlib import Path
from typing import Any, NamedTuple, Self

import asyncpg

from deploy.local.backends import Backends
from deploy.local.health import report
from deploy.local.ports import free_port
from deploy.local.roles import ServiceUrls
from deploy.local.waiting import until
from libs.kit.migrations import migrate
from libs.kit.topics import create_topics
from replenish_contracts.topics import OWN_TOPICS, PARTITIONS
from tests.bench import bare, per_event
from tests.bench.gauge import Gauge
from tests.bench.load import Load, create_topic, crossings, write
from tests.bench.measure import Race, Speed, module, running, speed
from tests.bench.offsets import Offsets, records
from tests.bench.quix_env import quix_python
from tests.bench.slots import fill_hot_rows, register

#: A handler per event is about a hundred times slower, quixstreams three times: they process a share of the load.
PER_EVENT_SHARE, FEWEST_PER_EVENT = 0.01, 200
QUIX_SHARE = 0.4
PUBLISHED_SECONDS = 60.0


class Run(NamedTuple):
    """Speed of a candidate, and its checked results: events in the levels and published crossings."""

    speed: Speed
    events: int
    crossings: int


class Throughput:
    """Runs the candidates one after the other on one broker and database, with the same records and rows.

    Each run is checked; one with lost, doubled or missing events raises AssertionError.
    """

    def __init__(self, backends: Backends, urls: ServiceUrls, load: Load, folder: Path, limit_seconds: float) -> None:
        load.check()
        self._backends, self._urls, self._load = backends, urls, load
        self._folder, self._limit = folder, limit_seconds
        self._kafka_url = backends.kafka_url
        self._around = [Gauge(each.name, each.pid) for each in (backends.kafka, backends.postgres) if each]
        self._offsets = Offsets(backends.kafka_url)
        self._owner: Any = None
        self._admin: Any = None
        self._written: dict[int, int] = {}

    async def __aenter__(self) -> Self:
        self._owner = await asyncpg.connect(self._urls.owner_url)
        self._admin = await asyncpg.connect(self._backends.database_admin_url)
        await self._offsets.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._offsets.__aexit__()
        await self._admin.close()
        await self._owner.close()

    @property
    def total(self) -> int:
        return sum(self._written.values())

    async def prepare(self) -> None:
        """Create topics, tables and slots, and publish the load."""
        await create_topics(self._kafka_url, OWN_TOPICS)
        await migrate(self._urls.owner_url, "consumption")
        await self._owner.execute(bare.TABLES + per_event.TABLES)
        await self._owner.execute(f"INSERT INTO bare_offset SELECT generate_series(0, {PARTITIONS - 1}), 0")
        await register(self._owner, self._load.devices)
        await fill_hot_rows(self._owner, "naive_slot", self._load.devices)
        self._written = await write(self._kafka_url, "usage", self._load)

    async def bare_loop(self) -> Run:
        await self._fresh("bare_slot", "UPDATE bare_offset SET next_offset = 0; TRUNCATE bare_outbox")
        command = module("tests.bench.bare", self._kafka_url, self._urls.url, "usage")
        async with running("bare", command, log=self._folder / "bare.log") as children:
            found = await speed(self._race("SELECT sum(next_offset) FROM bare_offset", children))
        return await self._judged("bare_slot", found, await self._owner.fetchval("SELECT count(*) FROM bare_outbox"))

    async def consumption(self, instances: int = 1) -> Run:
        await self._fresh("slot", "UPDATE checkpoint SET next_offset = 0, last_id = NULL, last_offset = NULL")
        said = await self._offsets.written("slots")
        ports = [free_port() for _ in range(instances)]

        async def all_there() -> bool:
            told = await asyncio.gather(*(asyncio.to_thread(report, f"http://127.0.0.1:{port}") for port in ports))
            return all(one.get("assigned") for one in told)

        commands, log = [module("services.consumption")] * instances, self._folder / "consumption.log"
        environment = [self._environment(number, port) for number, port in enumerate(ports)]
        async with running("consumption", *commands, log=log, environment=environment) as children:
            race = self._race("SELECT sum(next_offset) FROM checkpoint WHERE topic = 'usage'", children)
            found = await speed(race._replace(all_there=all_there))
            await until(self._published, "every crossing is on the broker", within_s=PUBLISHED_SECONDS)
        return await self._judged("slot", found, await self._offsets.written("slots") - said)

    async def per_event(self) -> Run:
        """Run on the next share of the load, which starts at the end of the previous one."""
        before = await self._owner.fetchval("SELECT count(*) FROM naive_inbox")
        race = self._race(f"SELECT count(*) - {before} FROM naive_inbox", [])
        command = module("tests.bench.per_event", self._kafka_url, self._urls.url, "usage")
        async with running("per_event", command, log=self._folder / "per_event.log") as children:
            share = max(FEWEST_PER_EVENT, self.total * PER_EVENT_SHARE)
            found = await speed(race._replace(children=children, total=share))
        used = await self._owner.fetchval("SELECT sum(used_total) FROM naive_slot")
        heard, crossed = [
            await self._owner.fetchval(f"SELECT count(*) FROM {table}") for table in ("naive_inbox", "naive_outbox")
        ]
        assert used == heard, f"{heard} events are in the inbox, {used} in the levels"
        return Run(found, int(used), crossed)

    async def quixstreams(self, number: int) -> Run:
        python = await asyncio.to_thread(quix_python)
        topic, group = f"quix-crossings-{number}", f"quix-{number}"
        await create_topic(self._kafka_url, topic)

        async def progress() -> float:
            return sum((await self._offsets.committed(group, "usage")).values())

        command = [python, "tests/bench/quix.py", self._kafka_url, "usage", topic, group, self._folder / group]
        async with running("quixstreams", command, log=self._folder / "quix.log") as children:
            found = await speed(Race(progress, self.total * QUIX_SHARE, children, self._limit, self._around))
        read = await self._offsets.committed(group, "usage")
        said = len([None async for _ in records(self._kafka_url, topic, PARTITIONS)])
        assert said == crossings(self._load, read), f"{said} of {crossings(self._load, read)} crossings were said"
        return Run(found, sum(read.values()), said)

    def _environment(self, instance: int, port: int) -> dict[str, str]:
        return {
            "KAFKA_URL": self._kafka_url,
            "DATABASE_URL": self._urls.url,
            "HTTP_PORT": str(port),
            "INSTANCE": str(instance),
        }

    def _race(self, sql: str, children: Any) -> Race:
        async def progress() -> float:
            return float(await self._owner.fetchval(sql) or 0)

        return Race(progress, self.total, children, self._limit, self._around)

    async def _fresh(self, table: str, also: str) -> None:
        """Restore the rows. The checkpoint of Postgres comes first, so that no run includes one."""
        await self._admin.execute("CHECKPOINT")
        await self._owner.execute(f"TRUNCATE {table} CASCADE; {also}")
        await fill_hot_rows(self._owner, table, self._load.devices)
        await asyncio.to_thread(os.sync)

    async def _published(self) -> bool:
        return not await self._owner.fetchval("SELECT sum(sequence - published) FROM counter")

    async def _judged(self, table: str, found: Speed, crossed: int) -> Run:
        used = await self._owner.fetchval(f"SELECT sum(used_total) FROM {table}")
        expected = crossings(self._load, self._written)
        assert used == self.total, f"{used} of {self.total} events are in the levels"
        assert crossed == expected, f"{crossed} of {expected} crossings were said"
        return Run(found, int(used), crossed)
