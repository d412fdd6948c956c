"""Detects when the whole system is idle, so that the clock may be advanced.

An idle result is valid because of the order of reads: providers' logs, then one snapshot of all schemas, then the end
offsets of the topics. If the snapshot has no open work and its checkpoints equal the *later* end offsets, no work was
pending in between.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.demo.parcels import ProviderLog
from deploy.local.errors import StackError

#: Poll interval; one check costs database and broker 2 ms.
POLL_SECONDS = 0.012
#: A restarted service needs seconds; then something progresses, however slow the machine is.
TIMEOUT_SECONDS = 60.0
#: Times the timeout: work that progresses for so long does not end.
ENDLESS = 10

#: One row per service: open work, checkpoints, and number of events sent to providers.
ONE_SERVICE = """
SELECT '{schema}' AS service,
    (SELECT coalesce(sum(sequence - published), 0)::bigint FROM {schema}.counter) AS unsent,
    (SELECT count(*) FROM {schema}.task WHERE due_at <= $1
        AND (state IN ('due', 'claimed') OR state = 'unknown' AND retry_at <= now())) AS tasks,
    (SELECT count(*) FROM {schema}.periodic_job WHERE ran_at + make_interval(secs => every_seconds) <= $1) AS jobs,
    (SELECT count(*) FROM {schema}.deferred WHERE waits_for IS NOT NULL AND retry_at <= now()) AS released,
    (SELECT jsonb_object_agg(topic || '/' || partition, next_offset) FROM {schema}.checkpoint) AS checkpoints,
    (SELECT jsonb_object_agg(topic, sequence) FROM {schema}.counter WHERE topic LIKE 'provider-orders-%') AS sent
"""


class ProbeResult(NamedTuple):
    """Open work as text; empty if the system is idle."""

    open_work: str = ""

    @property
    def is_idle(self) -> bool:
        return not self.open_work


class QuiescenceProbe:
    """Checks database, broker and providers for open work."""

    def __init__(
        self,
        database: asyncpg.Connection,
        consumer: AIOKafkaConsumer,
        schemas: Sequence[str],
        providers: Mapping[str, ProviderLog],
    ) -> None:
        self._database, self._consumer, self._providers = database, consumer, providers
        self._snapshot = " UNION ALL ".join(ONE_SERVICE.format(schema=schema) for schema in schemas)
        #: Seconds without progress after which `wait` gives up.
        self.timeout_s = TIMEOUT_SECONDS
        self.probes = 0
        self._rows: list[asyncpg.Record] = []
        self._position: object = None

    async def wait(self, now: datetime) -> None:
        """Return once nothing is left to do at `now`; raises StackError with the open work."""
        began = progressed = time.monotonic()
        while not (result := await self.probe(now)).is_idle:
            if self._position != (position := self._positions()):
                self._position, progressed = position, time.monotonic()
            if time.monotonic() - progressed > self.timeout_s:
                raise StackError(f"no progress for {self.timeout_s:g} s: {result.open_work}")
            if time.monotonic() - began > ENDLESS * self.timeout_s:
                raise StackError(f"not idle after {ENDLESS * self.timeout_s:g} s: {result.open_work}")
            await asyncio.sleep(POLL_SECONDS)

    def _positions(self) -> object:
        """Return what changes with every step of progress."""
        return self._rows, {provider_id: len(log.read) for provider_id, log in self._providers.items()}

    async def probe(self, now: datetime) -> ProbeResult:
        """Check once, in the order that makes an idle result valid."""
        self.probes += 1
        for provider_id, log in self._providers.items():
            log.catch_up()
            if not log.is_idle(now):
                return ProbeResult(f"{provider_id} has unpublished updates")
        rows = self._rows = await self._database.fetch(self._snapshot, now)
        for row in rows:
            for what in ("unsent", "tasks", "jobs", "released"):
                if row[what]:
                    return ProbeResult(f"{row['service']}: {row[what]} {what}")
            if behind := self._unconsumed(row["sent"] or {}):
                return ProbeResult(behind)
        return await self._compare_offsets(row["checkpoints"] or {} for row in rows)

    def _unconsumed(self, sent: Mapping[str, int]) -> str:
        for provider_id, log in self._providers.items():
            if (count := sent.get(f"provider-orders-{provider_id}", 0)) > len(log.read):
                return f"{provider_id} has not consumed {count - len(log.read)} events"
        return ""

    async def _compare_offsets(self, checkpoints: Iterable[Mapping[str, int]]) -> ProbeResult:
        lowest: dict[TopicPartition, int] = {}
        for place, offset in (item for one in checkpoints for item in one.items()):
            topic, _, partition = place.rpartition("/")
            key = TopicPartition(topic, int(partition))
            lowest[key] = min(offset, lowest.get(key, offset))
        ends = await self._consumer.end_offsets(list(lowest))
        for key, offset in lowest.items():
            if offset < ends[key]:
                return ProbeResult(f"{key.topic}/{key.partition} is consumed up to {offset} of {ends[key]}")
        return ProbeResult()


async def connect(url: str) -> asyncpg.Connection:
    """Return a connection that decodes JSON columns."""
    database = await asyncpg.connect(url)
    await database.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    return database
