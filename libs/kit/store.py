"""Base class of every service's Store: one transaction, and the tasks, records and metrics it queues."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from prometheus_client import Counter

from libs.kit import outbox
from libs.kit.connections import Connection
from libs.kit.errors import NotReadyError
from libs.kit.logs import CURRENT
from libs.kit.records import Record
from libs.kit.settings import Settings
from replenish_contracts.catalogue import Event

Row = TypeVar("Row")


class NewTask(NamedTuple):
    """A task to perform after the commit."""

    kind: str
    task_id: str
    payload: dict[str, Any]
    due_at: datetime
    #: The id of the event or request that led to it, and its trace.
    cause: str | None = None
    traceparent: str | None = None


class SetAside(NamedTuple):
    """A record of the batch to defer or to store as a dead letter."""

    record: Record
    reason: str
    waits_for: str | None
    dead_letter: bool


class Store:
    """All SQL of a service, inside one transaction of the caller."""

    def __init__(self, connection: Connection, now: datetime, settings: Settings, cause: str | None = None) -> None:
        self.connection = connection
        self.now = now
        self.settings: Any = settings
        self.cause = cause
        self.resolved_dependencies: set[str] = set()
        self.added_tasks: list[NewTask] = []
        self.set_aside: list[SetAside] = []
        self.counted: list[tuple[Counter, int]] = []
        #: Whether the transaction published events; set by `write_outputs`.
        self.published_events = False
        self._causes: dict[int, tuple[Event, Record]] = {}

    def resolve_dependency(self, name: str) -> None:
        """Resolve a dependency: records deferred for this name (see NotReadyError) are replayed after the commit."""
        self.resolved_dependencies.add(name)

    def add_task(self, kind: str, task_id: str, payload: dict[str, Any], due_at: datetime | None = None) -> None:
        """Queue a task for `due_at`, or now; an id of the same kind is queued only once."""
        trace = CURRENT.get().traceparent
        self.added_tasks.append(NewTask(kind, task_id, payload, due_at or self.now, self.cause, trace))

    def count(self, counter: Counter, by: int = 1) -> None:
        """Increment a metric when this transaction commits, so that retries count once."""
        self.counted.append((counter, by))

    def defer(self, record: Record, error: NotReadyError) -> None:
        """Defer one record of a batch, and later ones of its key."""
        self.set_aside.append(SetAside(record, str(error), error.waits_for, dead_letter=False))

    def reject(self, record: Record, reason: str) -> None:
        """Store one record of a batch as a dead letter."""
        self.set_aside.append(SetAside(record, reason, None, dead_letter=True))

    def caused_by(self, event: Event, record: Record) -> Event:
        """Return the event after registering which record of a batch caused it."""
        self._causes[id(event)] = (event, record)  # the reference keeps the id unique
        return event

    def all_caused_by(self, events: Sequence[Event], record: Record) -> Sequence[Event]:
        """Return the events after registering the record as cause of those without one."""
        for event in events:
            self._causes.setdefault(id(event), (event, record))
        return events

    def cause_of(self, event: Event) -> str | None:
        """Return the id of the event or request that caused this event."""
        found = self._causes.get(id(event))
        return found[1].id if found else self.cause

    def trace_of(self, event: Event) -> str | None:
        found = self._causes.get(id(event))
        return found[1].traceparent if found else CURRENT.get().traceparent


async def write_outputs(
    connection: Connection, writer: outbox.OutboxWriter, store: Store, events: Sequence[Event]
) -> None:
    """Write the queued tasks and the events; call it last before COMMIT.

    The lock order everywhere is: checkpoints, the service's own rows, tasks, then all counters at once.
    """
    if store.resolved_dependencies:
        await retry_dependents(connection, store.resolved_dependencies)
    if store.added_tasks:
        await insert_tasks(connection, store.added_tasks)
    store.published_events = bool(events)
    entries = [outbox.OutboxEntry(event, store.cause_of(event), store.trace_of(event)) for event in events]
    await outbox.write_events(connection, writer, entries)


async def insert_tasks(connection: Connection, tasks: Sequence[NewTask]) -> None:
    await connection.execute(
        """-- insert_tasks
        INSERT INTO task (kind, id, payload, due_at, cause, traceparent)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[]::jsonb[], $4::timestamptz[], $5::text[], $6::text[])
        ON CONFLICT (kind, id) DO NOTHING
        """,
        [task.kind for task in tasks],
        [task.task_id for task in tasks],
        [json.dumps(task.payload, default=str) for task in tasks],
        [task.due_at for task in tasks],
        [task.cause for task in tasks],
        [task.traceparent for task in tasks],
    )


async def retry_dependents(connection: Connection, names: Iterable[str]) -> None:
    """Make the records that wait for these dependencies due for a retry."""
    await connection.execute(
        "-- retry_dependents\nUPDATE deferred SET retry_at = now() WHERE waits_for = ANY($1::text[])", list(names)
    )
