"""Reads a consumer group's partitions from checkpoints in Postgres and detects a log that lost records."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from libs.kit import group, metrics
from libs.kit.checkpoints import Checkpoint
from libs.kit.errors import TRANSIENT, RecordLossError
from libs.kit.records import Place, read_id
from replenish_contracts.topics import find_topic

LOG = logging.getLogger(__name__)
#: aiokafka runs one fetch per broker at a time, and leaves out partitions whose records are being handled:
#: those wait until the fetch returns. So fetches are short while records arrive, and longer when idle.
BUSY_FETCH_MS = 50
IDLE_FETCH_MS = 500
IDLE_AFTER_SECONDS = 2.0

#: Returns the checkpoints of these partitions, creating missing ones at the given log starts.
LoadCheckpoints = Callable[[dict[Place, int]], Awaitable[dict[Place, Checkpoint]]]
Found = dict[TopicPartition, list[ConsumerRecord]]


class ReadBatch(NamedTuple):
    """Records that were read, ordered within each partition."""

    records: list[ConsumerRecord]
    #: Increases whenever partitions are revoked; records of an older generation are dropped.
    generation: int
    #: The offset from which each partition was read without a gap.
    starts: dict[Place, int]


class CheckpointConsumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Seeks every newly assigned partition to its checkpoint before its first record is returned.

    The seek happens in `read`, in the reading task itself, so that records fetched from another offset cannot be
    mistaken for a legal gap. A subscriber must name this object as its rebalance listener.
    """

    def __init__(self, load_checkpoints: LoadCheckpoints, drained: Callable[[], Awaitable[None]]) -> None:
        self._load_checkpoints, self._drained = load_checkpoints, drained
        self._kafka: AIOKafkaConsumer | None = None
        self._unplaced: set[TopicPartition] = set()
        self._unproven: dict[TopicPartition, Checkpoint] = {}
        #: The offset after the last returned record of each placed partition.
        self._reached: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        #: Why the last request to the broker failed, or None.
        self.broker_error: str | None = None
        self._joined = False
        self.polled_at = self._found_at = 0.0
        self.generation = 0

    def attach(self, kafka: AIOKafkaConsumer) -> None:
        """Set the consumer to read from; call it when it has started."""
        self._kafka = kafka
        self.polled_at = self._found_at = asyncio.get_running_loop().time()

    @property
    def kafka(self) -> AIOKafkaConsumer:
        assert self._kafka is not None  # noqa: S101  # `attach` comes first
        return self._kafka

    @property
    def is_attached(self) -> bool:
        return self._kafka is not None

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._kafka.assignment()) if self._kafka is not None else frozenset()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Start a new generation without partitions, and wait for the running batch."""
        self.generation += 1
        self._unplaced, self._unproven, self._reached = set(), {}, {}
        self._joined = False
        if self._kafka is not None and group.was_evicted(self._kafka):
            metrics.GROUP_EVICTIONS.inc()
            LOG.warning("the broker no longer knows this member of the group; joining again")
        if revoked:
            await self._drained()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Register the partitions; they are placed before the next read."""
        self._unplaced = set(assigned)
        self._unproven, self._reached = {}, {}
        self._joined = True
        metrics.GROUP_JOINS.inc()
        LOG.info("partitions assigned", extra={"partitions": len(assigned)})

    @property
    def placed(self) -> bool:
        """Return whether the consumer is in the group and every assigned partition was sought to its checkpoint."""
        return self._joined and not self._unplaced

    async def update_ends(self, seconds: float) -> None:
        """Update the end offsets and, independently of the fetcher's state, `broker_error`."""
        try:
            async with asyncio.timeout(seconds):
                self._ends |= await self.kafka.end_offsets(sorted(self._reached))
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
        return max(0, max(self.kafka.highwater(tp) or 0, self._ends[tp]) - done)

    def _position(self, tp: TopicPartition, otherwise: int) -> int:
        if tp not in self.assignment():
            return otherwise
        assignment = self.kafka._subscription.subscription.assignment  # noqa: SLF001  # public accessors may block
        state = assignment.state_value(tp)
        return state.position if state.has_valid_position else otherwise

    async def read(self, most_records: int, wait_ms: int) -> ReadBatch:
        """Return the next records, after at most `wait_ms` without any.

        Raises RecordLossError, and aiokafka's errors after which it can be called again.
        """
        self.polled_at = asyncio.get_running_loop().time()
        if self._unplaced:
            await self._seek_to_checkpoints()
        generation = self.generation
        found: Found = await self.kafka.getmany(timeout_ms=wait_ms, max_records=most_records)
        self._set_fetch_wait(bool(found))
        nothing = ReadBatch([], generation, {})
        if self._unplaced:
            return nothing  # fetched before the seek to the checkpoint; it is fetched again after it
        try:
            await self._check_continuity(found)
        except KafkaError:
            self._unplaced = set(self.assignment())  # these records are not returned: seek back to them
            raise
        if self.generation != generation:
            return nothing  # partitions that remain assigned are read again after the seek
        found = {tp: records for tp, records in found.items() if tp in self._reached}
        starts = {(tp.topic, tp.partition): self._reached[tp] for tp in found}
        self._reached |= {tp: records[-1].offset + 1 for tp, records in found.items()}
        unapplied = self._check_last_applied(found) if self._unproven else found
        return ReadBatch([record for records in unapplied.values() for record in records], generation, starts)

    async def _check_continuity(self, found: Found) -> None:
        """Raise RecordLossError if records do not continue from the last ones; aiokafka resets to the log's start."""
        for tp, records in found.items():
            reached, offset = self._reached.get(tp), records[0].offset
            if reached is not None and offset != reached:
                starts = await self.kafka.beginning_offsets([tp])
                check_jump((tp.topic, tp.partition), reached, offset, starts[tp])

    def _set_fetch_wait(self, found: bool) -> None:
        now = asyncio.get_running_loop().time()
        if found:
            self._found_at = now
        busy = now - self._found_at < IDLE_AFTER_SECONDS
        wait_ms = BUSY_FETCH_MS if busy else IDLE_FETCH_MS
        self.kafka._fetcher._fetch_max_wait_ms = wait_ms  # noqa: SLF001  # there is no public setter

    async def _seek_to_checkpoints(self) -> None:
        unplaced, generation = sorted(self._unplaced & self.assignment()), self.generation
        try:
            starts = await self.kafka.beginning_offsets(unplaced)
            ends = await self.kafka.end_offsets(unplaced)
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
            self.kafka.seek(tp, first)
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


class Bounds(NamedTuple):
    """A partition's first retained offset, and the offset of its next record."""

    start: int
    end: int


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
    found = read_id(first)
    if found != checkpoint.last_id:
        raise RecordLossError(
            f"{name}: the record at {first.offset} is {found}, not {checkpoint.last_id}: the log was recreated"
        )
