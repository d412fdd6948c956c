"""Checkpoints: how far each topic partition has been applied. The row lock gives a partition a single writer."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from libs.kit.connections import Connection
from libs.kit.errors import RecordLossError
from libs.kit.records import Place, Record, Undecodable, is_ours


class Checkpoint(NamedTuple):
    """The next offset to apply, and the last applied record, which proves that the log is still the same."""

    next_offset: int
    last_sequence: int | None
    last_id: str | None
    last_offset: int | None = None


async def find_checkpoints(connection: Connection, places: Iterable[Place]) -> dict[Place, Checkpoint]:
    rows = await connection.fetch(
        """-- find_checkpoints
        SELECT topic, partition, next_offset, last_sequence, last_id, last_offset
        FROM checkpoint JOIN unnest($1::text[], $2::integer[]) AS asked (topic, partition) USING (topic, partition)
        """,
        *_columns(places),
    )
    return _by_place(rows)


class CheckpointMovedError(Exception):
    """Another replica moved a checkpoint since it was read."""


async def lock_checkpoints(connection: Connection, places: Iterable[Place]) -> dict[Place, Checkpoint]:
    """Lock the rows in the order of topic and partition, so that two replicas cannot deadlock."""
    rows = await connection.fetch(
        """-- lock_checkpoints
        SELECT topic, partition, next_offset, last_sequence, last_id, last_offset
        FROM checkpoint JOIN unnest($1::text[], $2::integer[]) AS asked (topic, partition) USING (topic, partition)
        ORDER BY topic, partition FOR UPDATE OF checkpoint
        """,
        *_columns(places),
    )
    return _by_place(rows)


async def create_checkpoints(connection: Connection, starts: dict[Place, int]) -> None:
    topics, partitions = _columns(starts)
    await connection.execute(
        """-- create_checkpoints
        INSERT INTO checkpoint (topic, partition, next_offset)
        SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[])
        ON CONFLICT (topic, partition) DO NOTHING
        """,
        topics,
        partitions,
        list(starts.values()),
    )


async def save_checkpoints(
    connection: Connection, known: dict[Place, Checkpoint], moved: dict[Place, Checkpoint]
) -> bool:
    """Move the checkpoints from their known values, locked or not, and return whether any record is deferred.

    Raises `CheckpointMovedError` if a stored value differs: the transaction must be rolled back.
    """
    topics, partitions = _columns(moved)
    before, after = [known[place] for place in moved], list(moved.values())
    (row,) = await connection.fetch(
        """-- save_checkpoints
        WITH saved AS (
            UPDATE checkpoint SET next_offset = moved.next_offset, last_sequence = moved.last_sequence,
                              last_id = moved.last_id, last_offset = moved.last_offset
            FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[],
                        $7::bigint[], $8::bigint[])
                 AS moved (topic, partition, next_offset, last_sequence, last_id, last_offset,
                           known_offset, known_sequence)
            WHERE checkpoint.topic = moved.topic AND checkpoint.partition = moved.partition
                AND checkpoint.next_offset = moved.known_offset
                AND checkpoint.last_sequence IS NOT DISTINCT FROM moved.known_sequence
            RETURNING checkpoint.topic)
        SELECT count(*) AS saved, EXISTS (SELECT FROM deferred) AS any_deferred FROM saved
        """,
        topics,
        partitions,
        [checkpoint.next_offset for checkpoint in after],
        [checkpoint.last_sequence for checkpoint in after],
        [checkpoint.last_id for checkpoint in after],
        [checkpoint.last_offset for checkpoint in after],
        [checkpoint.next_offset for checkpoint in before],
        [checkpoint.last_sequence for checkpoint in before],
    )
    if row["saved"] < len(moved):
        raise CheckpointMovedError
    return bool(row["any_deferred"])


def _columns(places: Iterable[Place]) -> tuple[list[str], list[int]]:
    listed = list(places)
    return [topic for topic, _ in listed], [partition for _, partition in listed]


def _by_place(rows: list) -> dict[Place, Checkpoint]:  # type: ignore[type-arg]  # asyncpg's records are untyped
    return {
        (row["topic"], row["partition"]): Checkpoint(
            row["next_offset"], row["last_sequence"], row["last_id"], row["last_offset"]
        )
        for row in rows
    }


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
