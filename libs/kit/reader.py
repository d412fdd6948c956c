"""The one FastStream subscriber of a service: raw batches, decoded ahead while Postgres writes."""

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from libs.kit import cursors
from libs.kit.advance import Decoded
from libs.kit.consumer import BUSY_FETCH_MS, CursorConsumer, Read, Rebalances
from libs.kit.cursors import Cursor, Place
from libs.kit.intake import Intake
from libs.kit.records import Decode, decoder_for

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
HINT_SECONDS = 5.0
NEW_TOPIC_MS = 2_000  # how soon a new provider's topic is noticed
DRAIN_SECONDS = 20.0  # a batch that waits for Postgres longer than this is left to the next owner
EVENTS_PER_BATCH = 200  # handlers of single events make small transactions, so that locks are short


class Reader:
    """Reads a service's topics and hands its batches, one at a time, to the intake."""

    def __init__(self, kit: "Kit", intake: Intake) -> None:
        self._kit, self._intake, self._settings = kit, intake, kit.settings
        self._decoders: dict[str, Decode] = {}
        self._queue: asyncio.Queue[tuple[Read, list[Decoded]]] = asyncio.Queue(maxsize=1)
        self._busy = asyncio.Lock()
        self._applied: dict[TopicPartition, int] = {}
        self._broker = KafkaBroker(
            self._settings.kafka_url, consumer_only=True, client_id=kit.replica, logger=None, graceful_timeout=15
        )
        self._subscriber = self._subscribe()

    def _subscribe(self) -> Any:
        settings, topics = self._settings, self._kit.service.topics
        batched = bool(self._kit.service.hears_in_batches)
        patterns = any("*" in topic for topic in topics)
        regex = "^(" + "|".join(re.escape(topic).replace(r"\*", "[A-Za-z0-9_-]+") for topic in topics) + ")$"
        subscriber = self._broker.subscriber(
            *(() if patterns else topics),
            pattern=regex if patterns else None,
            batch=True,
            group_id=self._kit.service.name.replace("_", "-"),
            group_instance_id=self._kit.replica,
            ack_policy=AckPolicy.MANUAL,
            isolation_level="read_committed",  # what an outside writer took back was never said
            auto_offset_reset="earliest",  # only until the cursor's seek, and for a partition that has none
            max_records=settings.batch_records if batched else EVENTS_PER_BATCH,
            batch_timeout_ms=settings.batch_timeout_ms,
            fetch_max_wait_ms=BUSY_FETCH_MS,
            session_timeout_ms=settings.session_timeout_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            max_poll_interval_ms=settings.max_poll_interval_ms,
            listener=Rebalances(lambda: self.consumer, self._drained),
            parser=_unparsed,
            decoder=_undecoded,
            no_reply=True,
        )
        subscriber(self._on_records)
        return subscriber

    @property
    def consumer(self) -> CursorConsumer | None:
        found: CursorConsumer | None = self._subscriber.consumer
        return found

    async def start(self) -> None:
        await self._broker.connect()
        config = self._broker.config.broker_config
        options: dict[str, Any] = config.builder.keywords  # type: ignore[attr-defined]  # a partial since connect()
        config.builder = partial(CursorConsumer, **options | self._placing())
        await self._broker.start()

    def _placing(self) -> dict[str, Any]:
        return {
            "metadata_max_age_ms": NEW_TOPIC_MS,
            "load_cursors": self._load_cursors,
            "fail": self._kit.fail,
            "poll_wait_ms": self._settings.poll_wait_ms,
        }

    async def stop(self) -> None:
        await self._drained()
        await self._broker.stop()

    async def _on_records(self, records: Sequence[ConsumerRecord]) -> None:
        consumer = self.consumer
        if consumer is None:
            return
        read = consumer.last_read
        try:
            decoded: list[Decoded] = []
            for topic, run in groupby(records, key=_topic):
                decoded.extend(map(self._decoder(topic), run))
        except Exception as bug:  # FastStream would swallow it, and the records with it
            self._kit.fail(bug)
            raise
        await self._queue.put((read, decoded))

    def _decoder(self, topic: str) -> Decode:
        if topic not in self._decoders:
            self._decoders[topic] = decoder_for(topic)
        return self._decoders[topic]

    async def run(self) -> None:
        """Apply batches until cancelled; raises Lost, which must stop the process."""
        while True:
            read, records = await self._queue.get()
            async with self._busy:
                still_ours = partial(self._is_current, read.generation)
                if still_ours():
                    await self._intake.apply(records, read.starts, still_ours)
                if still_ours():
                    self._note(records)

    def _is_current(self, generation: int) -> bool:
        return self.consumer is not None and self.consumer.generation == generation

    async def _drained(self) -> None:
        """Wait until the batch being applied is committed, but not for ever."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS), self._busy:
                return
        except TimeoutError:
            LOG.warning("gave partitions up with a batch under way; the cursor keeps that harmless")

    def _note(self, records: Sequence[Decoded]) -> None:
        newest = {(record.topic, record.partition): record.offset for record in records}
        for (topic, partition), offset in newest.items():
            self._applied[TopicPartition(topic, partition)] = offset + 1

    async def hint(self) -> None:
        """Tell the broker now and then how far we are; only tools that show lag use it."""
        told: dict[TopicPartition, int] = {}
        while True:
            await asyncio.sleep(HINT_SECONDS)
            consumer = self.consumer
            mine = consumer.assignment() if consumer else set()
            news = {tp: offset for tp, offset in self._applied.items() if tp in mine and told.get(tp) != offset}
            if consumer and news:
                try:
                    await consumer.commit(news)
                    told |= news
                except KafkaError as unimportant:
                    LOG.debug("hint not taken", extra={"reason": repr(unimportant)})

    async def _load_cursors(self, starts: dict[Place, int]) -> dict[Place, Cursor]:
        async with self._kit.pool.acquire() as connection:
            found = await cursors.find_cursors(connection, starts)
            if new := {place: start for place, start in starts.items() if place not in found}:
                # only these: Postgres would wait for a row that an earlier owner's transaction still holds
                await cursors.create_cursors(connection, new)
                found = await cursors.find_cursors(connection, starts)
        self._applied = {TopicPartition(*place): cursor.next_offset for place, cursor in found.items()}
        return found

    def is_placed(self) -> bool:
        return self.consumer is not None and self.consumer.placed

    def stalled_seconds(self) -> float:
        """Return for how long there was work and none was done."""
        waiting = not self._queue.empty() or self._busy.locked()
        return time.monotonic() - self._intake.applied_at if waiting else 0.0

    def lag(self) -> int:
        """Return how many records the broker has that are not applied here."""
        consumer = self.consumer
        return sum(consumer.lag(tp, offset) for tp, offset in self._applied.items()) if consumer else 0


_topic = attrgetter("topic")


async def _unparsed(records: Sequence[ConsumerRecord]) -> KafkaMessage:
    return KafkaMessage(body=b"", headers={}, raw_message=tuple(records), consumer=FAKE_CONSUMER)


async def _undecoded(message: KafkaMessage) -> Any:
    return message.raw_message
