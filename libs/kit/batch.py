"""Applies batches of records: checkpoints, state and outbox are committed in one Postgres transaction."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from libs.kit import checkpoints, dead_letters, deferred
from libs.kit.checkpoints import Checkpoint, CheckpointMovedError, Decoded, advance, check_joint
from libs.kit.connections import Connection
from libs.kit.errors import TRANSIENT, NotReadyError, RecordLossError, RejectedError
from libs.kit.logs import CURRENT, Work
from libs.kit.metrics import BATCH_SECONDS, BATCHES_RETRIED, RECORDS_APPLIED, RECORDS_REPEATED, RECORDS_SKIPPED
from libs.kit.records import Place, Record, Undecodable, as_event
from libs.kit.store import Store, write_outputs
from replenish_contracts.catalogue import Event

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0

#: By topic, the number of records passed to `prepares` and its result; outdated if some were applied before.
Prepared = dict[str, tuple[int, Any]]


class PartitionsRevokedError(Exception):
    """The partitions were assigned to another replica while a batch was being retried."""


class ClaimedBatch(NamedTuple):
    """A batch without repetitions, the checkpoints after it, and whether the service has any deferred record."""

    fresh: list[Decoded]
    moved: dict[Place, Checkpoint]
    any_deferred: bool


class BatchProcessor:
    """Applies each record exactly once, also after repetitions, delays and crashes."""

    def __init__(self, kit: "Kit", dispatcher: "Dispatcher | None" = None) -> None:
        self._kit = kit
        self._dispatcher = dispatcher or Dispatcher(kit)
        self._still_assigned: Callable[[], bool] = lambda: True
        self.prepare = self._dispatcher.prepare
        #: Set while a batch waits for Postgres or none is running; decoding then delays no batch.
        self.waiting_for_postgres = asyncio.Event()
        self.waiting_for_postgres.set()
        #: Last known checkpoints. Moving them needs one statement, which also detects that they are outdated.
        self.checkpoints: dict[Place, Checkpoint] = {}
        #: When the current batch started or last progressed.
        self.progressed_at = time.monotonic()

    async def apply(
        self,
        records: Sequence[Decoded],
        starts: dict[Place, int],
        still_assigned: Callable[[], bool] = lambda: True,
        prepared: Prepared | None = None,
    ) -> None:
        """Apply a batch in one transaction, or record by record if a record fails.

        `starts` has the offset from which each partition is complete, `prepared` the result of `prepare`. Temporary
        failures are retried while the partitions remain assigned; after that their next owner reads the records
        again. Raises `RecordLossError`.
        """
        began = time.perf_counter()
        self.progressed_at = time.monotonic()
        self._still_assigned = still_assigned
        try:
            await self._apply_with_retries(records, starts, prepared)
        except PartitionsRevokedError:
            return
        except (RecordLossError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001  # a handler's bug must stop only its own key
            LOG.warning("batch failed; applying one by one", extra={"reason": repr(error), "records": len(records)})
            try:
                for record in records:
                    await self._apply_alone(record)
                    self.progressed_at = time.monotonic()
            except PartitionsRevokedError:
                return
        BATCH_SECONDS.observe(time.perf_counter() - began)

    async def _apply_with_retries(
        self, records: Sequence[Decoded], starts: dict[Place, int], prepared: Prepared | None = None
    ) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._apply_once(records, starts, prepared)
            except TRANSIENT as error:
                BATCHES_RETRIED.inc()
                LOG.warning("batch not applied; retrying", extra={"reason": repr(error), "seconds": pause})
                if not self._still_assigned():
                    raise PartitionsRevokedError from error
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _apply_once(
        self, records: Sequence[Decoded], starts: dict[Place, int], prepared: Prepared | None
    ) -> None:
        try:
            await self._apply_in_transaction(records, starts, prepared, self.checkpoints)
        except (CheckpointMovedError, RecordLossError):
            if not self.checkpoints:
                raise
            self.checkpoints = {}  # another replica owned these partitions meanwhile
            await self._apply_in_transaction(records, starts, prepared, {})

    async def _apply_in_transaction(
        self,
        records: Sequence[Decoded],
        starts: dict[Place, int],
        prepared: Prepared | None,
        known: dict[Place, Checkpoint],
    ) -> None:
        async with self._kit.writing() as connection:
            claimed = await claim_batch(connection, records, starts, known)
            if not claimed.fresh:
                return
            store = self._kit.store_in(connection)
            usable = await split_unprocessable(connection, claimed)
            self.waiting_for_postgres.set()
            await self._dispatcher.handle(store, usable, prepared)
        self.checkpoints |= claimed.moved
        self._kit.committed(store)
        for topic, count in Counter(record.topic for record in usable).items():
            RECORDS_APPLIED.labels(topic).inc(count)

    async def _apply_alone(self, record: Decoded) -> None:
        """Apply one record; if it fails, store it as a dead letter or defer it."""
        try:
            await self._apply_with_retries([record], {})
        except (RecordLossError, PartitionsRevokedError, asyncio.CancelledError):
            raise
        except Exception as error:  # attributed to this record
            with record_context(record):
                if not isinstance(error, NotReadyError | RejectedError):
                    LOG.exception("handler failed", extra={"topic": record.topic, "offset": record.offset})
                await self._set_aside(record, error)

    async def _set_aside(self, record: Decoded, error: Exception) -> None:
        while True:
            try:
                async with self._kit.writing() as connection:
                    claimed = await claim_batch(connection, [record], {}, {})
                    if claimed.fresh and (isinstance(error, RejectedError) or isinstance(record, Undecodable)):
                        await dead_letters.save_dead_letters(connection, [(record, str(error))])
                    elif claimed.fresh and isinstance(record, Record):
                        await deferred.defer_records(connection, [(record, *deferred.reason_of(error))])
            except TRANSIENT:
                if not self._still_assigned():
                    raise PartitionsRevokedError from error
                await asyncio.sleep(FIRST_PAUSE_SECONDS)
            else:
                self.checkpoints |= claimed.moved
                return


class Dispatcher:
    """Runs a service's handlers over records that are new, decoded and not deferred."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit
        self._handlers = kit.service.handlers
        self._batches = kit.service.consumes_in_batches
        self._batch_types = {
            topic: {event.__name__ for event in events} for topic, events in kit.service.batch_events.items()
        }

    def prepare(self, records: Sequence[Decoded]) -> Prepared:
        """Run the service's `prepares` before the transaction; `handle` repeats it if records are dropped."""
        prepared = {}
        for topic, prepare in self._kit.service.prepares.items():
            if batch := [one for one in records if one.topic == topic and isinstance(one, Record)]:
                prepared[topic] = (len(batch), prepare(batch))
        return prepared

    async def handle(self, store: Store, records: Sequence[Record], prepared: Prepared | None = None) -> None:
        """Run the handlers in the store's transaction, then write dead letters, deferred records, tasks and events."""
        events: list[Event] = []
        single = [record for record in records if record.type in self._handlers]
        if self._kit.service.locks is not None and len(single) > 1:
            await self._kit.service.locks(single, store)
        for topic in self._batches:
            if batch := self._filter_types(topic, [record for record in records if record.topic == topic]):
                events += await self._handle_batch(store, batch, prepared or {})
        for record in records:
            if record.topic not in self._batches:
                events += await self._handle_one(store, record)
        connection, aside = store.connection, store.set_aside
        await dead_letters.save_dead_letters(connection, [(one.record, one.reason) for one in aside if one.dead_letter])
        await deferred.defer_records(
            connection, [(one.record, one.reason, one.waits_for) for one in aside if not one.dead_letter]
        )
        await write_outputs(connection, self._kit.outbox_writer(store), store, events)

    def _filter_types(self, topic: str, batch: list[Record]) -> list[Record]:
        types = self._batch_types.get(topic)
        if types is None:
            return batch
        wanted = [record for record in batch if record.type in types]
        RECORDS_SKIPPED.labels(topic).inc(len(batch) - len(wanted))
        return wanted

    async def _handle_batch(self, store: Store, batch: list[Record], prepared: Prepared) -> Sequence[Event]:
        topic = batch[0].topic
        handler, arguments = self._batches[topic], [batch, store]
        if prepare := self._kit.service.prepares.get(topic):
            size, result = prepared.get(topic, (0, None))
            arguments.append(result if size == len(batch) else prepare(batch))
        if len(batch) > 1:
            return await handler(*arguments)
        with record_context(batch[0], store):
            return store.all_caused_by(await handler(*arguments), batch[0])

    async def _handle_one(self, store: Store, record: Record) -> Sequence[Event]:
        handler = self._handlers.get(record.type)
        if handler is None:
            RECORDS_SKIPPED.labels(record.topic).inc()
            return ()
        with record_context(record, store):
            return store.all_caused_by(await handler(as_event(record), store), record)


async def claim_batch(
    connection: Connection, records: Sequence[Decoded], starts: dict[Place, int], known: dict[Place, Checkpoint]
) -> ClaimedBatch:
    """Drop records that were applied before and move the checkpoints past the rest.

    Checkpoints that are not in `known` are locked and read first. Raises `CheckpointMovedError` or `RecordLossError`
    if a known checkpoint differs from the stored one, and `RecordLossError` if records are missing.
    """
    runs = {place: list(run) for place, run in groupby(records, key=attrgetter("topic", "partition"))}
    if runs.keys() <= known.keys():
        known = {place: known[place] for place in runs}
    else:
        known = await checkpoints.lock_checkpoints(connection, runs)
    check_joint(known, starts)
    fresh: list[Decoded] = []
    moved: dict[Place, Checkpoint] = {}
    for place, run in runs.items():
        new, moved[place] = advance(known[place], run)
        fresh.extend(new)
        if len(new) < len(run):
            RECORDS_REPEATED.labels(place[0]).inc(len(run) - len(new))
    any_deferred = moved != known and await checkpoints.save_checkpoints(connection, known, moved)
    return ClaimedBatch(fresh, moved, any_deferred)


async def split_unprocessable(connection: Connection, claimed: ClaimedBatch) -> list[Record]:
    """Return the records to handle; store undecodable ones as dead letters and defer those behind a deferred record."""
    usable = [record for record in claimed.fresh if isinstance(record, Record)]
    if len(usable) < len(claimed.fresh):
        undecodable = [record for record in claimed.fresh if isinstance(record, Undecodable)]
        await dead_letters.save_dead_letters(
            connection, [(record, record.reason) for record in undecodable if not record.skip]
        )
        for record in undecodable:
            if record.skip:
                RECORDS_SKIPPED.labels(record.topic).inc()
    if not usable or not claimed.any_deferred:
        return usable
    keys = await deferred.find_deferred_keys(connection, usable)
    behind = [record for record in usable if (record.topic, record.key) in keys]
    await deferred.defer_records(connection, [(record, deferred.BEHIND, None) for record in behind])
    return [record for record in usable if (record.topic, record.key) not in keys]


@contextmanager
def record_context(record: Decoded, store: Store | None = None) -> Iterator[None]:
    """Set the record's ids as context of the events, tasks and log lines produced in the block."""
    trace = (record.traceparent, record.cause) if isinstance(record, Record) else (None, None)
    token = CURRENT.set(Work(record.id, *trace))
    if store is not None:
        store.cause = record.id
    try:
        yield
    finally:
        CURRENT.reset(token)
        if store is not None:
            store.cause = None
