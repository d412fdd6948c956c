"""Runs a service's handlers over records, inside the transaction of the caller."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from libs.kit import trouble
from libs.kit.advance import Decoded
from libs.kit.context import CURRENT, Work
from libs.kit.metrics import RECORDS_SKIPPED
from libs.kit.records import Record, as_event
from libs.kit.service import BatchHandler
from libs.kit.store import Store
from libs.kit.transaction import conclude
from replenish_contracts.catalogue import Event

if TYPE_CHECKING:
    from libs.kit.kit import Kit

#: By topic, the number of prepared records and the result, which is outdated if some were applied before.
Ahead = dict[str, tuple[int, Any]]


class Handling:
    """Handles records that are new, decoded and not deferred."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit
        self._handlers = kit.service.handlers
        self._batches = kit.service.consumes_in_batches
        self._takes = {
            topic: {event.__name__ for event in events} for topic, events in kit.service.batch_events.items()
        }

    def prepare(self, records: Sequence[Decoded]) -> Ahead:
        """Run the service's `prepares` before the transaction; `handle` repeats it if records are dropped."""
        ahead = {}
        for topic, prepare in self._kit.service.prepares.items():
            if batch := [one for one in records if one.topic == topic and isinstance(one, Record)]:
                ahead[topic] = (len(batch), prepare(batch))
        return ahead

    async def handle(self, store: Store, records: Sequence[Record], ahead: Ahead | None = None) -> None:
        """Run the handlers, then write dead letters, deferred records, tasks and events."""
        events: list[Event] = []
        await self._lock(store, [record for record in records if record.type in self._handlers])
        for topic, batch_handler in self._batches.items():
            batch = self._filter_types(topic, [record for record in records if record.topic == topic])
            if batch:
                events += await self._handle_batch(
                    batch_handler, store, batch, *self._prepared(topic, batch, ahead or {})
                )
        for record in records:
            if record.topic not in self._batches:
                events += await self._handle_one(store, record)
        connection = store.connection
        await trouble.park(connection, [(t.record, t.reason) for t in store.troubles if t.park])
        await trouble.hold(connection, [(t.record, t.reason, t.waits_for) for t in store.troubles if not t.park])
        await conclude(connection, self._kit.speaker(store), store, events)

    def _filter_types(self, topic: str, batch: list[Record]) -> list[Record]:
        taken = self._takes.get(topic)
        if taken is None:
            return batch
        wanted = [record for record in batch if record.type in taken]
        RECORDS_SKIPPED.labels(topic).inc(len(batch) - len(wanted))
        return wanted

    async def _lock(self, store: Store, records: Sequence[Record]) -> None:
        lock = self._kit.service.locks
        if lock is not None and len(records) > 1:
            await lock(records, store)

    def _prepared(self, topic: str, batch: list[Record], ahead: Ahead) -> tuple[Any, ...]:
        """Return the handler's third argument if the topic has a `prepares` function."""
        prepare = self._kit.service.prepares.get(topic)
        if prepare is None:
            return ()
        size, prepared = ahead.get(topic, (0, None))
        return (prepared if size == len(batch) else prepare(batch),)

    async def _handle_batch(
        self, handler: BatchHandler, store: Store, batch: list[Record], *prepared: Any
    ) -> Sequence[Event]:
        if len(batch) == 1:
            with record_context(batch[0], store):
                return store.all_caused_by(await handler(batch, store, *prepared), batch[0])
        return await handler(batch, store, *prepared)

    async def _handle_one(self, store: Store, record: Record) -> Sequence[Event]:
        handler = self._handlers.get(record.type)
        if handler is None:
            RECORDS_SKIPPED.labels(record.topic).inc()
            return ()
        with record_context(record, store):
            return store.all_caused_by(await handler(as_event(record), store), record)


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
