"""Drops records that were applied before and detects gaps in a partition's sequence."""

from collections.abc import Sequence

from libs.kit.checkpoints import Checkpoint, Place
from libs.kit.errors import RecordLossError
from libs.kit.records import Record, Undecodable, is_ours

Decoded = Record | Undecodable


def advance(checkpoint: Checkpoint, run: Sequence[Decoded]) -> tuple[Sequence[Decoded], Checkpoint]:
    """Return the records of one partition that were not applied before, and the checkpoint after them.

    Raises RecordLossError if the sequence numbers of one of our own topics have a gap.
    """
    next_offset, last_sequence = checkpoint.next_offset, checkpoint.last_sequence
    if run[0].offset < next_offset:
        run = [record for record in run if record.offset >= next_offset]
    if not run:
        return run, checkpoint
    newest = run[-1]
    if is_ours(newest.topic):
        run, last_sequence = _in_sequence(run, last_sequence)
    return run, Checkpoint(newest.offset + 1, last_sequence, newest.id, newest.offset)


def check_joint(known: dict[Place, Checkpoint], starts: dict[Place, int]) -> None:
    """Raise RecordLossError if a batch starts after the checkpoint: records in between were not applied."""
    for place, checkpoint in known.items():
        if (start := starts.get(place, 0)) > checkpoint.next_offset:
            raise RecordLossError(
                f"{place[0]}/{place[1]}: records {checkpoint.next_offset} to {start - 1} were read, not applied"
            )


def _in_sequence(run: Sequence[Decoded], last: int | None) -> tuple[list[Decoded], int | None]:
    new = []
    for record in run:
        sequence = record.sequence
        if sequence is None:
            new.append(record)  # written by an external producer, which numbers nothing
        elif last is None or sequence == last + 1:
            new.append(record)
            last = sequence
        elif sequence > last:
            place = f"{record.topic}/{record.partition}"
            raise RecordLossError(
                f"{place}: sequence {sequence} at offset {record.offset} after {last}: records are missing"
            )
    return new, last
