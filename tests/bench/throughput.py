"""Consumption end to end against the bare loop, quixstreams and a handler per event, on the same topic."""

import asyncio
import statistics
import sys

from deploy.local.ports import free_port
from libs.contracts.topics import OWN_TOPICS
from libs.kit.migrations import migrate
from libs.kit.topics import create_topics
from tests.bench import bare, per_event
from tests.bench.load import create_topic, write
from tests.bench.measure import connect, processes, speed, sum_of
from tests.bench.quix_env import quix_python
from tests.bench.world import fill_hot_rows, fill_slots

APPLIED = "SELECT sum(next_offset) FROM consumption.cursor WHERE topic = 'usage'"
#: Per-event work is some sixty times slower: a share of the load is enough to see its rate.
NAIVE_SHARE = 0.01
QUIX_SHARE = 0.3


class Throughput:
    """Prepares one broker and one database and runs the candidates in turn, A B A B, in the same minutes."""

    def __init__(self, backends, database, load, log, limit_seconds):
        self.kafka_url, self.urls, self.load = backends.kafka_url, database["consumption"], load
        self.log, self.limit = log, limit_seconds
        self.owner = None
        self.total = 0

    async def prepare(self):
        await create_topics(self.kafka_url, OWN_TOPICS)
        await migrate(self.urls.owner_url, "consumption")
        self.owner = await connect(self.urls.owner_url)
        await self.owner.execute("SET search_path = consumption")
        await self.owner.execute(bare.TABLES + per_event.TABLES)
        await self.owner.execute("INSERT INTO bare_offset SELECT generate_series(0, 11), 0")
        self.total = await write(self.kafka_url, "usage", self.load)
        await fill_hot_rows(self.owner, "bare_slot", devices=self.load.devices)
        await fill_slots(self.owner, self.load.devices)

    async def _fresh(self):
        """Put every table back as it was, so that each run changes the same rows to the same values."""
        await self.owner.execute("UPDATE bare_offset SET next_offset = 0; TRUNCATE bare_outbox, outbox, counter")
        await self.owner.execute(
            "UPDATE cursor SET next_offset = 0, last_id = NULL, last_offset = NULL WHERE topic = 'usage'"
        )
        for table in ("bare_slot", "slot"):
            await fill_hot_rows(self.owner, table, devices=self.load.devices)
        await self.owner.execute("CHECKPOINT" if await self._may_checkpoint() else "SELECT 1")

    async def _may_checkpoint(self):
        return await self.owner.fetchval("SELECT pg_has_role(current_user, 'pg_checkpoint', 'USAGE')")

    async def bare_loop(self):
        await self._fresh()
        command = [sys.executable, "-m", "tests.bench.bare", self.kafka_url, self.urls.url, "usage"]
        with processes(command, log=self.log) as children:
            found = await speed(
                sum_of(self.owner, "SELECT sum(next_offset) FROM bare_offset"), self.total, children, self.limit
            )
        assert await self.owner.fetchval("SELECT count(*) FROM bare_slot WHERE last_seq > 0") > 0
        return found

    async def consumption(self, instances=1):
        await self._fresh()
        command = [sys.executable, "-m", "services.consumption"]
        environment = [
            {
                "KAFKA_URL": self.kafka_url,
                "DATABASE_URL": self.urls.url,
                "HTTP_PORT": str(free_port()),
                "INSTANCE": str(number),
                "LOG_LEVEL": "WARNING",
            }
            for number in range(instances)
        ]
        with processes(*[command] * instances, log=self.log, environment=environment) as children:
            found = await speed(sum_of(self.owner, APPLIED), self.total, children, self.limit)
        await self._judge()
        return found

    async def _judge(self):
        """A fast run that lost, doubled or missed something counts for nothing."""
        used = await self.owner.fetchval("SELECT sum(used_total) FROM slot")
        crossed = await self.owner.fetchval("SELECT sum(sequence) FROM counter WHERE topic = 'slots'")
        expected = await self.owner.fetchval("SELECT count(*) FROM slot WHERE last_seq > 0 AND level <= at_level")
        assert used == self.total, f"{used} of {self.total} events are in the levels"
        assert crossed == expected, f"{crossed} of {expected} crossings were said"

    async def per_event(self):
        await self._fresh()
        await fill_hot_rows(self.owner, "naive_slot", devices=self.load.devices)
        await self.owner.execute("TRUNCATE naive_inbox, naive_outbox")
        command = [sys.executable, "-m", "tests.bench.per_event", self.kafka_url, self.urls.url, "usage"]
        total = max(500, round(self.total * NAIVE_SHARE))
        with processes(command, log=self.log) as children:
            return await speed(sum_of(self.owner, "SELECT count(*) FROM naive_inbox"), total, children, self.limit)

    async def quixstreams(self, folder):
        python = await asyncio.to_thread(quix_python)
        await create_topic(self.kafka_url, "quix-crossings")
        command = [python, "tests/bench/quix.py", self.kafka_url, "usage", folder]
        with processes(command, log=self.log) as children:
            return await speed(
                committed(self.kafka_url, "quix", "usage"), round(self.total * QUIX_SHARE), children, self.limit
            )


def committed(kafka_url, group, topic):
    """Return a function that sums what a group has committed on a topic."""
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    started = False

    async def progress():
        nonlocal started
        if not started:
            await admin.start()
            started = True
        offsets = await admin.list_consumer_group_offsets(group)
        return float(sum(found.offset for tp, found in offsets.items() if tp.topic == topic and found.offset > 0))

    return progress


def paired(ours, theirs):
    """Return the median of ratios of runs made one after the other."""
    return statistics.median(a.per_second / b.per_second for a, b in zip(ours, theirs, strict=True))
