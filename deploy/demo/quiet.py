"""Detects when the whole system is idle, so that the clock may be advanced.

The proof is the order of reading: first the providers' logs, then one snapshot of all schemas, then the end
offsets of the log. If the snapshot has no open work and the checkpoints equal the *later* end offsets,
nothing was under way in between.
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
#: A restarted service needs seconds; beyond this there is no progress.
PATIENCE_SECONDS = 60.0

#: One row per service: open work, checkpoints, and number of events sent to providers.
ONE_SERVICE = """
SELECT '{schema}' AS service,
    (SELECT coalesce(sum(sequence - published), 0)::bigint FROM {schema}.counter) AS unsent,
    (SELECT count(*) FROM {schema}.task WHERE due_at <= $1
        AND (state IN ('due', 'claimed') OR state = 'unknown' AND retry_at <= now())) AS effects,
    (SELECT count(*) FROM {schema}.periodic_job WHERE ran_at + make_interval(secs => every_seconds) <= $1) AS ticks,
    (SELECT count(*) FROM {schema}.deferred WHERE waits_for IS NOT NULL AND retry_at <= now()) AS released,
    (SELECT jsonb_object_agg(topic || '/' || partition, next_offset) FROM {schema}.checkpoint) AS checkpoints,
    (SELECT jsonb_object_agg(topic, sequence) FROM {schema}.counter WHERE topic LIKE 'provider-orders-%') AS asked
"""


class Look(NamedTuple):
    """Open work; an empty reason means that the system is idle."""

    why: str = ""

    @property
    def is_quiet(self) -> bool:
        return not self.why


class Quiet:
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
        self.patience_s = PATIENCE_SECONDS
        self.looks = 0

    async def wait(self, now: datetime) -> None:
        """Return once nothing is left to do at `now`; raises StackError with the open work."""
        deadline = time.monotonic() + self.patience_s
        while not (look := await self.look(now)).is_quiet:
            if time.monotonic() > deadline:
                raise StackError(f"not idle after {self.patience_s:g} s: {look.why}")
            await asyncio.sleep(POLL_SECONDS)

    async def look(self, now: datetime) -> Look:
        """Check once, in the order that makes an idle result valid."""
        self.looks += 1
        for provider_id, log in self._providers.items():
            log.catch_up()
            if not log.is_idle(now):
                return Look(f"{provider_id} has unpublished updates")
        rows = await self._database.fetch(self._snapshot, now)
        for row in rows:
            for what in ("unsent", "effects", "ticks", "released"):
                if row[what]:
                    return Look(f"{row['service']}: {row[what]} {what}")
            if behind := self._unheard(row["asked"] or {}):
                return Look(behind)
        return await self._all_read(row["checkpoints"] or {} for row in rows)

    def _unheard(self, asked: Mapping[str, int]) -> str:
        for provider_id, log in self._providers.items():
            if (count := asked.get(f"provider-orders-{provider_id}", 0)) > len(log.read):
                return f"{provider_id} has not consumed {count - len(log.read)} events"
        return ""

    async def _all_read(self, checkpoints: Iterable[Mapping[str, int]]) -> Look:
        lowest: dict[TopicPartition, int] = {}
        for place, offset in (item for one in checkpoints for item in one.items()):
            topic, _, partition = place.rpartition("/")
            key = TopicPartition(topic, int(partition))
            lowest[key] = min(offset, lowest.get(key, offset))
        ends = await self._consumer.end_offsets(list(lowest))
        for key, offset in lowest.items():
            if offset < ends[key]:
                return Look(f"{key.topic}/{key.partition} is consumed up to {offset} of {ends[key]}")
        return Look()


async def connect(url: str) -> asyncpg.Connection:
    """Return a connection that decodes JSON columns."""
    database = await asyncpg.connect(url)
    await database.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    return database
