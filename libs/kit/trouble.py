"""SQL of records that cannot be applied: dead letters in `parked`, deferred ones in `held`."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from libs.kit.checkpoints import Place
from libs.kit.database import Connection
from libs.kit.metrics import RECORDS_DEAD_LETTERED, RECORDS_DEFERRED
from libs.kit.records import Record, Undecodable, is_ours, storable

BEHIND = "behind an earlier record of its key"
#: Every deferred record is retried, because a transaction still open can miss the creation of its dependency.
FIRST_RETRY_SECONDS = 5


class Ready(NamedTuple):
    """A key whose first deferred record can be retried."""

    topic: str
    partition: int
    key: str

    @property
    def place(self) -> Place:
        return self.topic, self.partition


class Held(NamedTuple):
    """A deferred record, and how many hours it has waited."""

    deferred_id: int
    offset: int
    value: bytes
    hours: float


async def park(connection: Connection, records: Sequence[tuple[Record | Undecodable, str]]) -> None:
    """Store dead letters with their reasons, in the transaction that moves the checkpoint past them."""
    if not records:
        return
    await connection.executemany(
        """-- park
        INSERT INTO dead_letter (topic, partition, "offset", key, value, reason, ours) VALUES ($1, $2, $3, $4, $5,
            $6, $7)
        ON CONFLICT (topic, partition, "offset") DO NOTHING
        """,
        [(r.topic, r.partition, r.offset, r.key, r.value, storable(why), is_ours(r.topic)) for r, why in records],
    )
    for record, _ in records:
        RECORDS_DEAD_LETTERED.labels(record.topic).inc()


async def hold(connection: Connection, records: Sequence[tuple[Record, str, str | None]]) -> None:
    """Defer records, given as (record, reason, waits_for); without waits_for only an operator can retry them."""
    if not records:
        return
    await connection.executemany(
        """-- hold
        INSERT INTO deferred (topic, partition, "offset", key, value, reason, waits_for, ours, retry_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
                CASE WHEN $7::text IS NULL THEN NULL ELSE now() + make_interval(secs => $9) END)
        ON CONFLICT (topic, partition, "offset") DO NOTHING
        """,
        [
            (r.topic, r.partition, r.offset, r.key, r.value, storable(why), name, is_ours(r.topic), FIRST_RETRY_SECONDS)
            for r, why, name in records
        ],
    )
    for record, _, _ in records:
        RECORDS_DEFERRED.labels(record.topic).inc()


async def any_held(connection: Connection) -> bool:
    found: bool = await connection.fetchval("-- any_held\nSELECT EXISTS (SELECT FROM deferred)")
    return found


async def find_waiting_keys(connection: Connection, records: Iterable[Record]) -> set[tuple[str, str]]:
    """Return the (topic, key) pairs of these records that already have deferred records."""
    pairs = {(record.topic, record.key) for record in records}
    rows = await connection.fetch(
        """-- find_waiting_keys
        SELECT DISTINCT topic, key
        FROM deferred JOIN unnest($1::text[], $2::text[]) AS asked (topic, key) USING (topic, key)
        """,
        [topic for topic, _ in pairs],
        [key for _, key in pairs],
    )
    return {(row["topic"], row["key"]) for row in rows}


async def release_waiting(connection: Connection, names: Iterable[str]) -> None:
    await connection.execute(
        "-- release_waiting\nUPDATE deferred SET retry_at = now() WHERE waits_for = ANY($1::text[])", list(names)
    )


async def list_ready(connection: Connection, limit: int = 100) -> list[Ready]:
    """Return the keys to replay: those due for a retry, and those whose earlier records are gone."""
    rows = await connection.fetch(
        """-- list_ready
        SELECT topic, partition, key FROM deferred AS head
        WHERE (retry_at <= now() OR reason = $2) AND NOT EXISTS (
            SELECT FROM deferred AS earlier
            WHERE earlier.topic = head.topic AND earlier.key = head.key AND earlier.deferred_id < head.deferred_id)
        ORDER BY retry_at NULLS FIRST LIMIT $1
        """,
        limit,
        BEHIND,
    )
    return [Ready(row["topic"], row["partition"], row["key"]) for row in rows]


async def lock_held(connection: Connection, ready: Ready, limit: int) -> list[Held]:
    rows = await connection.fetch(
        """-- lock_held
        SELECT deferred_id, "offset", value, extract(epoch FROM now() - deferred_at)::float8 / 3600
        FROM deferred WHERE topic = $1 AND key = $2
        ORDER BY deferred_id LIMIT $3 FOR UPDATE
        """,
        ready.topic,
        ready.key,
        limit,
    )
    return [Held(*row) for row in rows]


async def delete_held(connection: Connection, held_ids: Sequence[int]) -> None:
    await connection.execute("-- delete_held\nDELETE FROM deferred WHERE deferred_id = ANY($1::bigint[])", held_ids)


async def record_failure(connection: Connection, ready: Ready, reason: str, waits_for: str | None) -> None:
    """Update the reason of the key's first record; waits back off exponentially up to 10 minutes."""
    await connection.execute(
        """-- record_failure
        UPDATE deferred SET reason = $3, waits_for = $4, attempts = attempts + 1,
            retry_at = CASE WHEN $4::text IS NULL THEN NULL
                            ELSE now() + make_interval(secs => least(600, $5 * 2 ^ least(attempts, 7))) END
        WHERE deferred_id = (SELECT min(deferred_id) FROM deferred WHERE topic = $1 AND key = $2)
        """,
        ready.topic,
        ready.key,
        storable(reason),
        waits_for,
        FIRST_RETRY_SECONDS,
    )


async def retry_parked(connection: Connection, parked_ids: Sequence[int]) -> int:
    """Move dead letters to the deferred records for an immediate retry, in order, and return their number."""
    rows = await connection.fetch(
        """-- retry_parked
        WITH back AS (DELETE FROM dead_letter WHERE dead_letter_id = ANY($1::bigint[]) RETURNING *)
        INSERT INTO deferred (topic, partition, "offset", key, value, reason, waits_for, ours, retry_at)
        SELECT topic, partition, "offset", coalesce(key, ''), coalesce(value, ''), reason, NULL, ours, now()
        FROM back ORDER BY topic, partition, "offset"
        ON CONFLICT (topic, partition, "offset") DO UPDATE SET retry_at = now()
        RETURNING deferred_id
        """,
        list(parked_ids),
    )
    return len(rows)


async def retry_held(connection: Connection, held_ids: Sequence[int]) -> int:
    rows = await connection.fetch(
        "-- retry_held\nUPDATE deferred SET retry_at = now() WHERE deferred_id = ANY($1::bigint[])"
        " RETURNING deferred_id",
        list(held_ids),
    )
    return len(rows)
