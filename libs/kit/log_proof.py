"""Checks that a partition's log is still the one read before, neither truncated nor recreated."""

from typing import NamedTuple

import msgspec
from aiokafka import ConsumerRecord

from libs.kit.checkpoints import Checkpoint, Place
from libs.kit.errors import RecordLossError
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
