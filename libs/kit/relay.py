"""Publishes the outbox from one replica at a time, each partition in order; progress is recorded after the ack."""

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
from libs.kit.errors import TRANSIENT
from libs.kit.lease import Holder, end_lease, take_lease
from libs.kit.metrics import EVENTS_PUBLISHED, RELAY_LEADS
from libs.kit.sending import Sending, new_producer, send
from libs.kit.store import Store
from libs.kit.waiting import wait_for_event

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
LEASE = "relay"
NOTIFY_SECONDS = 0.02  # a follower announces its commits together, at most this often
CLEAN_SECONDS = 60.0
FINISH_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


class Relay:
    """Publishes committed events; commits wake it, and polling finds the rest."""

    def __init__(self, kit: "Kit") -> None:
        self._kit, self._settings = kit, kit.settings
        self._woken, self._idle = asyncio.Event(), asyncio.Event()
        self._has_unannounced = False
        self._compared: set[str] = set()
        self._holder = Holder(kit.replica, uuid4().hex[:8])
        self._requested_lease = False
        self._leads = False
        self._lease_ends = 0.0
        self._cleaned_at = 0.0
        self._progressed_at = time.monotonic()

    def after_commit(self, store: Store) -> None:
        """Wake up if the transaction published events."""
        if store.spoke:
            self._has_unannounced = True
            self._woken.set()

    def _on_announcement(self, *_: object) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Relay until cancelled; raises RecordLossError if log and outbox contradict each other."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                async with self._kit.pool.acquire() as connection:
                    await connection.add_listener(self._channel, self._on_announcement)
                    try:
                        await self._lead_or_follow(connection)
                    finally:
                        await connection.remove_listener(self._channel, self._on_announcement)
            except (*TRANSIENT, KafkaError) as error:
                self._progressed_at = time.monotonic()
                if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
                    pause = FIRST_PAUSE_SECONDS
                LOG.warning("relay interrupted; retrying", extra={"reason": repr(error), "seconds": pause})
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
            await producer.stop()  # also after a failed start, which leaves connections open

    async def _leading(self, connection: Connection) -> bool:
        now = self._progressed_at = time.monotonic()
        if not self._leads or now > self._lease_ends:
            seconds = self._settings.relay_lease_seconds
            had, first = self._leads, not self._requested_lease
            self._leads = await take_lease(connection, LEASE, self._holder, seconds, started=first)
            self._requested_lease = True
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
        """Compare outbox and log once per topic and leadership, before the first append."""
        if new := topics - self._compared:
            await compare(connection, self._settings.kafka_url, sorted(new))
            self._compared |= new

    async def _publish(self, connection: Connection, producer: AIOKafkaProducer) -> bool:
        """Publish one batch per partition and return whether more events may be waiting."""
        self._woken.clear()
        limit = self._settings.relay_batch_records
        runs = relay_sql.by_place(await relay_sql.list_unsent(connection, limit))
        if unknown := {topic for topic, _ in runs} - self._compared:
            await self._compare(connection, unknown)
            return await self._publish(connection, producer)
        sent = [await send(producer, place, run) for place, run in runs.items()]
        await self._record_acks(connection, sent)
        more = any(
            run[-1].sequence > one.last or len(run) == limit for run, one in zip(runs.values(), sent, strict=True)
        )
        if not more and not self._woken.is_set():
            self._idle.set()
        return more

    async def _record_acks(self, connection: Connection, sent: Sequence[Sending]) -> None:
        """Wait for the acknowledgements and record them, then raise the first failure."""
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
        if not await wait_for_event(self._woken, self._settings.relay_poll_ms / 1000):
            return
        if not self._leads:
            self._woken.clear()
        if not self._leads and self._has_unannounced:
            self._has_unannounced = False  # only own commits: repeating announcements of others would never end
            await connection.execute("-- announce\nSELECT pg_notify($1, '')", self._channel)
            await asyncio.sleep(NOTIFY_SECONDS)

    async def finish(self) -> None:
        """Wait until all committed events are published; `run` must still be running."""
        if self._leads:
            self._idle.clear()
            self._woken.set()
            await asyncio.wait_for(self._idle.wait(), FINISH_SECONDS)

    async def resign(self) -> None:
        """Release the lease; call it after `run` has ended, which could take it again."""
        async with self._kit.pool.acquire() as connection:
            await end_lease(connection, LEASE, self._holder)

    def stalled_seconds(self) -> float:
        """Return the seconds since the last iteration or error."""
        return time.monotonic() - self._progressed_at
