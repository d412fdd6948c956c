"""Publishes the outbox: one replica at a time, each partition in order, progress noted after the ack."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from libs.kit import relay_sql
from libs.kit.compare import compare
from libs.kit.database import Connection
from libs.kit.failures import TRANSIENT
from libs.kit.lease import Holder, end_lease, take_lease
from libs.kit.metrics import EVENTS_PUBLISHED, RELAY_LEADS
from libs.kit.sending import Sending, new_producer, send
from libs.kit.store import Store
from libs.kit.waking import woken_within

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
LEASE = "relay"
NOTIFY_SECONDS = 0.02  # commits of a replica that does not lead are announced together, at most this often
CLEAN_SECONDS = 60.0
FINISH_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


class Relay:
    """Brings committed events to the broker; woken by commits, at the latest by its slow poll."""

    def __init__(self, kit: "Kit") -> None:
        self._kit, self._settings = kit, kit.settings
        self._woken, self._idle = asyncio.Event(), asyncio.Event()
        self._unannounced = False
        self._compared: set[str] = set()
        self._holder = Holder(kit.replica, uuid4().hex[:8])
        self._has_asked = False
        self._leads = False
        self._lease_ends = 0.0
        self._cleaned_at = 0.0
        self._turned_at = time.monotonic()

    def after_commit(self, store: Store) -> None:
        """Look at the outbox where this process has put something into it."""
        if store.spoke:
            self._unannounced = True
            self._woken.set()

    def _announced(self, *_: object) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Relay until cancelled; raises Lost where log and outbox cannot be of the same story."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                async with self._kit.pool.acquire() as connection:
                    await connection.add_listener(self._channel, self._announced)
                    try:
                        await self._lead_or_follow(connection)
                    finally:
                        await connection.remove_listener(self._channel, self._announced)
            except (*TRANSIENT, KafkaError) as passing:
                self._turned_at = time.monotonic()
                if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
                    pause = FIRST_PAUSE_SECONDS
                LOG.warning("relay waits", extra={"reason": repr(passing), "seconds": pause})
                self._leads = False
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    @property
    def _channel(self) -> str:
        return f"relay_{self._kit.service.name}"

    async def _lead_or_follow(self, connection: Connection) -> None:
        producer = new_producer(self._settings.kafka_url, f"{self._kit.replica}-relay")
        try:
            await producer.start()
            while True:
                more = False
                if await self._leading(connection):
                    more = await self._publish(connection, producer)
                    await self._clean(connection)
                if not more:
                    await self._wait(connection)
        finally:
            await producer.stop()  # also where start failed: it holds connections then

    async def _leading(self, connection: Connection) -> bool:
        now = self._turned_at = time.monotonic()
        if not self._leads or now > self._lease_ends:
            seconds = self._settings.relay_lease_seconds
            had, first = self._leads, not self._has_asked
            self._leads = await take_lease(connection, LEASE, self._holder, seconds, started=first)
            self._has_asked = True
            self._lease_ends = now + seconds / 3
            RELAY_LEADS.set(self._leads)
            if self._leads and not had:
                await self._take_over(connection)
        return self._leads

    async def _take_over(self, connection: Connection) -> None:
        self._compared.clear()
        counters = await relay_sql.list_counters(connection)
        await self._compare(connection, {counter.topic for counter in counters})

    async def _compare(self, connection: Connection, topics: set[str]) -> None:
        """Compare with the log, once for each topic, before this relay adds to it."""
        if new := topics - self._compared:
            await compare(connection, self._settings.kafka_url, sorted(new))
            self._compared |= new

    async def _publish(self, connection: Connection, producer: AIOKafkaProducer) -> bool:
        """Publish what is committed; return whether there is more than was listed, or fits into a batch."""
        self._woken.clear()
        limit = self._settings.relay_batch_records
        runs = relay_sql.by_place(await relay_sql.list_unsent(connection, limit))
        if unknown := {topic for topic, _ in runs} - self._compared:
            await self._compare(connection, unknown)
            return await self._publish(connection, producer)
        sent = [await send(producer, place, run) for place, run in runs.items()]
        await self._note(connection, sent)
        more = any(
            run[-1].sequence > one.last or len(run) == limit for run, one in zip(runs.values(), sent, strict=True)
        )
        if not more and not self._woken.is_set():
            self._idle.set()
        return more

    async def _note(self, connection: Connection, sent: Sequence[Sending]) -> None:
        """Wait for the broker and note what it acknowledged; raises the first failure afterwards."""
        outcomes = await asyncio.gather(*(sending.acked for sending in sent), return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        acked = {
            sending.place: sending.last
            for sending, outcome in zip(sent, outcomes, strict=True)
            if not isinstance(outcome, BaseException)
        }
        if acked:
            for topic, count in (await relay_sql.set_published(connection, acked)).items():
                EVENTS_PUBLISHED.labels(topic).inc(count)
        if failures:
            raise failures[0]

    async def _clean(self, connection: Connection) -> None:
        now = time.monotonic()
        if now - self._cleaned_at > CLEAN_SECONDS:
            self._cleaned_at = now
            await relay_sql.delete_published(connection, self._settings.outbox_keep_seconds)

    async def _wait(self, connection: Connection) -> None:
        if not await woken_within(self._woken, self._settings.relay_poll_ms / 1000):
            return
        if not self._leads:
            self._woken.clear()
        if not self._leads and self._unannounced:
            self._unannounced = False  # what others announce is not announced again: all would, for ever
            await connection.execute("-- announce\nSELECT pg_notify($1, '')", self._channel)
            await asyncio.sleep(NOTIFY_SECONDS)

    async def finish(self) -> None:
        """Publish what is committed, while `run` still does."""
        if self._leads:
            self._idle.clear()
            self._woken.set()
            await asyncio.wait_for(self._idle.wait(), FINISH_SECONDS)

    async def resign(self) -> None:
        """Let another replica lead, once `run` has ended: it could still be about to take the lease."""
        async with self._kit.pool.acquire() as connection:
            await end_lease(connection, LEASE, self._holder)

    def stalled_seconds(self) -> float:
        """Return for how long the relay has not come round, leading or following, or to an error."""
        return time.monotonic() - self._turned_at
