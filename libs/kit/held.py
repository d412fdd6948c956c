"""Replays deferred records in order once their dependency exists or an operator retries them."""

import asyncio
import logging
from typing import TYPE_CHECKING

from aiokafka import ConsumerRecord

from libs.kit import checkpoints, trouble
from libs.kit.errors import TRANSIENT, NotReadyError, RecordLossError, RejectedError
from libs.kit.handling import Handling
from libs.kit.intake import reason_of
from libs.kit.metrics import RECORDS_RELEASED
from libs.kit.records import Record, Undecodable, decoder_for, is_ours
from libs.kit.store import Store
from libs.kit.trouble import Held, Ready
from libs.kit.waiting import wait_for_event

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
BATCH_RECORDS = 200
POLL_SECONDS = 2.0


class Releaser:
    """Replays the deferred records key by key."""

    def __init__(self, kit: "Kit") -> None:
        self._kit, self._handling = kit, Handling(kit)
        self._woken = asyncio.Event()

    def after_commit(self, store: Store) -> None:
        """Wake up if the transaction created a dependency."""
        if store.resolved_dependencies:
            self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            try:
                async with self._kit.pool.acquire() as connection:
                    ready = await trouble.list_ready(connection) if await trouble.any_held(connection) else []
                for key in ready:
                    await self._release(key)
            except TRANSIENT as error:
                LOG.warning("deferred records not replayed; retrying", extra={"reason": repr(error)})
                await asyncio.sleep(POLL_SECONDS)
            await wait_for_event(self._woken, POLL_SECONDS)

    async def _release(self, ready: Ready) -> None:
        size = BATCH_RECORDS
        while True:
            try:
                if not await self._replay(ready, size):
                    return None
            except (*TRANSIENT, RecordLossError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001  # replayed one by one, it is attributed to the failing record
                if size == 1:
                    return await self._record_failure(ready, error)
                size = 1

    async def _replay(self, ready: Ready, size: int) -> int:
        """Apply the key's first `size` records in the transaction that deletes them; return their number."""
        decode = decoder_for(ready.topic)
        async with self._kit.writing() as connection:
            await checkpoints.lock_checkpoints(connection, [ready.place])  # blocks new records of this key meanwhile
            rows = await trouble.lock_held(connection, ready, size)
            records = [decode(_raw(ready, row)) for row in rows]
            usable = [record for record in records if isinstance(record, Record)]
            undecodable = [(record, record.reason) for record in records if isinstance(record, Undecodable)]
            await trouble.delete_held(connection, [row.deferred_id for row in rows])
            await trouble.park(connection, undecodable)
            store = self._kit.store_in(connection)
            await self._handling.handle(store, usable)
            waiting = [one for one in store.troubles if not one.park]
            if waiting:
                raise NotReadyError(waiting[0].waits_for or "an operator")
        self._kit.committed(store)
        RECORDS_RELEASED.labels(ready.topic).inc(len(rows))
        return len(rows)

    async def _record_failure(self, ready: Ready, error: Exception) -> None:
        async with self._kit.writing() as connection:
            await checkpoints.lock_checkpoints(connection, [ready.place])
            first = await trouble.lock_held(connection, ready, 1)
            if reason := self._dead_letter_reason(ready, first, error):
                await trouble.delete_held(connection, [row.deferred_id for row in first])
                await trouble.park(connection, [(_as_undecodable(ready, row), reason) for row in first])
                self._woken.set()
            else:
                await trouble.record_failure(connection, ready, *reason_of(error))

    def _dead_letter_reason(self, ready: Ready, first: list[Held], error: Exception) -> str | None:
        """Return why not to retry: it is refused, or an external record waited longer than `dependency_wait_hours`."""
        if isinstance(error, RejectedError):
            return str(error)
        hours = self._kit.settings.dependency_wait_hours
        if not isinstance(error, NotReadyError) or is_ours(ready.topic) or all(row.hours < hours for row in first):
            return None
        return f"{error.waits_for} did not appear within {hours:g} hours"


def _raw(ready: Ready, row: Held) -> ConsumerRecord:
    key = ready.key.encode()
    return ConsumerRecord(
        ready.topic, ready.partition, row.offset, 0, 0, key, row.value, None, len(key), len(row.value), ()
    )


def _as_undecodable(ready: Ready, row: Held) -> Undecodable:
    return Undecodable("", ready.topic, ready.partition, row.offset, ready.key, row.value, None)
