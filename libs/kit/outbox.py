"""The outbox: events of a transaction, numbered densely per topic partition and stored in the same transaction."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID, uuid5

from libs.kit.connections import Connection
from libs.kit.logs import next_hop
from libs.kit.metrics import EVENTS_WRITTEN
from libs.kit.records import Place
from replenish_contracts import wire
from replenish_contracts.catalogue import Event, topic_of
from replenish_contracts.topics import find_topic, partition_for

#: Event ids are derived from service, topic, partition and sequence.
_NAMESPACE = UUID("5f6a4c1e-63c5-4f4e-9d35-6c2b8f0f7a11")


class OutboxWriter(NamedTuple):
    """The publishing service and its clock's time; `counters` are the ones this process knows to be committed."""

    service: str
    now: datetime
    counters: set[Place]


class OutboxEntry(NamedTuple):
    """An event, the id of the event or request that led to it, and the trace they belong to."""

    event: Event
    cause: str | None = None
    traceparent: str | None = None


async def write_events(connection: Connection, writer: OutboxWriter, entries: Sequence[OutboxEntry]) -> None:
    """Number the events and store them; the relay publishes them after the commit.

    Call it once per transaction and last, because it locks all counters, in order.
    """
    if not entries:
        return
    placed = [(topic_of(one.event), one.event.key.encode()) for one in entries]
    places = [(topic, partition_for(key, find_topic(topic).partitions)) for topic, key in placed]
    wanted = sorted(set(places))
    # Missing counters are created before any is locked: waiting for another transaction's new row while holding a
    # lock could deadlock. A counter created here is not known yet: it disappears if this transaction rolls back.
    if new := [place for place in wanted if place not in writer.counters]:
        writer.counters.update(set(new) - await create_counters(connection, new))
    sequences = await lock_counters(connection, wanted)
    rows = []
    for place, (topic, key), one in zip(places, placed, entries, strict=True):
        sequence = sequences[place] = sequences[place] + 1
        event_id = str(uuid5(_NAMESPACE, f"{writer.service}/{topic}/{place[1]}/{sequence}"))
        value = wire.encode(
            one.event,
            id=event_id,
            source=f"/replenish/{writer.service}",
            time=writer.now,
            sequence=sequence,
            cause=one.cause,
            traceparent=next_hop(one.traceparent),
        )
        rows.append((*place, sequence, event_id, key, value))
    await insert_outbox(connection, rows, sequences)
    for topic, count in Counter(topic for topic, _ in places).items():
        EVENTS_WRITTEN.labels(topic).inc(count)


async def create_counters(connection: Connection, places: Sequence[Place]) -> set[Place]:
    """Return the counters created by this transaction; all others exist and are committed."""
    rows = await connection.fetch(
        """-- create_counters
        INSERT INTO counter (topic, partition) SELECT * FROM unnest($1::text[], $2::integer[])
        ORDER BY 1, 2 ON CONFLICT (topic, partition) DO NOTHING
        RETURNING topic, partition
        """,
        [topic for topic, _ in places],
        [partition for _, partition in places],
    )
    return {(row["topic"], row["partition"]) for row in rows}


async def lock_counters(connection: Connection, places: Sequence[Place]) -> dict[Place, int]:
    """Lock the counters in the given order and return their sequences."""
    rows = await connection.fetch(
        """-- lock_counters
        SELECT topic, partition, sequence
        FROM counter JOIN unnest($1::text[], $2::integer[]) AS asked (topic, partition) USING (topic, partition)
        ORDER BY topic, partition FOR UPDATE OF counter
        """,
        [topic for topic, _ in places],
        [partition for _, partition in places],
    )
    return {(row["topic"], row["partition"]): row["sequence"] for row in rows}


async def insert_outbox(
    connection: Connection, rows: Sequence[tuple[object, ...]], sequences: dict[Place, int]
) -> None:
    topics, partitions, numbers, ids, keys, values = map(list, zip(*rows, strict=True))
    await connection.execute(
        """-- insert_outbox
        WITH numbered AS (
            UPDATE counter SET sequence = given.sequence
            FROM unnest($7::text[], $8::integer[], $9::bigint[]) AS given (topic, partition, sequence)
            WHERE counter.topic = given.topic AND counter.partition = given.partition
        )
        INSERT INTO outbox (topic, partition, sequence, id, key, value)
        SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[])
        """,
        topics,
        partitions,
        numbers,
        ids,
        keys,
        values,
        [topic for topic, _ in sequences],
        [partition for _, partition in sequences],
        list(sequences.values()),
    )


class PartitionCounter(NamedTuple):
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


async def list_counters(connection: Connection) -> list[PartitionCounter]:
    rows = await connection.fetch(
        "-- list_counters\nSELECT topic, partition, sequence, published FROM counter ORDER BY topic, partition"
    )
    return [PartitionCounter(*row) for row in rows]


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


async def find_event_value(connection: Connection, place: Place, sequence: int) -> bytes | None:
    value: bytes | None = await connection.fetchval(
        "-- find_event_value\nSELECT value FROM outbox WHERE topic = $1 AND partition = $2 AND sequence = $3",
        *place,
        sequence,
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
