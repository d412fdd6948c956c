"""Applies batches of records: checkpoints, state and outbox are committed in one Postgres transaction."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from libs.kit import trouble
from libs.kit.advance import Decoded
from libs.kit.checkpoints import Checkpoint, CheckpointMovedError, Place
from libs.kit.claiming import claim_batch, split_unprocessable
from libs.kit.errors import TRANSIENT, NotReadyError, RecordLossError, RejectedError
from libs.kit.handling import Ahead, Handling, record_context
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


class PartitionsRevokedError(Exception):
    """The partitions were assigned to another replica while a batch was being retried."""


class Intake:
    """Applies each record exactly once, also after repetitions, delays and crashes."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit
        self._handling = Handling(kit)
        self._still_ours: Callable[[], bool] = lambda: True
        self.prepare = self._handling.prepare
        #: Set while a batch waits for Postgres or none is running; decoding then delays no batch.
        self.waiting_for_postgres = asyncio.Event()
        self.waiting_for_postgres.set()
        #: Last known checkpoints. Moving them needs one statement, which also detects that they are outdated.
        self.checkpoints: dict[Place, Checkpoint] = {}
        #: When the current batch started or last progressed.
        self.moved_at = time.monotonic()

    async def apply(
        self,
        records: Sequence[Decoded],
        starts: dict[Place, int],
        still_ours: Callable[[], bool] = lambda: True,
        ahead: Ahead | None = None,
    ) -> None:
        """Apply a batch in one transaction, or record by record if a record fails.

        `starts` has the offset from which each partition is complete, `ahead` the result of `prepare`. Temporary
        failures are retried while the partitions remain assigned; after that their next owner reads the records
        again. Raises `RecordLossError`.
        """
        began = time.perf_counter()
        self.moved_at = time.monotonic()
        self._still_ours = still_ours
        try:
            await self._apply_with_retries(records, starts, ahead)
        except PartitionsRevokedError:
            return
        except (RecordLossError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001  # a handler's bug must stop only its own key
            LOG.warning("batch failed; applying one by one", extra={"reason": repr(error), "records": len(records)})
            await self._one_by_one(records)
        BATCH_SECONDS.observe(time.perf_counter() - began)

    async def _one_by_one(self, records: Sequence[Decoded]) -> None:
        try:
            for record in records:
                await self._apply_alone(record)
                self.moved_at = time.monotonic()
        except PartitionsRevokedError:
            return

    async def _apply_with_retries(
        self, records: Sequence[Decoded], starts: dict[Place, int] | None = None, ahead: Ahead | None = None
    ) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._apply_batch(records, starts or {}, ahead)
            except TRANSIENT as error:
                BATCHES_RETRIED.inc()
                LOG.warning("batch not applied; retrying", extra={"reason": repr(error), "seconds": pause})
                if not self._still_ours():
                    raise PartitionsRevokedError from error
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _apply_alone(self, record: Decoded) -> None:
        try:
            await self._apply_with_retries([record])
        except (RecordLossError, PartitionsRevokedError, asyncio.CancelledError):
            raise
        except Exception as error:  # attributed to this record
            with record_context(record):
                if not isinstance(error, NotReadyError | RejectedError):
                    LOG.exception("handler failed", extra={"topic": record.topic, "offset": record.offset})
                await self._set_aside_with_retries(record, error)

    async def _set_aside_with_retries(self, record: Decoded, error: Exception) -> None:
        while True:
            try:
                return await self._set_aside(record, error)
            except TRANSIENT:
                if not self._still_ours():
                    raise PartitionsRevokedError from error
                await asyncio.sleep(FIRST_PAUSE_SECONDS)

    async def _set_aside(self, record: Decoded, error: Exception) -> None:
        async with self._kit.writing() as connection:
            claimed = await claim_batch(connection, [record], {}, {})
            if claimed.fresh and (isinstance(error, RejectedError) or isinstance(record, Undecodable)):
                await trouble.park(connection, [(record, str(error))])
            elif claimed.fresh and isinstance(record, Record):
                await trouble.hold(connection, [(record, *reason_of(error))])
        self.checkpoints |= claimed.moved

    async def _apply_batch(self, records: Sequence[Decoded], starts: dict[Place, int], ahead: Ahead | None) -> None:
        try:
            await self._in_one_transaction(records, starts, ahead, self.checkpoints)
        except (CheckpointMovedError, RecordLossError):
            if not self.checkpoints:
                raise
            self.checkpoints = {}  # another replica owned these partitions meanwhile
            await self._in_one_transaction(records, starts, ahead, {})

    async def _in_one_transaction(
        self, records: Sequence[Decoded], starts: dict[Place, int], ahead: Ahead | None, known: dict[Place, Checkpoint]
    ) -> None:
        async with self._kit.writing() as connection:
            claimed = await claim_batch(connection, records, starts, known)
            if not claimed.fresh:
                return
            store = self._kit.store_in(connection)
            usable = await split_unprocessable(connection, claimed)
            self.waiting_for_postgres.set()
            await self._handling.handle(store, usable, ahead)
        self.checkpoints |= claimed.moved
        self._kit.committed(store)
        for topic, count in Counter(record.topic for record in usable).items():
            RECORDS_APPLIED.labels(topic).inc(count)


def reason_of(error: Exception) -> tuple[str, str | None]:
    """Return the reason to store with a deferred record, and the dependency it waits for, if any."""
    if isinstance(error, NotReadyError):
        return str(error), error.waits_for
    return f"{type(error).__name__}: {error}", None
