"""Lets held records go on, in order, when what they wait for has appeared or an operator says so."""

import asyncio
import logging
from typing import TYPE_CHECKING

from aiokafka import ConsumerRecord

from libs.kit import cursors, trouble
from libs.kit.failures import TRANSIENT, Lost, NotYet, Refuse
from libs.kit.handling import Handling
from libs.kit.intake import reason_of
from libs.kit.metrics import RECORDS_RELEASED
from libs.kit.records import Record, Undecodable, decoder_for, is_ours
from libs.kit.store import Store
from libs.kit.trouble import Held, Ready
from libs.kit.waking import woken_within

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
TOGETHER = 200
POLL_SECONDS = 2.0


class Releaser:
    """Replays the held records of one key after another."""

    def __init__(self, kit: "Kit") -> None:
        self._kit, self._handling = kit, Handling(kit)
        self._woken = asyncio.Event()

    def after_commit(self, store: Store) -> None:
        """Look now where something appeared that somebody may wait for."""
        if store.appeared:
            self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            try:
                async with self._kit.pool.acquire() as connection:
                    ready = await trouble.list_ready(connection) if await trouble.any_held(connection) else []
                for key in ready:
                    await self._release(key)
            except TRANSIENT as passing:
                LOG.warning("held records wait", extra={"reason": repr(passing)})
                await asyncio.sleep(POLL_SECONDS)
            await woken_within(self._woken, POLL_SECONDS)

    async def _release(self, ready: Ready) -> None:
        size = TOGETHER
        while True:
            try:
                if not await self._replay(ready, size):
                    return None
            except TRANSIENT:
                raise
            except (Lost, asyncio.CancelledError):
                raise
            except Exception as why:  # noqa: BLE001  # the first of them is the culprit, whatever it is
                if size == 1:
                    return await self._give_up(ready, why)
                size = 1

    async def _replay(self, ready: Ready, size: int) -> int:
        """Apply the key's first records in one transaction that also deletes them; return how many."""
        decode = decoder_for(ready.topic)
        async with self._kit.writing() as connection:
            await cursors.lock_cursors(connection, [ready.place])  # new records of this key wait for us
            rows = await trouble.lock_held(connection, ready, size)
            records = [decode(_raw(ready, row)) for row in rows]
            usable = [record for record in records if isinstance(record, Record)]
            odd = [(record, record.reason) for record in records if isinstance(record, Undecodable)]
            await trouble.delete_held(connection, [row.held_id for row in rows])
            await trouble.park(connection, odd)
            store = self._kit.store_in(connection)
            await self._handling.handle(store, usable)
            waiting = [one for one in store.troubles if not one.park]
            if waiting:
                raise NotYet(waiting[0].waits_for or "an operator")
        self._kit.committed(store)
        RECORDS_RELEASED.labels(ready.topic).inc(len(rows))
        return len(rows)

    async def _give_up(self, ready: Ready, why: Exception) -> None:
        async with self._kit.writing() as connection:
            await cursors.lock_cursors(connection, [ready.place])
            first = await trouble.lock_held(connection, ready, 1)
            if reason := self._hopeless(ready, first, why):
                await trouble.delete_held(connection, [row.held_id for row in first])
                await trouble.park(connection, [(_refused(ready, row), reason) for row in first])
                self._woken.set()
            else:
                await trouble.blame(connection, ready, *reason_of(why))

    def _hopeless(self, ready: Ready, first: list[Held], why: Exception) -> str | None:
        """Return why a record is not tried again: it is refused, or what an outsider names has not come for so long."""
        if isinstance(why, Refuse):
            return str(why)
        hours = self._kit.settings.patience_hours
        if not isinstance(why, NotYet) or is_ours(ready.topic) or all(row.hours < hours for row in first):
            return None
        return f"{why.waits_for} did not appear within {hours:g} hours"


def _raw(ready: Ready, row: Held) -> ConsumerRecord:
    key = ready.key.encode()
    return ConsumerRecord(
        ready.topic, ready.partition, row.offset, 0, 0, key, row.value, None, len(key), len(row.value), ()
    )


def _refused(ready: Ready, row: Held) -> Undecodable:
    return Undecodable("", ready.topic, ready.partition, row.offset, ready.key, row.value, None)
