"""Deferred records: stored until their dependency exists or an operator retries them, then replayed in order."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from aiokafka import ConsumerRecord

from libs.kit import checkpoints, dead_letters
from libs.kit.clock import wait_for_event
from libs.kit.connections import Connection
from libs.kit.errors import TRANSIENT, NotReadyError, RecordLossError, RejectedError
from libs.kit.metrics import RECORDS_DEFERRED, RECORDS_RELEASED
from libs.kit.records import Place, Record, Undecodable, decode_headers, decoder_for, encode_headers, is_ours, storable

if TYPE_CHECKING:
    from libs.kit.batch import Dispatcher
    from libs.kit.kit import Kit
    from libs.kit.store import Store

LOG = logging.getLogger(__name__)
BATCH_RECORDS = 200
POLL_SECONDS = 2.0
BEHIND = "behind an earlier record of its key"
#: Every record that waits for a dependency is retried: a transaction still open can miss the dependency's creation.
FIRST_RETRY_SECONDS = 5


class ReadyKey(NamedTuple):
    """A key whose first deferred record can be retried."""

    topic: str
    partition: int
    key: str

    @property
    def place(self) -> Place:
        return self.topic, self.partition


class DeferredRecord(NamedTuple):
    """A deferred record of a key, and how many hours it has waited."""

    deferred_id: int
    offset: int
    value: bytes
    headers: str | None
    hours: float

    def as_read(self, key: ReadyKey) -> ConsumerRecord:
        """Return the record as the consumer had returned it."""
        size, name, headers = len(self.value), key.key.encode(), decode_headers(self.headers)
        place = key.topic, key.partition, self.offset
        return ConsumerRecord(*place, 0, 0, name, self.value, None, len(name), size, headers)

    def as_undecodable(self, key: ReadyKey) -> Undecodable:
        place = key.topic, key.partition, self.offset
        return Undecodable("", *place, key.key, self.value, None, headers=decode_headers(self.headers))


async def defer_records(connection: Connection, records: Sequence[tuple[Record, str, str | None]]) -> None:
    """Defer records, given as (record, reason, waits_for); without waits_for only an operator can retry them."""
    if not records:
        return
    await connection.executemany(
        """-- defer_records
        INSERT INTO deferred (topic, partition, "offset", key, value, headers, reason, waits_for, ours, retry_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
                CASE WHEN $8::text IS NULL THEN NULL ELSE now() + make_interval(secs => $10) END)
        ON CONFLICT (topic, partition, "offset") DO NOTHING
        """,
        [
            (
                *(r.topic, r.partition, r.offset, r.key, r.value, encode_headers(r.headers)),
                *(storable(why), name, is_ours(r.topic), FIRST_RETRY_SECONDS),
            )
            for r, why, name in records
        ],
    )
    for record, _, _ in records:
        RECORDS_DEFERRED.labels(record.topic).inc()


async def any_deferred(connection: Connection) -> bool:
    found: bool = await connection.fetchval("-- any_deferred\nSELECT EXISTS (SELECT FROM deferred)")
    return found


async def find_deferred_keys(connection: Connection, records: Iterable[Record]) -> set[tuple[str, str]]:
    """Return the (topic, key) pairs of these records that already have deferred records."""
    pairs = {(record.topic, record.key) for record in records}
    rows = await connection.fetch(
        """-- find_deferred_keys
        SELECT DISTINCT topic, key
        FROM deferred JOIN unnest($1::text[], $2::text[]) AS asked (topic, key) USING (topic, key)
        """,
        [topic for topic, _ in pairs],
        [key for _, key in pairs],
    )
    return {(row["topic"], row["key"]) for row in rows}


async def list_ready(connection: Connection, limit: int = 100) -> list[ReadyKey]:
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
    return [ReadyKey(row["topic"], row["partition"], row["key"]) for row in rows]


async def lock_deferred(connection: Connection, ready: ReadyKey, limit: int) -> list[DeferredRecord]:
    rows = await connection.fetch(
        """-- lock_deferred
        SELECT deferred_id, "offset", value, headers, extract(epoch FROM now() - deferred_at)::float8 / 3600
        FROM deferred WHERE topic = $1 AND key = $2
        ORDER BY deferred_id LIMIT $3 FOR UPDATE
        """,
        ready.topic,
        ready.key,
        limit,
    )
    return [DeferredRecord(*row) for row in rows]


async def delete_deferred(connection: Connection, deferred_ids: Sequence[int]) -> None:
    await connection.execute(
        "-- delete_deferred\nDELETE FROM deferred WHERE deferred_id = ANY($1::bigint[])", deferred_ids
    )


async def record_failure(connection: Connection, ready: ReadyKey, reason: str, waits_for: str | None) -> None:
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


async def retry_deferred(connection: Connection, deferred_ids: Sequence[int]) -> int:
    rows = await connection.fetch(
        "-- retry_deferred\nUPDATE deferred SET retry_at = now() WHERE deferred_id = ANY($1::bigint[])"
        " RETURNING deferred_id",
        list(deferred_ids),
    )
    return len(rows)


def reason_of(error: Exception) -> tuple[str, str | None]:
    """Return the reason to store with a deferred record, and the dependency it waits for, if any."""
    if isinstance(error, NotReadyError):
        return str(error), error.waits_for
    return f"{type(error).__name__}: {error}", None


class DeferredReplayer:
    """Replays the deferred records key by key."""

    def __init__(self, kit: "Kit", dispatcher: "Dispatcher") -> None:
        self._kit, self._dispatcher = kit, dispatcher
        self._woken = asyncio.Event()

    def after_commit(self, store: "Store") -> None:
        """Wake up if the transaction resolved a dependency."""
        if store.resolved_dependencies:
            self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            try:
                async with self._kit.pool.acquire() as connection:
                    ready = await list_ready(connection) if await any_deferred(connection) else []
                for key in ready:
                    await self._replay_key(key)
            except TRANSIENT as error:
                LOG.warning("deferred records not replayed; retrying", extra={"reason": repr(error)})
                await asyncio.sleep(POLL_SECONDS)
            await wait_for_event(self._woken, POLL_SECONDS)

    async def _replay_key(self, ready: ReadyKey) -> None:
        size = BATCH_RECORDS
        while True:
            try:
                if not await self._replay_batch(ready, size):
                    return None
            except (*TRANSIENT, RecordLossError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001  # replayed one by one, it is attributed to the failing record
                if size == 1:
                    return await self._record_failure(ready, error)
                size = 1

    async def _replay_batch(self, ready: ReadyKey, size: int) -> int:
        """Apply the key's first `size` records in the transaction that deletes them; return their number."""
        decode = decoder_for(ready.topic)
        async with self._kit.writing() as connection:
            await checkpoints.lock_checkpoints(connection, [ready.place])  # blocks new records of this key meanwhile
            rows = await lock_deferred(connection, ready, size)
            records = [decode(row.as_read(ready)) for row in rows]
            usable = [record for record in records if isinstance(record, Record)]
            undecodable = [(record, record.reason) for record in records if isinstance(record, Undecodable)]
            await delete_deferred(connection, [row.deferred_id for row in rows])
            await dead_letters.save_dead_letters(connection, undecodable)
            store = self._kit.store_in(connection)
            await self._dispatcher.handle(store, usable)
            waiting = [one for one in store.set_aside if not one.dead_letter]
            if waiting:
                raise NotReadyError(waiting[0].waits_for or "an operator")
        self._kit.committed(store)
        RECORDS_RELEASED.labels(ready.topic).inc(len(rows))
        return len(rows)

    async def _record_failure(self, ready: ReadyKey, error: Exception) -> None:
        async with self._kit.writing() as connection:
            await checkpoints.lock_checkpoints(connection, [ready.place])
            first = await lock_deferred(connection, ready, 1)
            if reason := self._dead_letter_reason(ready, first, error):
                await delete_deferred(connection, [row.deferred_id for row in first])
                await dead_letters.save_dead_letters(connection, [(row.as_undecodable(ready), reason) for row in first])
                self._woken.set()
            else:
                await record_failure(connection, ready, *reason_of(error))

    def _dead_letter_reason(self, ready: ReadyKey, first: list[DeferredRecord], error: Exception) -> str | None:
        """Return why not to retry: it is refused, or an external record waited longer than `dependency_wait_hours`."""
        if isinstance(error, RejectedError):
            return str(error)
        hours = self._kit.settings.dependency_wait_hours
        if not isinstance(error, NotReadyError) or is_ours(ready.topic) or all(row.hours < hours for row in first):
            return None
        return f"{error.waits_for} did not appear within {hours:g} hours"
