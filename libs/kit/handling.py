"""Runs a service's handlers over records, inside a transaction that somebody else commits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from libs.contracts.catalogue import Event
from libs.kit import trouble
from libs.kit.advance import Decoded
from libs.kit.context import CURRENT, Work
from libs.kit.metrics import RECORDS_SKIPPED
from libs.kit.records import Record, as_event
from libs.kit.service import BatchHandler
from libs.kit.store import Store
from libs.kit.transaction import conclude

if TYPE_CHECKING:
    from libs.kit.kit import Kit

#: By topic, of how many records something was prepared, and what: fewer are left if some were applied before.
Ahead = dict[str, tuple[int, Any]]


class Handling:
    """What happens to records that are new, readable and not waiting."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit
        self._handlers = kit.service.handlers
        self._batches = kit.service.hears_in_batches
        self._takes = {topic: {one.__name__ for one in events} for topic, events in kit.service.takes.items()}

    def prepare(self, records: Sequence[Decoded]) -> Ahead:
        """Do ahead of the transaction what needs no database; `handle` does it again for what is left of a batch."""
        ahead = {}
        for topic, prepare in self._kit.service.prepares.items():
            if batch := [one for one in records if one.topic == topic and isinstance(one, Record)]:
                ahead[topic] = (len(batch), prepare(batch))
        return ahead

    async def handle(self, store: Store, records: Sequence[Record], ahead: Ahead | None = None) -> None:
        """Run the handlers over records of one transaction and write what they say and leave undone."""
        said: list[Event] = []
        await self._lock(store, [record for record in records if record.type in self._handlers])
        for topic, batch_handler in self._batches.items():
            batch = self._taken(topic, [record for record in records if record.topic == topic])
            if batch:
                said += await self._many(batch_handler, store, batch, *self._prepared(topic, batch, ahead or {}))
        for record in records:
            if record.topic not in self._batches:
                said += await self._one(store, record)
        connection = store.connection
        await trouble.park(connection, [(t.record, t.reason) for t in store.troubles if t.park])
        await trouble.hold(connection, [(t.record, t.reason, t.waits_for) for t in store.troubles if not t.park])
        await conclude(connection, self._kit.speaker(store), store, said)

    def _taken(self, topic: str, batch: list[Record]) -> list[Record]:
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
        """Return the handler's third argument, where it has one."""
        prepare = self._kit.service.prepares.get(topic)
        if prepare is None:
            return ()
        size, prepared = ahead.get(topic, (0, None))
        return (prepared if size == len(batch) else prepare(batch),)

    async def _many(self, handler: BatchHandler, store: Store, batch: list[Record], *prepared: Any) -> Sequence[Event]:
        if len(batch) == 1:
            with working_on(batch[0], store):
                return store.came_of(await handler(batch, store, *prepared), batch[0])
        return await handler(batch, store, *prepared)

    async def _one(self, store: Store, record: Record) -> Sequence[Event]:
        handler = self._handlers.get(record.type)
        if handler is None:
            RECORDS_SKIPPED.labels(record.topic).inc()
            return ()
        with working_on(record, store):
            return store.came_of(await handler(as_event(record), store), record)


@contextmanager
def working_on(record: Decoded, store: Store | None = None) -> Iterator[None]:
    """Let what is said, intended and logged meanwhile carry the record's ids."""
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
