"""Raw batches of a service's topics, decoded ahead while Postgres writes the ones before."""

import asyncio
import logging
import time
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from libs.kit import cursors
from libs.kit.advance import Decoded
from libs.kit.consumer import CursorConsumer, Read
from libs.kit.cursors import Cursor, Place
from libs.kit.handling import Ahead
from libs.kit.intake import Intake
from libs.kit.rebalances import Rebalances
from libs.kit.records import Decode, decoder_for
from libs.kit.subscription import Subscription

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
TOUCH_SECONDS = 3.0  # how long readiness may not know that the broker is away
LOOPS_UNTIL_SENT = 2  # uvloop writes to sockets at the end of a turn
#: How late who gathers records may be: a transaction for each would cost more than that matters.
GATHER_SECONDS = 0.05
MANY = 100  # records: so large a batch is worth its transaction at once
DRAIN_SECONDS = 20.0  # a batch that waits for Postgres longer than this is left to the next owner


class Reader:
    """Reads a service's topics and hands its batches, one at a time, to the intake."""

    def __init__(self, kit: "Kit", intake: Intake) -> None:
        self._kit, self._intake = kit, intake
        self._decoders: dict[str, Decode] = {}
        self._queue: asyncio.Queue[tuple[Read, list[Decoded], Ahead]] = asyncio.Queue(maxsize=1)
        self._busy = asyncio.Lock()
        #: Not where the clock is stepped: whoever steps it waits for everybody.
        self._gathers = kit.service.gathers and not kit.clock.stepped
        self._applied: dict[TopicPartition, int] = {}
        self._told: dict[TopicPartition, int] = {}
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self.held_back: str | None = None
        listener = Rebalances(lambda: self.consumer, self._drained)
        self._subscription = Subscription(kit, self._on_records, listener)

    @property
    def consumer(self) -> CursorConsumer | None:
        return self._subscription.consumer

    async def start(self) -> None:
        await self._subscription.start(self._load_cursors)

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
            ahead = self._intake.prepare(decoded)
        except Exception as bug:  # FastStream would swallow it, and the records with it
            self._kit.fail(bug)
            raise
        await self._queue.put((read, decoded, ahead))
        await self._until_postgres_works()

    async def _until_postgres_works(self) -> None:
        """Leave the process to a batch that is being begun: reading on now would keep Postgres waiting.

        Reading a batch takes as long as its statement; done while Postgres works it costs nothing.
        """
        await self._queue.join()
        await self._intake.others_may_work.wait()
        for _ in range(LOOPS_UNTIL_SENT):
            await asyncio.sleep(0)

    def _decoder(self, topic: str) -> Decode:
        if topic not in self._decoders:
            self._decoders[topic] = decoder_for(topic)
        return self._decoders[topic]

    async def run(self) -> None:
        """Apply batches until cancelled; raises Lost, which must stop the process."""
        while True:
            read, records, ahead = await self._queue.get()
            self._queue.task_done()
            await self._may_go_on.wait()
            async with self._busy:
                still_ours = partial(self._is_current, read.generation)
                if still_ours():
                    self._intake.others_may_work.clear()
                    try:
                        await self._intake.apply(records, read.starts, still_ours, ahead)
                    finally:
                        self._intake.others_may_work.set()
                if still_ours():
                    self._note(records)
            if self._gathers and len(records) < MANY:
                await asyncio.sleep(GATHER_SECONDS)

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
        for (topic, partition), run in groupby(records, key=_place):
            *_, newest = run
            self._applied[TopicPartition(topic, partition)] = newest.offset + 1

    async def keep_in_touch(self) -> None:
        """Ask the broker now and then how far the logs are, and tell it how far we are."""
        while True:
            await asyncio.sleep(TOUCH_SECONDS)
            if consumer := self.consumer:
                await consumer.look_ahead(TOUCH_SECONDS)
                await self._hint(consumer)

    async def _hint(self, consumer: CursorConsumer) -> None:
        """Commit offsets; only tools that show lag use them."""
        mine = consumer.assignment()
        news = {tp: offset for tp, offset in self._applied.items() if tp in mine and self._told.get(tp) != offset}
        try:
            if news and consumer.placed:
                await consumer.commit(news)
                self._told |= news
        except KafkaError as unimportant:
            LOG.debug("hint not taken", extra={"reason": repr(unimportant)})

    async def _load_cursors(self, starts: dict[Place, int]) -> dict[Place, Cursor]:
        async with self._kit.pool.acquire() as connection:
            found = await cursors.find_cursors(connection, starts)
            if new := {place: start for place, start in starts.items() if place not in found}:
                # only these: Postgres would wait for a row that an earlier owner's transaction still holds
                await cursors.create_cursors(connection, new)
                found = await cursors.find_cursors(connection, starts)
        self._intake.remembered = found
        self._applied = {TopicPartition(*place): cursor.next_offset for place, cursor in found.items()}
        return found

    def is_placed(self) -> bool:
        return self.consumer is not None and self.consumer.placed

    def hold_back(self, why: str | None) -> None:
        """Apply no further batch while there is a reason not to; what waits can still be repaired."""
        self.held_back = why
        if why:
            self._may_go_on.clear()
        else:
            self._may_go_on.set()

    def working_seconds(self) -> float:
        """Return for how long the batch under way has made no progress."""
        return time.monotonic() - self._intake.moved_at if self._busy.locked() else 0.0

    def unpolled_seconds(self) -> float:
        """Return for how long nobody asked the consumer for records although there was room for them."""
        if self.consumer is None or self._busy.locked() or not self._queue.empty():
            return 0.0
        return asyncio.get_running_loop().time() - self.consumer.polled_at

    def unfetched_since(self, earlier: float) -> float:
        """Return since when, or since `earlier`, the logs go on and there is room and nothing comes; or now."""
        consumer, now = self.consumer, time.monotonic()
        room = not self._busy.locked() and self._queue.empty()
        waits = consumer is not None and room and not consumer.broker_away and consumer.has_unread()
        return max(earlier, self._intake.moved_at) if waits else now

    def lag(self) -> int:
        """Return how many records the broker has that are not applied here."""
        consumer = self.consumer
        return sum(consumer.lag(tp, offset) for tp, offset in self._applied.items()) if consumer else 0


_topic = attrgetter("topic")
_place = attrgetter("topic", "partition")
