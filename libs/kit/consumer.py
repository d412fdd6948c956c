"""A Kafka consumer whose place is the cursor in Postgres, and nothing the broker remembers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from libs.kit.cursors import Cursor, Place
from libs.kit.failures import TRANSIENT
from libs.kit.log_proof import Bounds, check_bounds, check_jump, check_number, check_record, first_fetch

LOG = logging.getLogger(__name__)

#: aiokafka has one fetch under way per broker, without the partitions whose records are being
#: handled: those wait until it returns. So fetches are short while records come, and rarer when idle.
BUSY_FETCH_MS = 50
IDLE_FETCH_MS = 500
IDLE_AFTER_SECONDS = 2.0

#: Returns the cursors of these places, making those that do not exist at the given log starts.
LoadCursors = Callable[[dict[Place, int]], Awaitable[dict[Place, Cursor]]]
Found = dict[TopicPartition, list[ConsumerRecord]]


class Read(NamedTuple):
    """How the last records were read, so that nobody can take them for others."""

    #: Changes whenever partitions are taken away: what was read before is dropped.
    generation: int
    #: Where the records of each partition go on from; nothing between here and them was ever there.
    starts: dict[Place, int]


class CursorConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka is untyped
    """Seeks every newly assigned partition to its cursor before the first record of it is given out.

    The seek happens in `getmany`, in the reading task itself: records fetched from another place
    can then never be mistaken for a legal hole in the offsets. Whatever proves a loss is given to
    `fail` and ends the reading: raised, FastStream would call again and go on behind the loss.
    """

    def __init__(
        self,
        *args: Any,
        load_cursors: LoadCursors,
        fail: Callable[[BaseException], None],
        poll_wait_ms: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._load_cursors = load_cursors
        self._fail = fail
        self._poll_wait_ms = poll_wait_ms
        self._unplaced: set[TopicPartition] = set()
        self._unproven: dict[TopicPartition, Cursor] = {}
        #: The offset after the last record given out of each placed partition.
        self._reached: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        #: Why the broker did not answer when it was last asked.
        self.broker_away: str | None = None
        self._joined = False
        self.polled_at = self._found_at = asyncio.get_running_loop().time()
        self.generation = 0
        self.last_read = Read(0, {})

    def take(self, assigned: set[TopicPartition]) -> None:
        """Note partitions that were just assigned; they are placed before the next read."""
        self._unplaced = set(assigned)
        self._unproven, self._reached = {}, {}
        self._joined = True

    @property
    def placed(self) -> bool:
        """Tell whether we are in the group and every partition we were given starts at its cursor."""
        return self._joined and not self._unplaced

    def give_up(self) -> None:
        """Note that partitions are being taken away."""
        self.generation += 1
        self.take(set())
        self._joined = False

    async def look_ahead(self, seconds: float) -> None:
        """Ask the broker where the logs end; that tells whether it answers, whatever the fetcher believes."""
        try:
            async with asyncio.timeout(seconds):
                self._ends |= await self.end_offsets(sorted(self._reached))
                self.broker_away = None
        except (KafkaError, TimeoutError) as away:
            self.broker_away = repr(away)

    def has_unread(self) -> bool:
        """Tell whether the logs go on behind what was read."""
        return any(self._ends.get(tp, 0) > self._position(tp, reached) for tp, reached in self._reached.items())

    def lag(self, tp: TopicPartition, applied: int) -> int:
        """Return how many offsets the log has after what was applied; markers nobody can read do not count."""
        if tp not in self._reached or tp not in self.assignment():
            return 0
        done = max(applied, self._position(tp, applied)) if self._reached[tp] <= applied else applied
        return max(0, max(self.highwater(tp) or 0, self._ends[tp]) - done)

    def _position(self, tp: TopicPartition, otherwise: int) -> int:
        if tp not in self.assignment():
            return otherwise
        state = self._subscription.subscription.assignment.state_value(tp)  # no public way that never waits
        return state.position if state.has_valid_position else otherwise

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Found:
        """Return the next records, waiting longer than FastStream asks: it sleeps after every empty poll."""
        try:
            return await self._getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except (KafkaError, ConsumerStoppedError):
            raise
        except Exception as lost:  # handed to whoever stops the process
            self._fail(lost)
            await asyncio.Event().wait()
            raise

    async def _getmany(self, *partitions: TopicPartition, timeout_ms: int, max_records: int | None) -> Found:
        self.polled_at = asyncio.get_running_loop().time()
        if self._unplaced:
            await self._place()
        generation = self.generation
        found = await super().getmany(
            *partitions, timeout_ms=max(timeout_ms, self._poll_wait_ms), max_records=max_records
        )
        self._pace(bool(found))
        if self._unplaced:
            return {}  # read from a place that is not ours yet; it is read again after the seek
        try:
            await self._follow(found)
        except KafkaError:
            self._unplaced = set(self.assignment())  # what was read is not given out: seek back to it
            raise
        if self.generation != generation:
            return {}  # what is still ours is read again after the seek
        starts = {(tp.topic, tp.partition): self._reached[tp] for tp in found if tp in self._reached}
        found = {tp: records for tp, records in found.items() if tp in self._reached}
        self._reached |= {tp: records[-1].offset + 1 for tp, records in found.items()}
        self.last_read = Read(generation, starts)
        return self._prove(found) if self._unproven else found

    async def _follow(self, found: Found) -> None:
        """Raise Lost where records do not go on from the last ones: aiokafka starts again at the log's start."""
        for tp, records in found.items():
            reached, offset = self._reached.get(tp), records[0].offset
            if reached is not None and offset != reached:
                starts = await self.beginning_offsets([tp])
                check_jump((tp.topic, tp.partition), reached, offset, starts[tp])

    def _pace(self, found: bool) -> None:
        now = asyncio.get_running_loop().time()
        if found:
            self._found_at = now
        busy = now - self._found_at < IDLE_AFTER_SECONDS
        self._fetcher._fetch_max_wait_ms = BUSY_FETCH_MS if busy else IDLE_FETCH_MS  # noqa: SLF001  # no public way

    async def _place(self) -> None:
        unplaced, generation = sorted(self._unplaced & self.assignment()), self.generation
        try:
            starts = await self.beginning_offsets(unplaced)
            ends = await self.end_offsets(unplaced)
            cursors = await self._load_cursors({(tp.topic, tp.partition): starts[tp] for tp in unplaced})
        except TRANSIENT as passing:
            LOG.warning("cursors not read yet", extra={"reason": repr(passing)})
            await asyncio.sleep(1)
            return
        if self.generation != generation:
            return  # a rebalance came in between; the next call places what is ours then
        for tp in unplaced:
            place, bounds = (tp.topic, tp.partition), Bounds(starts[tp], ends[tp])
            check_number(place)
            check_bounds(place, cursors[place], bounds)
            first = self._reached[tp] = first_fetch(cursors[place], bounds)
            self.seek(tp, first)
            if first < cursors[place].next_offset:
                self._unproven[tp] = cursors[place]
        self._ends |= ends
        self._unplaced.clear()

    def _prove(self, found: Found) -> Found:
        proven = {}
        for tp, records in found.items():
            cursor = self._unproven.pop(tp, None)
            if cursor is not None:
                check_record((tp.topic, tp.partition), cursor, records[0])
                records = records[1:]  # noqa: PLW2901  # the proof was applied before
            if records:
                proven[tp] = records
        return proven
