"""Publishes the outbox from one replica at a time, each partition in order; progress is recorded after the ack."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from libs.kit import outbox
from libs.kit.clock import wait_for_event
from libs.kit.connections import Connection, kafka_producer, kafka_reader
from libs.kit.errors import TRANSIENT, RecordLossError
from libs.kit.metrics import EVENTS_PUBLISHED, RELAY_LEADS, RELAY_RESENT
from libs.kit.outbox import PartitionCounter, Unsent
from libs.kit.records import Place
from libs.kit.store import Store
from replenish_contracts.topics import partition_count

if TYPE_CHECKING:
    from libs.kit.kit import Kit


class Holder(NamedTuple):
    """A process of a replica; `process` distinguishes it from earlier or concurrent processes of that replica."""

    replica: str
    process: str

    def __str__(self) -> str:
        return f"{self.replica}/{self.process}"


async def take_lease(connection: Connection, name: str, holder: Holder, seconds: float, *, started: bool) -> bool:
    """Take or renew the lease and return whether this holder has it.

    A process that has just `started` takes over from its replica's previous process at once. If two processes of
    one replica run, the older one loses the lease.
    """
    held: str | None = await connection.fetchval(
        """-- take_lease
        INSERT INTO lease AS held (name, holder, until) VALUES ($1, $2, now() + make_interval(secs => $3))
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE held.holder = excluded.holder OR held.until < now()
            OR ($4::boolean AND split_part(held.holder, '/', 1) = $5)
        RETURNING holder
        """,
        name,
        str(holder),
        seconds,
        started,
        holder.replica,
    )
    return held == str(holder)


async def end_lease(connection: Connection, name: str, holder: Holder) -> None:
    await connection.execute("-- end_lease\nDELETE FROM lease WHERE name = $1 AND holder = $2", name, str(holder))


class SentBatch(NamedTuple):
    """A batch in flight; its acknowledgement covers all sequences up to `last`."""

    place: Place
    last: int
    acked: Awaitable[Any]


async def send(producer: AIOKafkaProducer, place: Place, run: Sequence[Unsent]) -> SentBatch:
    """Send the oldest events of a partition, as many as fit in a batch; raises RecordLossError if not even one fits."""
    batch, last = producer.create_batch(), 0
    for row in run:
        if batch.append(key=row.key, value=row.value, timestamp=None) is None:
            break  # full; the rest follows in the next batch
        last = row.sequence
    if not last:
        raise RecordLossError(f"{place}: event {run[0].sequence} is larger than a batch may be")
    batch.close()
    return SentBatch(place, last, await producer.send_batch(batch, place[0], partition=place[1]))


#: Enough if no event was published twice, because sequences then only increase.
LAST_RECORDS = 50
#: More than a frozen relay can have in flight when it resumes.
LAST_RECORDS_AFTER_REPEATS = 5_000
READ_MS = 2_000


class Tail(NamedTuple):
    """The event with the highest sequence near a log's end; sequence 0 if the log never had a record."""

    sequence: int
    value: bytes = b""


class _Sequence(msgspec.Struct):
    sequence: str | None = None


_READ = msgspec.json.Decoder(_Sequence)


def _tail_of(record: ConsumerRecord) -> Tail:
    value = record.value or b""
    try:
        return Tail(int(_READ.decode(value).sequence or 0), value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Tail(0)


async def find_tails(kafka_url: str, places: Iterable[Place], last: int = LAST_RECORDS) -> dict[Place, Tail]:
    """Return the highest sequence among the last records of each partition.

    A partition that never had a record has sequence 0. One whose records were all deleted by retention is left
    out, because its last sequence is unknown.
    """
    partitions = [TopicPartition(*place) for place in places]
    if not partitions:
        return {}
    async with kafka_reader(kafka_url) as consumer:
        return await _read(consumer, partitions, last)


async def _read(consumer: AIOKafkaConsumer, partitions: list[TopicPartition], last: int) -> dict[Place, Tail]:
    ends = await consumer.end_offsets(partitions)
    starts = await consumer.beginning_offsets(partitions)
    found = {(tp.topic, tp.partition): Tail(0) for tp in partitions if ends[tp] == 0}
    waiting = {tp for tp in partitions if starts[tp] < ends[tp]}
    consumer.assign(sorted(waiting))
    for tp in waiting:
        consumer.seek(tp, max(starts[tp], ends[tp] - last))
    while waiting:
        for tp, records in (await consumer.getmany(timeout_ms=READ_MS)).items():
            place = (tp.topic, tp.partition)
            found[place] = max([found.get(place, Tail(0)), *map(_tail_of, records)])
        waiting = {tp for tp in waiting if await consumer.position(tp) < ends[tp]}
    return found


LOG = logging.getLogger(__name__)


async def compare(connection: Connection, kafka_url: str, topics: Iterable[str]) -> None:
    """Set `published` of each partition to the highest sequence in the log.

    A tail that the log lost is thereby sent again, and an acknowledgement that was not recorded is not repeated.
    Raises RecordLossError if log and outbox contradict each other: one of them was restored or emptied, or the log lost
    events that the outbox no longer keeps.
    """
    known = {counter.place: counter for counter in await outbox.list_counters(connection)}
    places = [(topic, partition) for topic in topics for partition in range(partition_count(topic))]
    counters = [known.get(place) or PartitionCounter(*place, sequence=0, published=0) for place in places]
    tails = await find_tails(kafka_url, places)
    short = [
        counter.place
        for counter in counters
        if (tail := tails.get(counter.place)) is not None and tail.sequence < counter.published
    ]
    tails |= await find_tails(kafka_url, short, LAST_RECORDS_AFTER_REPEATS)
    for counter in counters:
        tail = tails.get(counter.place)
        if tail is not None and tail.sequence != counter.published:
            await _reconcile(connection, counter, tail)


async def _reconcile(connection: Connection, counter: PartitionCounter, tail: Tail) -> None:
    name = f"{counter.topic}/{counter.partition}"
    if tail.sequence > counter.sequence:
        raise RecordLossError(f"{name}: the log has sequence {tail.sequence}, the database only {counter.sequence}")
    if tail.sequence > counter.published:
        stored_value = await outbox.find_event_value(connection, counter.place, tail.sequence)
        if stored_value != tail.value:
            raise RecordLossError(
                f"{name}: sequence {tail.sequence} differs between log and outbox: was the database restored?"
            )
    else:
        if await outbox.find_event_value(connection, counter.place, tail.sequence + 1) is None:
            raise RecordLossError(
                f"{name}: the log ends at {tail.sequence} and the events after it are no longer in the outbox"
            )
        LOG.error("log lost its tail; publishing it again", extra={"place": name, "from": tail.sequence + 1})
        RELAY_RESENT.inc(counter.published - tail.sequence)
    await outbox.set_published(connection, {counter.place: tail.sequence}, forward_only=False)


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
        self._holder = Holder(kit.replica, kit.process)
        self._requested_lease = False
        self._leads = False
        self._lease_ends = 0.0
        self._cleaned_at = 0.0
        self._progressed_at = time.monotonic()

    def after_commit(self, store: Store) -> None:
        """Wake up if the transaction published events."""
        if store.published_events:
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
        producer = kafka_producer(self._settings.kafka_url, f"{self._kit.replica}-relay")
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
        counters = await outbox.list_counters(connection)
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
        runs = outbox.by_place(await outbox.list_unsent(connection, limit))
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

    async def _record_acks(self, connection: Connection, sent: Sequence[SentBatch]) -> None:
        """Wait for the acknowledgements and record them, then raise the first failure."""
        outcomes = await asyncio.gather(*(batch.acked for batch in sent), return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        acked = {
            batch.place: batch.last
            for batch, outcome in zip(sent, outcomes, strict=True)
            if not isinstance(outcome, BaseException)
        }
        if acked:
            for topic, count in (await outbox.set_published(connection, acked)).items():
                EVENTS_PUBLISHED.labels(topic).inc(count)
        if failures:
            raise failures[0]

    async def _clean(self, connection: Connection) -> None:
        now = time.monotonic()
        if now - self._cleaned_at > CLEAN_SECONDS:
            self._cleaned_at = now
            await outbox.delete_published(connection, self._settings.outbox_keep_seconds)

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
