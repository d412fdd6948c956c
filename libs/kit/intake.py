"""From a batch of records to one Postgres transaction: cursor, state and outbox together."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from libs.kit import cursors, trouble
from libs.kit.advance import Decoded, advance, check_joint
from libs.kit.cursors import Cursor, Place
from libs.kit.database import Connection
from libs.kit.failures import TRANSIENT, Lost, NotYet, Refuse
from libs.kit.handling import Ahead, Handling, working_on
from libs.kit.metrics import (
    BATCH_SECONDS,
    BATCHES_RETRIED,
    RECORDS_APPLIED,
    RECORDS_REPEATED,
    RECORDS_SKIPPED,
)
from libs.kit.records import Record, Undecodable

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


class Revoked(Exception):  # noqa: N818
    """The partitions went to another replica while a batch waited."""


class Intake:
    """Applies records exactly once; correct whatever is repeated, late, or killed in between."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit
        self._handling = Handling(kit)
        self._still_ours: Callable[[], bool] = lambda: True
        self.prepare = self._handling.prepare
        #: Whether a batch is with its handler, or there is none: what is read meanwhile costs no time.
        self.others_may_work = asyncio.Event()
        self.others_may_work.set()
        #: When the batch under way was begun, or last got on.
        self.moved_at = time.monotonic()

    async def apply(
        self,
        records: Sequence[Decoded],
        starts: dict[Place, int],
        still_ours: Callable[[], bool] = lambda: True,
        ahead: Ahead | None = None,
    ) -> None:
        """Apply a batch in one transaction, or, where one record spoils it, record by record.

        `starts` says from which offset on the batch has everything, `ahead` what `prepare` made of it.
        Passing failures are waited out as long as the partitions are still ours; what was not applied
        by then is read again by whoever has them. Raises `Lost`.
        """
        began = time.perf_counter()
        self.moved_at = time.monotonic()
        self._still_ours = still_ours
        try:
            await self._patiently(records, starts, ahead)
        except Revoked:
            return
        except (Lost, asyncio.CancelledError):
            raise
        except Exception as spoiled:  # noqa: BLE001  # any handler's bug must stop its own key only
            LOG.warning("batch spoiled, applying one by one", extra={"reason": repr(spoiled), "records": len(records)})
            await self._one_by_one(records)
        BATCH_SECONDS.observe(time.perf_counter() - began)

    async def _one_by_one(self, records: Sequence[Decoded]) -> None:
        try:
            for record in records:
                await self._alone(record)
                self.moved_at = time.monotonic()
        except Revoked:
            return

    async def _patiently(
        self, records: Sequence[Decoded], starts: dict[Place, int] | None = None, ahead: Ahead | None = None
    ) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._together(records, starts or {}, ahead)
            except TRANSIENT as passing:
                BATCHES_RETRIED.inc()
                LOG.warning("batch waits", extra={"reason": repr(passing), "seconds": pause})
                if not self._still_ours():
                    raise Revoked from passing
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _alone(self, record: Decoded) -> None:
        try:
            await self._patiently([record])
        except (Lost, Revoked, asyncio.CancelledError):
            raise
        except Exception as why:  # this record is the culprit, whatever it is
            with working_on(record):
                if not isinstance(why, NotYet | Refuse):
                    LOG.exception("handler failed", extra={"topic": record.topic, "offset": record.offset})
                await self._patiently_set_aside(record, why)

    async def _patiently_set_aside(self, record: Decoded, why: Exception) -> None:
        while True:
            try:
                return await self._set_aside(record, why)
            except TRANSIENT:
                if not self._still_ours():
                    raise Revoked from why
                await asyncio.sleep(FIRST_PAUSE_SECONDS)

    async def _set_aside(self, record: Decoded, why: Exception) -> None:
        async with self._kit.writing() as connection:
            fresh = await self._begin(connection, [record])
            if fresh and (isinstance(why, Refuse) or isinstance(record, Undecodable)):
                await trouble.park(connection, [(record, str(why))])
            elif fresh and isinstance(record, Record):
                await trouble.hold(connection, [(record, *reason_of(why))])

    async def _together(self, records: Sequence[Decoded], starts: dict[Place, int], ahead: Ahead | None) -> None:
        async with self._kit.writing() as connection:
            fresh = await self._begin(connection, records, starts)
            if not fresh:
                return
            store = self._kit.store_in(connection)
            usable = await self._part_from_waiting(connection, await self._part_from_undecodable(connection, fresh))
            self.others_may_work.set()
            await self._handling.handle(store, usable, ahead)
        self._kit.committed(store)
        for topic, count in Counter(record.topic for record in usable).items():
            RECORDS_APPLIED.labels(topic).inc(count)

    async def _begin(
        self, connection: Connection, records: Sequence[Decoded], starts: dict[Place, int] | None = None
    ) -> list[Decoded]:
        """Lock the cursors, drop what was applied before, and move the cursors over the rest."""
        runs = {place: list(run) for place, run in groupby(records, key=_place)}
        known = await cursors.lock_cursors(connection, runs)
        check_joint(known, starts or {})
        fresh: list[Decoded] = []
        moved: dict[Place, Cursor] = {}
        for place, run in runs.items():
            new, moved[place] = advance(known[place], run)
            fresh.extend(new)
            if len(new) < len(run):
                RECORDS_REPEATED.labels(place[0]).inc(len(run) - len(new))
        if moved != known:
            await cursors.save_cursors(connection, moved)
        return fresh

    async def _part_from_undecodable(self, connection: Connection, fresh: list[Decoded]) -> list[Record]:
        usable = [record for record in fresh if isinstance(record, Record)]
        if len(usable) < len(fresh):
            odd = [record for record in fresh if isinstance(record, Undecodable)]
            await trouble.park(connection, [(record, record.reason) for record in odd if not record.skip])
            for record in odd:
                if record.skip:
                    RECORDS_SKIPPED.labels(record.topic).inc()
        return usable

    async def _part_from_waiting(self, connection: Connection, records: list[Record]) -> list[Record]:
        if not records or not await trouble.any_held(connection):
            return records
        waiting = await trouble.find_waiting_keys(connection, records)
        behind = [record for record in records if (record.topic, record.key) in waiting]
        await trouble.hold(connection, [(record, trouble.BEHIND, None) for record in behind])
        return [record for record in records if (record.topic, record.key) not in waiting]


_place = attrgetter("topic", "partition")


def reason_of(why: Exception) -> tuple[str, str | None]:
    """Return the words for a held record and the name it waits for, if any."""
    if isinstance(why, NotYet):
        return str(why), why.waits_for
    return f"{type(why).__name__}: {why}", None
