"""What of a partition's records is new, and what proves that none is missing before them."""

from collections.abc import Sequence

from libs.kit.cursors import Cursor, Place
from libs.kit.failures import Lost
from libs.kit.records import Record, Undecodable, is_ours

Decoded = Record | Undecodable


def advance(cursor: Cursor, run: Sequence[Decoded]) -> tuple[Sequence[Decoded], Cursor]:
    """Return the records of one partition that were not applied before, and the cursor after them.

    Raises Lost where the sequence of a topic of ours shows that records are missing.
    """
    next_offset, last_sequence = cursor.next_offset, cursor.last_sequence
    if run[0].offset < next_offset:
        run = [record for record in run if record.offset >= next_offset]
    if not run:
        return run, cursor
    newest = run[-1]
    if is_ours(newest.topic):
        run, last_sequence = _in_sequence(run, last_sequence)
    return run, Cursor(newest.offset + 1, last_sequence, newest.id, newest.offset)


def check_joint(known: dict[Place, Cursor], starts: dict[Place, int]) -> None:
    """Raise Lost where a batch begins behind the cursor: one before it was read and never applied."""
    for place, cursor in known.items():
        if (start := starts.get(place, 0)) > cursor.next_offset:
            raise Lost(f"{place[0]}/{place[1]}: records {cursor.next_offset} to {start - 1} were read, not applied")


def _in_sequence(run: Sequence[Decoded], last: int | None) -> tuple[list[Decoded], int | None]:
    new = []
    for record in run:
        sequence = record.sequence
        if sequence is None:
            new.append(record)  # not written by us: judged like any other record
        elif last is None or sequence == last + 1:
            new.append(record)
            last = sequence
        elif sequence > last:
            place = f"{record.topic}/{record.partition}"
            raise Lost(f"{place}: sequence {sequence} at offset {record.offset} after {last}: records are missing")
    return new, last
