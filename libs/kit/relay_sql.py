"""SQL of the relay."""

from itertools import groupby
from typing import NamedTuple

from libs.kit.checkpoints import Place
from libs.kit.database import Connection


class Counter(NamedTuple):
    """The highest numbered and the highest published sequence of a partition."""

    topic: str
    partition: int
    sequence: int
    published: int

    @property
    def place(self) -> Place:
        return self.topic, self.partition


class Unsent(NamedTuple):
    """An event that the broker has not acknowledged."""

    topic: str
    partition: int
    sequence: int
    key: bytes
    value: bytes


def by_place(rows: list[Unsent]) -> dict[Place, list[Unsent]]:
    return {place: list(run) for place, run in groupby(rows, key=lambda row: (row.topic, row.partition))}


async def list_counters(connection: Connection) -> list[Counter]:
    rows = await connection.fetch(
        "-- list_counters\nSELECT topic, partition, sequence, published FROM counter ORDER BY topic, partition"
    )
    return [Counter(*row) for row in rows]


async def list_unsent(connection: Connection, limit: int) -> list[Unsent]:
    """Return the oldest unpublished events of every partition, in order within each."""
    rows = await connection.fetch(
        """-- list_unsent
        SELECT next.topic, next.partition, next.sequence, next.key, next.value
        FROM counter CROSS JOIN LATERAL (
            SELECT topic, partition, sequence, key, value FROM outbox
            WHERE outbox.topic = counter.topic AND outbox.partition = counter.partition
                AND outbox.sequence > counter.published
            ORDER BY outbox.sequence LIMIT $1) AS next
        WHERE counter.published < counter.sequence
        ORDER BY next.topic, next.partition, next.sequence
        """,
        limit,
    )
    return [Unsent(*row) for row in rows]


async def find_said(connection: Connection, place: Place, sequence: int) -> bytes | None:
    value: bytes | None = await connection.fetchval(
        "-- find_said\nSELECT value FROM outbox WHERE topic = $1 AND partition = $2 AND sequence = $3", *place, sequence
    )
    return value


async def set_published(
    connection: Connection, progress: dict[Place, int], *, forward_only: bool = True
) -> dict[str, int]:
    """Record what the broker acknowledged, and return the number of newly published events per topic.

    Forward only, except at a take-over: a frozen relay that resumes must not undo progress. The commit does not
    wait for the disk, because publishing transactions wait for these rows; progress lost in a crash is recovered
    from the log.
    """
    rows = await connection.fetch(
        """-- set_published
        WITH before AS (
            SELECT topic, partition, published FROM counter
            JOIN unnest($1::text[], $2::integer[]) AS asked (topic, partition) USING (topic, partition)
            ORDER BY topic, partition FOR UPDATE OF counter),
        hurry AS (SELECT set_config('synchronous_commit', 'off', true))
        UPDATE counter SET published = acked.published
        FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS acked (topic, partition, published)
        JOIN before USING (topic, partition) CROSS JOIN hurry
        WHERE counter.topic = acked.topic AND counter.partition = acked.partition
            AND (NOT $4::boolean OR counter.published < acked.published)
        RETURNING counter.topic, counter.published - before.published AS added
        """,
        [topic for topic, _ in progress],
        [partition for _, partition in progress],
        list(progress.values()),
        forward_only,
    )
    added: dict[str, int] = {}
    for topic, count in rows:
        added[topic] = added.get(topic, 0) + max(0, count)
    return added


async def delete_published(connection: Connection, keep_seconds: int) -> None:
    await connection.execute(
        """-- delete_published
        DELETE FROM outbox USING counter
        WHERE outbox.topic = counter.topic AND outbox.partition = counter.partition
            AND outbox.sequence <= counter.published AND outbox.created_at < now() - make_interval(secs => $1)
        """,
        keep_seconds,
    )
