"""A Kafka consumer whose place is the cursor in Postgres, and nothing the broker remembers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition

from libs.kit.cursors import Cursor, Place
from libs.kit.failures import TRANSIENT
from libs.kit.log_proof import Bounds, check_bounds, check_record, first_fetch

LOG = logging.getLogger(__name__)

#: aiokafka has one fetch under way per broker, without the partitions whose records are being
#: handled: those wait until it returns. So fetches are short while records come, and rarer when idle.
BUSY_FETCH_MS = 50
IDLE_FETCH_MS = 250
IDLE_AFTER_SECONDS = 2.0

#: Returns the cursors of these places, making those that do not exist at the given log starts.
LoadCursors = Callable[[dict[Place, int]], Awaitable[dict[Place, Cursor]]]


class CursorConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka is untyped
    """Seeks every newly assigned partition to its cursor before the first record of it is given out.

    The seek happens in `getmany`, in the reading task itself: records fetched from another place
    can then never be mistaken for a legal hole in the offsets.
    """

    def __init__(self, *args: Any, load_cursors: LoadCursors, poll_wait_ms: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_cursors = load_cursors
        self._poll_wait_ms = poll_wait_ms
        self._unplaced: set[TopicPartition] = set()
        self._unproven: dict[TopicPartition, Cursor] = {}
        self._joined = False
        self.polled_at = self._found_at = asyncio.get_running_loop().time()
        #: Changes whenever partitions are taken away: batches of an earlier one are dropped.
        self.generation = 0

    def take(self, assigned: set[TopicPartition]) -> None:
        """Note partitions that were just assigned; they are placed before the next read."""
        self._unplaced = set(assigned)
        self._unproven = {}
        self._joined = True

    @property
    def placed(self) -> bool:
        """Tell whether we are in the group and every partition we were given starts at its cursor."""
        return self._joined and not self._unplaced

    def give_up(self) -> None:
        """Note that partitions are being taken away."""
        self.generation += 1
        self._unplaced = set()
        self._unproven = {}

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Return the next records, waiting longer than FastStream asks: it sleeps after every empty poll."""
        self.polled_at = asyncio.get_running_loop().time()
        if self._unplaced:
            await self._place()
        generation = self.generation
        found = await super().getmany(
            *partitions, timeout_ms=max(timeout_ms, self._poll_wait_ms), max_records=max_records
        )
        self._pace(bool(found))
        if self.generation != generation or self._unplaced:
            return {}  # read from a place that is no longer ours; it is read again after the seek
        return self._prove(found) if self._unproven else found

    def _pace(self, found: bool) -> None:
        now = asyncio.get_running_loop().time()
        if found:
            self._found_at = now
        busy = now - self._found_at < IDLE_AFTER_SECONDS
        self._fetcher._fetch_max_wait_ms = BUSY_FETCH_MS if busy else IDLE_FETCH_MS  # noqa: SLF001  # no public way

    async def _place(self) -> None:
        unplaced = sorted(self._unplaced & self.assignment())
        try:
            starts = await self.beginning_offsets(unplaced)
            ends = await self.end_offsets(unplaced)
            cursors = await self._load_cursors({(tp.topic, tp.partition): starts[tp] for tp in unplaced})
        except TRANSIENT as passing:
            LOG.warning("cursors not read yet", extra={"reason": repr(passing)})
            await asyncio.sleep(1)
            return
        for tp in unplaced:
            place, bounds = (tp.topic, tp.partition), Bounds(starts[tp], ends[tp])
            check_bounds(place, cursors[place], bounds)
            first = first_fetch(cursors[place], bounds)
            if tp not in self._unplaced:
                return  # a rebalance came in between; the next call places what is ours then
            self.seek(tp, first)
            if first < cursors[place].next_offset:
                self._unproven[tp] = cursors[place]
        self._unplaced.clear()

    def _prove(self, found: dict[TopicPartition, list[ConsumerRecord]]) -> dict[TopicPartition, list[ConsumerRecord]]:
        proven = {}
        for tp, records in found.items():
            cursor = self._unproven.pop(tp, None)
            if cursor is not None:
                check_record((tp.topic, tp.partition), cursor, records[0])
                records = records[1:]  # noqa: PLW2901  # the proof was applied before
            if records:
                proven[tp] = records
        return proven


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Tells the reader what is assigned and waits for the running batch before giving it up."""

    def __init__(self, consumer: Callable[[], CursorConsumer | None], drained: Callable[[], Awaitable[None]]) -> None:
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
        LOG.info("assigned", extra={"partitions": len(assigned)})
