"""Environment of one test: empty topics, an empty database, a unique service name."""

import asyncio
import itertools
import json
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import NotLeaderForPartitionError

from deploy.local.roles import Prepared, drop_database, prepare_database
from libs.kit import Service
from libs.kit.connections import READER_RETRY_MS
from libs.kit.testing import prepare, running
from libs.kit.topics import create_topics
from replenish_contracts.events import DeviceRegistered
from replenish_contracts.topics import OWN_TOPICS, find_topic, partition_for
from tests.support import kit_events as a
from tests.support import toy_service as toy

_numbers = itertools.count(1)
NEIGHBOUR = "neighbour"


async def until(condition, what="it", seconds=20):
    """Return what `condition` returns as soon as that is true; fail naming `what` otherwise."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        found = await found if asyncio.iscoroutine(found) else found
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        await asyncio.sleep(0.02)


async def empty_logs(kafka_url, topics=OWN_TOPICS):
    """Delete the records of all our own topics, so that no test reads another's."""
    await create_topics(kafka_url, topics)
    everything = {
        TopicPartition(topic.name, partition): RecordsToDelete(-1)
        for topic in topics
        for partition in range(topic.partitions)
    }
    async with administration(kafka_url) as admin:

        async def deleted():
            try:
                return await admin.delete_records(everything)
            except NotLeaderForPartitionError:  # a topic made a moment ago
                return False

        await until(deleted, "the logs are empty")


async def unchanged(_connection):
    """Leave the session as it is: tests change no settings."""


@asynccontextmanager
async def administration(kafka_url):
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@dataclass
class World:
    """The environment of one test."""

    name: str
    kafka_url: str
    database: Prepared
    #: Sessions of the tests, kept open: connecting takes longer than most statements.
    pool: asyncpg.Pool
    _sequences: dict[tuple[str, int], int] = field(default_factory=dict)

    def service(self, **parts):
        """A toy service with batch handler and table by default."""
        return Service(
            **{
                "name": self.name,
                "store": toy.Toy,
                "consumes": {DeviceRegistered: toy.on_device_registered},
                "consumes_in_batches": {"usage": toy.on_usage},
            }
            | parts
        )

    @asynccontextmanager
    async def running(self, service=None, **knobs):
        knobs = {"kafka_url": self.kafka_url, "database_urls": self.database, "session_timeout_ms": 6000} | knobs
        async with running(service or self.service(), **knobs) as kit:
            yield kit

    async def publish(self, topic, pairs):
        """Write `(key, value)` pairs where the key's partition is, and wait for the acknowledgements."""
        async with AIOKafkaProducer(bootstrap_servers=self.kafka_url, acks="all", linger_ms=5) as producer:
            count = find_topic(topic).partitions
            sent = [
                await producer.send(topic, value, key=key.encode(), partition=partition_for(key.encode(), count))
                for key, value in pairs
            ]
            return await asyncio.gather(*sent)

    async def use(self, *reports):
        """Publish uses given as `(device, n)`."""
        return await self.publish("usage", [(device, a.slot_used(device, n)) for device, n in reports])

    async def say(self, *events, cause=None, traceparent=None):
        """Publish events of services with the dense sequences their topics carry."""
        for event in events:
            partition = partition_for(event.key.encode(), find_topic(event.topic).partitions)
            n = self._sequences[event.topic, partition] = self._sequences.get((event.topic, partition), 0) + 1
            await self.publish(event.topic, [(event.key, a.said(event, n, cause=cause, traceparent=traceparent))])

    async def log(self, topic):
        """Return every committed record of a topic, by partition and in order."""
        places = [TopicPartition(topic, n) for n in range(find_topic(topic).partitions)]
        async with AIOKafkaConsumer(
            bootstrap_servers=self.kafka_url,
            enable_auto_commit=False,
            isolation_level="read_committed",
            retry_backoff_ms=READER_RETRY_MS,
        ) as consumer:
            ends, starts = await consumer.end_offsets(places), await consumer.beginning_offsets(places)
            waiting = {tp for tp in places if starts[tp] < ends[tp]}
            consumer.assign(sorted(waiting))
            for tp in waiting:
                consumer.seek(tp, starts[tp])
            found = []
            while waiting:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
                waiting = {tp for tp in waiting if await consumer.position(tp) < ends[tp]}
            return sorted(found, key=lambda record: (record.partition, record.offset))

    async def said(self, topic):
        """Return a topic's records as JSON."""
        return [json.loads(record.value) for record in await self.log(topic)]

    async def empty(self, *topics):
        """Delete every record of these topics, as retention does in time."""
        await empty_logs(self.kafka_url, [find_topic(topic) for topic in topics])

    async def rows(self, sql, *arguments):
        return await self.pool.fetch(sql, *arguments)

    async def value(self, sql, *arguments):
        found = await self.rows(sql, *arguments)
        return found[0][0] if found else None

    async def change(self, sql, *arguments):
        await self.rows(sql, *arguments)

    async def applied(self):
        """Return how often each record's effect happened, by the record's id."""
        return dict(await self.rows("SELECT id, count(*) FROM applied GROUP BY id"))

    async def has_applied(self, count, seconds=20):
        async def enough():
            return (await self.value("SELECT count(*) FROM applied")) >= count

        await until(enough, f"{count} records applied", seconds)

    async def has_published(self, seconds=20):
        sql = "SELECT count(*) > 0 AND bool_and(published = sequence) FROM counter"
        await until(lambda: self.value(sql), "the outbox is published", seconds)

    @asynccontextmanager
    async def owner(self):
        """A connection of the schema's owner, who may lock and cut its tables."""
        connection = await asyncpg.connect(self.database[self.name].owner_url)
        try:
            yield connection
        finally:
            await connection.close()


async def status(kit):
    return (await ask(kit, "/health/status")).json()


async def ask(kit, path, method="GET", **more):
    """Send a request to the service's web application."""
    transport = httpx.ASGITransport(app=kit.app, raise_app_exceptions=False)  # as a server would
    async with httpx.AsyncClient(transport=transport, base_url="http://toy") as client:
        return await client.request(method, path, **more)


@asynccontextmanager
async def made_world(backends):
    number = next(_numbers)
    name, database_name = f"toy_{os.getpid()}_{number}", f"kit_{os.getpid()}_{number}"
    services = (name, NEIGHBOUR)
    database = await prepare_database(backends.database_admin_url, database_name, services)
    try:
        async with asyncpg.create_pool(database[name].url, min_size=0, reset=unchanged) as pool:
            world = World(name, backends.kafka_url, database, pool)
            await empty_logs(backends.kafka_url)
            await prepare(world.service(), database)
            async with world.owner() as connection:
                await connection.execute(toy.TABLES)
            yield world
    finally:
        await drop_database(backends.database_admin_url, database_name, services)
