"""The consumer loop: reads batches of records and decodes the next one while Postgres writes the current one."""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from libs.kit import checkpoints
from libs.kit.batch import BatchProcessor, Prepared
from libs.kit.checkpoint_consumer import BUSY_FETCH_MS, CheckpointConsumer, LoadCheckpoints, ReadPosition
from libs.kit.checkpoints import Checkpoint, Decoded, Place
from libs.kit.records import Decode, decoder_for
from replenish_contracts.topics import PROVIDER_ID

if TYPE_CHECKING:
    from libs.kit.kit import Kit


LOG = logging.getLogger(__name__)


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Registers assignments with the consumer; a revocation waits for the running batch."""

    def __init__(
        self, consumer: Callable[[], CheckpointConsumer | None], drained: Callable[[], Awaitable[None]]
    ) -> None:
        self._consumer = consumer
        self._drained = drained

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        consumer = self._consumer()
        if consumer is not None:
            consumer.give_up()
        if revoked:
            await self._drained()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        consumer = self._consumer()
        if consumer is not None:
            consumer.take(assigned)
        LOG.info("partitions assigned", extra={"partitions": len(assigned)})


NEW_TOPIC_MS = 2_000  # how soon new provider topics and changed partition counts are noticed
EVENTS_PER_BATCH = 200  # single-event handlers get small transactions, which hold locks briefly
OnRecords = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]


class Subscription:
    """Passes raw batches of a CheckpointConsumer to `on_records`, one at a time."""

    def __init__(self, kit: "Kit", on_records: OnRecords, listener: ConsumerRebalanceListener) -> None:
        self._kit, settings = kit, kit.settings
        self._broker = KafkaBroker(
            settings.kafka_url, consumer_only=True, client_id=kit.replica, logger=None, graceful_timeout=15
        )
        pattern = _pattern(kit.service.topics)
        self._subscriber: Any = self._broker.subscriber(
            *(() if pattern else kit.service.topics),
            pattern=pattern,
            batch=True,
            group_id=kit.service.name.replace("_", "-"),
            group_instance_id=kit.replica,
            ack_policy=AckPolicy.MANUAL,
            isolation_level="read_committed",  # skips aborted transactions of external producers
            auto_offset_reset="earliest",  # until the seek to the checkpoint; the consumer detects later resets
            max_records=settings.batch_records if kit.service.consumes_in_batches else EVENTS_PER_BATCH,
            batch_timeout_ms=settings.batch_timeout_ms,
            fetch_max_wait_ms=BUSY_FETCH_MS,
            session_timeout_ms=settings.session_timeout_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            max_poll_interval_ms=settings.max_poll_interval_ms,
            listener=listener,
            parser=_unparsed,
            decoder=_undecoded,
            no_reply=True,
        )
        self._subscriber(on_records)

    @property
    def consumer(self) -> CheckpointConsumer | None:
        consumer: CheckpointConsumer | None = self._subscriber.consumer
        return consumer

    async def start(self, load_checkpoints: LoadCheckpoints) -> None:
        """Join the group; raises aiokafka's errors while the broker is unavailable, and can then be called again."""
        await self._broker.connect()
        config = self._broker.config.broker_config
        options: dict[str, Any] = config.builder.keywords  # type: ignore[attr-defined]  # a partial since connect()
        consumer_options = {
            "metadata_max_age_ms": NEW_TOPIC_MS,
            "load_checkpoints": load_checkpoints,
            "fail": self._kit.fail,
            "poll_wait_ms": self._kit.settings.poll_wait_ms,
        }
        config.builder = partial(CheckpointConsumer, **options | consumer_options)
        await self._broker.start()

    async def stop(self) -> None:
        await self._broker.stop()


def _pattern(topics: Sequence[str]) -> str | None:
    """Return one regular expression for all topics, or None if no topic has a wildcard."""
    if not any("*" in topic for topic in topics):
        return None
    return "^(" + "|".join(re.escape(topic).replace(r"\*", PROVIDER_ID.pattern) for topic in topics) + ")$"


async def _unparsed(records: Sequence[ConsumerRecord]) -> KafkaMessage:
    return KafkaMessage(body=b"", headers={}, raw_message=tuple(records), consumer=FAKE_CONSUMER)


async def _undecoded(message: KafkaMessage) -> Any:
    return message.raw_message


WATCH_SECONDS = 3.0  # readiness notices an unavailable broker within this time
LOOPS_UNTIL_SENT = 2  # uvloop writes to sockets at the end of a loop iteration
#: Extra latency of services that gather records, which saves transactions.
GATHER_SECONDS = 0.05
MANY = 100  # records; a batch this large is not delayed
DRAIN_SECONDS = 20.0  # after this time a batch is left to the next owner of its partitions


class ConsumerLoop:
    """Passes decoded batches to the batch processor, one at a time."""

    def __init__(self, kit: "Kit", processor: BatchProcessor) -> None:
        self._kit, self._processor = kit, processor
        self._decoders: dict[str, Decode] = {}
        self._queue: asyncio.Queue[tuple[ReadPosition, list[Decoded], Prepared]] = asyncio.Queue(maxsize=1)
        self._busy = asyncio.Lock()
        #: Off with a stepped clock, because a test or demo waits for every service after each step.
        self._gathers = kit.service.lingers and not kit.clock.stepped
        self._applied: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._not_held_back = asyncio.Event()
        self._not_held_back.set()
        self.held_back: str | None = None
        listener = Rebalances(lambda: self.consumer, self._drained)
        self._subscription = Subscription(kit, self._on_records, listener)

    @property
    def consumer(self) -> CheckpointConsumer | None:
        return self._subscription.consumer

    async def start(self) -> None:
        await self._subscription.start(self._load_checkpoints)

    async def stop(self) -> None:
        await self._drained()
        await self._subscription.stop()

    async def _on_records(self, records: Sequence[ConsumerRecord]) -> None:
        consumer = self.consumer
        if consumer is None:
            return
        read = consumer.last_read
        try:
            decoded: list[Decoded] = []
            for topic, run in groupby(records, key=_topic):
                decoded.extend(map(self._decoder(topic), run))
            prepared = self._processor.prepare(decoded)
        except Exception as error:  # FastStream would swallow it and drop the records
            self._kit.fail(error)
            raise
        await self._queue.put((read, decoded, prepared))
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
            read, records, prepared = await self._queue.get()
            self._queue.task_done()
            await self._not_held_back.wait()
            async with self._busy:
                still_assigned = partial(self._is_current, read.generation)
                if still_assigned():
                    self._processor.waiting_for_postgres.clear()
                    try:
                        await self._processor.apply(records, read.starts, still_assigned, prepared)
                    finally:
                        self._processor.waiting_for_postgres.set()
                if still_assigned():
                    self._record_applied(records)
            if self._gathers and len(records) < MANY:
                await asyncio.sleep(GATHER_SECONDS)

    def _is_current(self, generation: int) -> bool:
        return self.consumer is not None and self.consumer.generation == generation

    async def _drained(self) -> None:
        """Wait up to DRAIN_SECONDS until the current batch is committed."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS), self._busy:
                return
        except TimeoutError:
            LOG.warning("partitions revoked during a batch; the next owner resumes from the checkpoint")

    def _record_applied(self, records: Sequence[Decoded]) -> None:
        for (topic, partition), run in groupby(records, key=_place):
            *_, newest = run
            self._applied[TopicPartition(topic, partition)] = newest.offset + 1

    async def watch_broker(self) -> None:
        """Every WATCH_SECONDS, refresh the end offsets and commit ours to the broker."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if consumer := self.consumer:
                await consumer.look_ahead(WATCH_SECONDS)
                await self._commit_offsets(consumer)

    async def _commit_offsets(self, consumer: CheckpointConsumer) -> None:
        """Commit offsets, for tools that show lag; the consumer itself ignores them."""
        assigned = consumer.assignment()
        changed = {
            tp: offset for tp, offset in self._applied.items() if tp in assigned and self._committed.get(tp) != offset
        }
        try:
            if changed and consumer.placed:
                await consumer.commit(changed)
                self._committed |= changed
        except KafkaError as error:
            LOG.debug("offsets not committed", extra={"reason": repr(error)})

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

    def is_placed(self) -> bool:
        return self.consumer is not None and self.consumer.placed

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
        if self.consumer is None or self._busy.locked() or not self._queue.empty():
            return 0.0
        return asyncio.get_running_loop().time() - self.consumer.polled_at

    def unfetched_since(self, earlier: float) -> float:
        """Return since when, at the earliest `earlier`, unread records were not fetched despite room; or now."""
        consumer, now = self.consumer, time.monotonic()
        room = not self._busy.locked() and self._queue.empty()
        waits = consumer is not None and room and not consumer.broker_error and consumer.has_unread()
        return max(earlier, self._processor.progressed_at) if waits else now

    def lag(self) -> int:
        """Return the number of records on the broker that are not applied yet."""
        consumer = self.consumer
        return sum(consumer.lag(tp, offset) for tp, offset in self._applied.items()) if consumer else 0


_topic = attrgetter("topic")
_place = attrgetter("topic", "partition")
