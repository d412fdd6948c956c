"""SQL of dead letters: records that can never be processed, kept with their bytes, headers and the reason."""

from collections.abc import Sequence

from libs.kit.connections import Connection
from libs.kit.metrics import RECORDS_DEAD_LETTERED
from libs.kit.records import Record, Undecodable, encode_headers, is_ours, storable


async def save_dead_letters(connection: Connection, records: Sequence[tuple[Record | Undecodable, str]]) -> None:
    """Store dead letters with their reasons, in the transaction that moves the checkpoint past them."""
    if not records:
        return
    await connection.executemany(
        """-- save_dead_letters
        INSERT INTO dead_letter (topic, partition, "offset", key, value, headers, reason, ours)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (topic, partition, "offset") DO NOTHING
        """,
        [
            (r.topic, r.partition, r.offset, r.key, r.value, encode_headers(r.headers), storable(why), is_ours(r.topic))
            for r, why in records
        ],
    )
    for record, _ in records:
        RECORDS_DEAD_LETTERED.labels(record.topic).inc()


async def retry_dead_letters(connection: Connection, dead_letter_ids: Sequence[int]) -> int:
    """Move dead letters to the deferred records for an immediate retry, in order, and return their number."""
    rows = await connection.fetch(
        """-- retry_dead_letters
        WITH back AS (DELETE FROM dead_letter WHERE dead_letter_id = ANY($1::bigint[]) RETURNING *)
        INSERT INTO deferred (topic, partition, "offset", key, value, headers, reason, waits_for, ours, retry_at)
        SELECT topic, partition, "offset", coalesce(key, ''), coalesce(value, ''), headers, reason, NULL, ours, now()
        FROM back ORDER BY topic, partition, "offset"
        ON CONFLICT (topic, partition, "offset") DO UPDATE SET retry_at = now()
        RETURNING deferred_id
        """,
        list(dead_letter_ids),
    )
    return len(rows)
