"""From a batch of records to one Postgres transaction: cursor, state and outbox together."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from libs.kit import trouble
from libs.kit.advance import Decoded
from libs.kit.beginning import begin, part_usable
from libs.kit.cursors import Cursor, Moved, Place
from libs.kit.failures import TRANSIENT, Lost, NotYet, Refuse
from libs.kit.handling import Ahead, Handling, working_on
from libs.kit.metrics import (
    BATCH_SECONDS,
    BATCHES_RETRIED,
    RECORDS_APPLIED,
)
from libs.kit.records import Record, Undecodable

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


class Revoked(Exception):  # noqa: N818  # what happened, not that it is an error
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
        #: Where the cursors were last seen: moving them from there is one statement, and finds out if it was wrong.
        self.remembered: dict[Place, Cursor] = {}
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
            begun = await begin(connection, [record], {}, {})
            if begun.fresh and (isinstance(why, Refuse) or isinstance(record, Undecodable)):
                await trouble.park(connection, [(record, str(why))])
            elif begun.fresh and isinstance(record, Record):
                await trouble.hold(connection, [(record, *reason_of(why))])
        self.remembered |= begun.moved

    async def _together(self, records: Sequence[Decoded], starts: dict[Place, int], ahead: Ahead | None) -> None:
        try:
            await self._in_one_transaction(records, starts, ahead, self.remembered)
        except (Moved, Lost):
            if not self.remembered:
                raise
            self.remembered = {}  # somebody else had these partitions in between
            await self._in_one_transaction(records, starts, ahead, {})

    async def _in_one_transaction(
        self, records: Sequence[Decoded], starts: dict[Place, int], ahead: Ahead | None, known: dict[Place, Cursor]
    ) -> None:
        async with self._kit.writing() as connection:
            begun = await begin(connection, records, starts, known)
            if not begun.fresh:
                return
            store = self._kit.store_in(connection)
            usable = await part_usable(connection, begun)
            self.others_may_work.set()
            await self._handling.handle(store, usable, ahead)
        self.remembered |= begun.moved
        self._kit.committed(store)
        for topic, count in Counter(record.topic for record in usable).items():
            RECORDS_APPLIED.labels(topic).inc(count)


def reason_of(why: Exception) -> tuple[str, str | None]:
    """Return the words for a held record and the name it waits for, if any."""
    if isinstance(why, NotYet):
        return str(why), why.waits_for
    return f"{type(why).__name__}: {why}", None
