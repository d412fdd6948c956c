"""The consumer loop: reads batches of records and decodes the next one while Postgres writes the current one."""

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from libs.kit import checkpoints, group, metrics
from libs.kit.batch import BatchProcessor, Prepared
from libs.kit.checkpoint_consumer import BUSY_FETCH_MS, CheckpointConsumer, ReadBatch
from libs.kit.checkpoints import Checkpoint, Decoded
from libs.kit.records import Decode, Place, decoder_for
from replenish_contracts.topics import PROVIDER_ID

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
NEW_TOPIC_MS = 2_000  # how soon new provider topics and changed partition counts are noticed
EVENTS_PER_BATCH = 200  # single-event handlers get small transactions, which hold locks briefly
WATCH_SECONDS = 3.0  # readiness notices an unavailable broker within this time
KAFKA_ERROR_PAUSE_SECONDS = 1.0
LOOPS_UNTIL_SENT = 2  # uvloop writes to sockets at the end of a loop iteration
#: Extra latency of services that gather records, which saves transactions.
GATHER_SECONDS = 0.05
MANY = 100  # records; a batch this large is not delayed
DRAIN_SECONDS = 20.0  # after this time a batch is left to the next owner of its partitions


class Subscription:
    """The FastStream subscriber of a service, without a handler: the consumer loop pulls from its consumer.

    FastStream would log and drop a batch whose handler raises, and pause after every poll without records.
    """

    def __init__(self, kit: "Kit", listener: ConsumerRebalanceListener) -> None:
        settings = kit.settings
        self._broker = KafkaBroker(
            settings.kafka_url,
            consumer_only=True,
            client_id=kit.replica,
            metadata_max_age_ms=NEW_TOPIC_MS,
            logger=None,
            graceful_timeout=15,
        )
        pattern = _pattern(kit.service.topics)
        self._subscriber: Any = self._broker.subscriber(
            *(() if pattern else kit.service.topics),
            pattern=pattern,
            group_id=kit.service.name.replace("_", "-"),
            group_instance_id=kit.replica,
            ack_policy=AckPolicy.MANUAL,
            isolation_level="read_committed",  # skips aborted transactions of external producers
            auto_offset_reset="earliest",  # until the seek to the checkpoint; the consumer detects later resets
            fetch_max_wait_ms=BUSY_FETCH_MS,
            session_timeout_ms=settings.session_timeout_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            max_poll_interval_ms=settings.max_poll_interval_ms,
            listener=listener,
        )

    async def start(self) -> AIOKafkaConsumer:
        """Join the group; raises aiokafka's errors while the broker is unavailable, and can then be called again."""
        await self._broker.start()
        return self._subscriber.consumer

    async def stop(self) -> None:
        await self._broker.stop()


def _pattern(topics: Sequence[str]) -> str | None:
    """Return one regular expression for all topics, or None if no topic has a wildcard."""
    if not any("*" in topic for topic in topics):
        return None
    return "^(" + "|".join(re.escape(topic).replace(r"\*", PROVIDER_ID.pattern) for topic in topics) + ")$"


class ConsumerLoop:
    """Passes decoded batches to the batch processor, one at a time."""

    def __init__(self, kit: "Kit", processor: BatchProcessor) -> None:
        self._kit, self._processor = kit, processor
        self._decoders: dict[str, Decode] = {}
        self._queue: asyncio.Queue[tuple[ReadBatch, list[Decoded], Prepared]] = asyncio.Queue(maxsize=1)
        self._busy = asyncio.Lock()
        #: Off with a stepped clock, because a test or demo waits for every service after each step.
        self._gathers = kit.service.lingers and not kit.clock.stepped
        self._applied: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._not_held_back = asyncio.Event()
        self._not_held_back.set()
        self.held_back: str | None = None
        self._read_fails = False
        self._read_at = time.monotonic()
        self._leaving: asyncio.Task[None] | None = None
        self.consumer = CheckpointConsumer(self._load_checkpoints, self._drained)
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        """Join the group; raises aiokafka's errors while the broker is unavailable, and can then be called again."""
        self._subscription, self._leaving = Subscription(self._kit, self.consumer), None
        self.consumer.attach(await self._subscription.start())
        self._read_at = time.monotonic()

    async def stop(self) -> None:
        """Leave after the running batch. If the caller gives up waiting, leaving continues; call it again to wait."""
        await self._drained()
        if self._subscription is not None:
            self._leaving = self._leaving or asyncio.create_task(self._subscription.stop())
            await asyncio.shield(self._leaving)  # aiokafka cannot resume a stop that was cancelled

    async def read(self) -> None:
        """Read and decode batches until the consumer stops; raises RecordLossError, which must stop the process."""
        settings = self._kit.settings
        most = settings.batch_records if self._kit.service.consumes_in_batches else EVENTS_PER_BATCH
        while True:
            try:
                batch = await self.consumer.read(most, settings.poll_wait_ms)
            except ConsumerStoppedError:
                return
            except KafkaError as error:
                self._read_fails = True
                LOG.warning("records not read; retrying", extra={"reason": repr(error)})
                await asyncio.sleep(KAFKA_ERROR_PAUSE_SECONDS)
                continue
            self._read_fails = False
            if self.consumer.placed:
                self._read_at = time.monotonic()
            if batch.records:
                decoded: list[Decoded] = []
                for topic, run in groupby(batch.records, key=attrgetter("topic")):
                    decoded.extend(map(self._decoder(topic), run))
                await self._queue.put((batch, decoded, self._processor.prepare(decoded)))
                await self._wait_for_postgres()

    async def _wait_for_postgres(self) -> None:
        """Delay reading until the current batch waits for Postgres.

        Decoding a batch takes about as long as its statement, so it costs nothing if both run at the same time.
        """
        await self._queue.join()
        await self._processor.waiting_for_postgres.wait()
        for _ in range(LOOPS_UNTIL_SENT):
            await asyncio.sleep(0)

    def _decoder(self, topic: str) -> Decode:
        if topic not in self._decoders:
            self._decoders[topic] = decoder_for(topic)
        return self._decoders[topic]

    async def run(self) -> None:
        """Apply batches until cancelled; raises RecordLossError, which must stop the process."""
        while True:
            batch, records, prepared = await self._queue.get()
            self._queue.task_done()
            await self._not_held_back.wait()
            async with self._busy:
                still_assigned = partial(self._is_current, batch.generation)
                if still_assigned():
                    self._processor.waiting_for_postgres.clear()
                    try:
                        await self._processor.apply(records, batch.starts, still_assigned, prepared)
                    finally:
                        self._processor.waiting_for_postgres.set()
                if still_assigned():
                    self._record_applied(records)
            if self._gathers and len(records) < MANY:
                await asyncio.sleep(GATHER_SECONDS)

    def _is_current(self, generation: int) -> bool:
        return self.consumer.generation == generation

    async def _drained(self) -> None:
        """Wait up to DRAIN_SECONDS until the current batch is committed."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS), self._busy:
                return
        except TimeoutError:
            LOG.warning("partitions revoked during a batch; the next owner resumes from the checkpoint")

    def _record_applied(self, records: Sequence[Decoded]) -> None:
        for (topic, partition), run in groupby(records, key=attrgetter("topic", "partition")):
            *_, newest = run
            self._applied[TopicPartition(topic, partition)] = newest.offset + 1

    async def watch_broker(self) -> None:
        """Every WATCH_SECONDS, refresh the end offsets and commit ours to the broker."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self.consumer.is_attached:
                await self.consumer.update_ends(WATCH_SECONDS)
                await self._commit_offsets()

    async def _commit_offsets(self) -> None:
        """Commit offsets as a hint, for tools that show lag; the consumer itself ignores them."""
        assigned = self.consumer.assignment()
        changed = {
            tp: offset for tp, offset in self._applied.items() if tp in assigned and self._committed.get(tp) != offset
        }
        if not changed:
            return
        stored = {}
        if self.consumer.placed:
            stored = await group.commit_offsets(self.consumer.kafka, changed, WATCH_SECONDS)
        self._committed |= stored
        if len(stored) < len(changed):
            metrics.OFFSET_COMMITS_SKIPPED.inc()

    async def _load_checkpoints(self, starts: dict[Place, int]) -> dict[Place, Checkpoint]:
        async with self._kit.pool.acquire() as connection:
            found = await checkpoints.find_checkpoints(connection, starts)
            if new := {place: start for place, start in starts.items() if place not in found}:
                # existing rows are left out: the insert would wait for a lock of their previous owner
                await checkpoints.create_checkpoints(connection, new)
                found = await checkpoints.find_checkpoints(connection, starts)
        self._processor.checkpoints = found
        self._applied = {TopicPartition(*place): checkpoint.next_offset for place, checkpoint in found.items()}
        return found

    def hold_back(self, reason: str | None) -> None:
        """Stop applying batches while `reason` is set; pending records stay in the log."""
        self.held_back = reason
        if reason:
            self._not_held_back.clear()
        else:
            self._not_held_back.set()

    def working_seconds(self) -> float:
        """Return the seconds since the current batch last progressed, or 0 without one."""
        return time.monotonic() - self._processor.progressed_at if self._busy.locked() else 0.0

    def unpolled_seconds(self) -> float:
        """Return the seconds since the last poll while the queue has room, or 0."""
        if not self.consumer.is_attached or self._busy.locked() or not self._queue.empty():
            return 0.0
        return asyncio.get_running_loop().time() - self.consumer.polled_at

    def outside_seconds(self) -> float:
        """Return how long the consumer is outside its group or reading fails while the queue has room, or 0."""
        if not self.consumer.is_attached or self._busy.locked() or not self._queue.empty():
            self._read_at = time.monotonic()
        return time.monotonic() - self._read_at if self._read_fails or not self.consumer.placed else 0.0

    def unfetched_since(self, earlier: float) -> float:
        """Return since when, at the earliest `earlier`, unread records were not fetched despite room; or now."""
        now, has_room = time.monotonic(), not self._busy.locked() and self._queue.empty()
        waits = has_room and not self.consumer.broker_error and self.consumer.has_unread()
        return max(earlier, self._processor.progressed_at) if waits else now

    def lag(self) -> int:
        """Return the number of records on the broker that are not applied yet."""
        return sum(self.consumer.lag(tp, offset) for tp, offset in self._applied.items())
