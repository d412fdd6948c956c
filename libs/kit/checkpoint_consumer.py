"""A Kafka consumer that starts from checkpoints in Postgres and detects a log that lost records."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from libs.kit.checkpoints import Checkpoint, Place
from libs.kit.errors import TRANSIENT, RecordLossError
from replenish_contracts.topics import find_topic


class Bounds(NamedTuple):
    """A partition's first retained offset, and the offset of its next record."""

    start: int
    end: int


class _Id(msgspec.Struct):
    id: str | None = None


_READ_ID = msgspec.json.Decoder(_Id)


def check_bounds(place: Place, checkpoint: Checkpoint, bounds: Bounds) -> None:
    """Raise RecordLossError if unapplied records were deleted or the log ends before the checkpoint."""
    name = f"{place[0]}/{place[1]}"
    if bounds.start > checkpoint.next_offset:
        raise RecordLossError(
            f"{name}: records {checkpoint.next_offset} to {bounds.start - 1} were deleted before they were applied"
        )
    if bounds.end < checkpoint.next_offset:
        raise RecordLossError(
            f"{name}: ends at {bounds.end}, but {checkpoint.next_offset} was reached:"
            " the log was truncated or recreated"
        )


def check_number(place: Place) -> None:
    """Raise RecordLossError if a topic has more partitions than the catalogue: one key would be in two of them."""
    topic, partition = place
    if partition >= (agreed := find_topic(topic).partitions):
        raise RecordLossError(f"topic {topic} has partition {partition}, but should have {agreed} partitions")


def check_jump(place: Place, reached: int, offset: int, start: int) -> None:
    """Raise RecordLossError if the next record does not follow the last one and the gap is not a legal one."""
    name = f"{place[0]}/{place[1]}"
    if offset < reached:
        raise RecordLossError(f"{name}: went back from {reached} to {offset}: the log was truncated or recreated")
    if start > reached:
        raise RecordLossError(f"{name}: records {reached} to {start - 1} were deleted before they were read")


def first_fetch(checkpoint: Checkpoint, bounds: Bounds) -> int:
    """Return the offset to start from: the last applied record, if it is retained, for `check_record` to verify."""
    last = checkpoint.last_offset
    return last if checkpoint.last_id and last is not None and last >= bounds.start else checkpoint.next_offset


def check_record(place: Place, checkpoint: Checkpoint, first: ConsumerRecord) -> None:
    """Raise RecordLossError unless the record at `last_offset` has the id that was applied last."""
    name = f"{place[0]}/{place[1]}"
    if first.offset != checkpoint.last_offset:
        raise RecordLossError(f"{name}: the record at {checkpoint.last_offset} is gone, the next is {first.offset}")
    try:
        found = _READ_ID.decode(first.value or b"").id
    except (msgspec.MsgspecError, ValueError, RecursionError):
        found = None
    if found != checkpoint.last_id:
        raise RecordLossError(
            f"{name}: the record at {first.offset} is {found}, not {checkpoint.last_id}: the log was recreated"
        )


LOG = logging.getLogger(__name__)
#: aiokafka runs one fetch per broker at a time, and leaves out partitions whose records are being handled:
#: those wait until the fetch returns. So fetches are short while records arrive, and longer when idle.
BUSY_FETCH_MS = 50
IDLE_FETCH_MS = 500
IDLE_AFTER_SECONDS = 2.0
#: Returns the checkpoints of these partitions, creating missing ones at the given log starts.
LoadCheckpoints = Callable[[dict[Place, int]], Awaitable[dict[Place, Checkpoint]]]
Found = dict[TopicPartition, list[ConsumerRecord]]


class ReadPosition(NamedTuple):
    """Generation and start offsets that belong to the records of the last `getmany`."""

    #: Increases whenever partitions are revoked; records of an older generation are dropped.
    generation: int
    #: The offset from which each partition was read without a gap.
    starts: dict[Place, int]


class CheckpointConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka is untyped
    """Seeks every newly assigned partition to its checkpoint before its first record is returned.

    The seek happens in `getmany`, in the reading task itself, so that records fetched from another offset cannot be
    mistaken for a legal gap. A unapplied loss is passed to `fail` and blocks reading: if it were raised, FastStream
    would call again and continue after the gap.
    """

    def __init__(
        self,
        *args: Any,
        load_checkpoints: LoadCheckpoints,
        fail: Callable[[BaseException], None],
        poll_wait_ms: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._load_checkpoints = load_checkpoints
        self._fail = fail
        self._poll_wait_ms = poll_wait_ms
        self._unplaced: set[TopicPartition] = set()
        self._unproven: dict[TopicPartition, Checkpoint] = {}
        #: The offset after the last returned record of each placed partition.
        self._reached: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        #: Why the last request to the broker failed, or None.
        self.broker_error: str | None = None
        self._joined = False
        self.polled_at = self._found_at = asyncio.get_running_loop().time()
        self.generation = 0
        self.last_read = ReadPosition(0, {})

    def take(self, assigned: set[TopicPartition]) -> None:
        """Register newly assigned partitions; they are placed before the next read."""
        self._unplaced = set(assigned)
        self._unproven, self._reached = {}, {}
        self._joined = True

    @property
    def placed(self) -> bool:
        """Return whether the consumer is in the group and every assigned partition was sought to its checkpoint."""
        return self._joined and not self._unplaced

    def give_up(self) -> None:
        """Start a new generation without partitions; call it on every revocation."""
        self.generation += 1
        self.take(set())
        self._joined = False

    async def look_ahead(self, seconds: float) -> None:
        """Update the end offsets and, independently of the fetcher's state, `broker_error`."""
        try:
            async with asyncio.timeout(seconds):
                self._ends |= await self.end_offsets(sorted(self._reached))
                self.broker_error = None
        except (KafkaError, TimeoutError) as error:
            self.broker_error = repr(error)

    def has_unread(self) -> bool:
        """Return whether the last known end offsets are after the read positions."""
        return any(self._ends.get(tp, 0) > self._position(tp, reached) for tp, reached in self._reached.items())

    def lag(self, tp: TopicPartition, applied: int) -> int:
        """Return the number of offsets after the applied ones, without trailing transaction markers."""
        if tp not in self._reached or tp not in self.assignment():
            return 0
        done = max(applied, self._position(tp, applied)) if self._reached[tp] <= applied else applied
        return max(0, max(self.highwater(tp) or 0, self._ends[tp]) - done)

    def _position(self, tp: TopicPartition, otherwise: int) -> int:
        if tp not in self.assignment():
            return otherwise
        state = self._subscription.subscription.assignment.state_value(tp)  # every public accessor may block
        return state.position if state.has_valid_position else otherwise

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Found:
        """Return the next records. Waits at least `poll_wait_ms`, because FastStream sleeps after every empty poll."""
        try:
            return await self._getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except (KafkaError, ConsumerStoppedError):
            raise
        except Exception as error:  # `fail` stops the process
            self._fail(error)
            await asyncio.Event().wait()
            raise

    async def _getmany(self, *partitions: TopicPartition, timeout_ms: int, max_records: int | None) -> Found:
        self.polled_at = asyncio.get_running_loop().time()
        if self._unplaced:
            await self._seek_to_checkpoints()
        generation = self.generation
        found = await super().getmany(
            *partitions, timeout_ms=max(timeout_ms, self._poll_wait_ms), max_records=max_records
        )
        self._set_fetch_wait(bool(found))
        if self._unplaced:
            return {}  # fetched before the seek to the checkpoint; it is fetched again after it
        try:
            await self._check_continuity(found)
        except KafkaError:
            self._unplaced = set(self.assignment())  # these records are not returned: seek back to them
            raise
        if self.generation != generation:
            return {}  # partitions that remain assigned are read again after the seek
        starts = {(tp.topic, tp.partition): self._reached[tp] for tp in found if tp in self._reached}
        found = {tp: records for tp, records in found.items() if tp in self._reached}
        self._reached |= {tp: records[-1].offset + 1 for tp, records in found.items()}
        self.last_read = ReadPosition(generation, starts)
        return self._check_last_applied(found) if self._unproven else found

    async def _check_continuity(self, found: Found) -> None:
        """Raise RecordLossError if records do not continue from the last ones; aiokafka resets to the log's start."""
        for tp, records in found.items():
            reached, offset = self._reached.get(tp), records[0].offset
            if reached is not None and offset != reached:
                starts = await self.beginning_offsets([tp])
                check_jump((tp.topic, tp.partition), reached, offset, starts[tp])

    def _set_fetch_wait(self, found: bool) -> None:
        now = asyncio.get_running_loop().time()
        if found:
            self._found_at = now
        busy = now - self._found_at < IDLE_AFTER_SECONDS
        self._fetcher._fetch_max_wait_ms = BUSY_FETCH_MS if busy else IDLE_FETCH_MS  # noqa: SLF001  # no public setter

    async def _seek_to_checkpoints(self) -> None:
        unplaced, generation = sorted(self._unplaced & self.assignment()), self.generation
        try:
            starts = await self.beginning_offsets(unplaced)
            ends = await self.end_offsets(unplaced)
            checkpoints = await self._load_checkpoints({(tp.topic, tp.partition): starts[tp] for tp in unplaced})
        except TRANSIENT as error:
            LOG.warning("checkpoints not loaded; retrying", extra={"reason": repr(error)})
            await asyncio.sleep(1)
            return
        if self.generation != generation:
            return  # a rebalance happened meanwhile; the next call places the new assignment
        for tp in unplaced:
            place, bounds = (tp.topic, tp.partition), Bounds(starts[tp], ends[tp])
            check_number(place)
            check_bounds(place, checkpoints[place], bounds)
            first = self._reached[tp] = first_fetch(checkpoints[place], bounds)
            self.seek(tp, first)
            if first < checkpoints[place].next_offset:
                self._unproven[tp] = checkpoints[place]
        self._ends |= ends
        self._unplaced.clear()

    def _check_last_applied(self, found: Found) -> Found:
        unapplied = {}
        for tp, records in found.items():
            checkpoint = self._unproven.pop(tp, None)
            if checkpoint is not None:
                check_record((tp.topic, tp.partition), checkpoint, records[0])
                records = records[1:]  # noqa: PLW2901  # this record was applied before
            if records:
                unapplied[tp] = records
        return unapplied
