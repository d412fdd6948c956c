"""The base of every service's Store: one transaction, and what it queues besides its own rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from prometheus_client import Counter

from libs.contracts.catalogue import Event
from libs.kit.context import CURRENT
from libs.kit.database import Connection
from libs.kit.failures import NotYet
from libs.kit.records import Record
from libs.kit.settings import Settings

Row = TypeVar("Row")


class Intended(NamedTuple):
    """An outside effect to carry out after the commit."""

    kind: str
    intent_id: str
    payload: dict[str, Any]
    due_at: datetime
    #: The event or request that led to it, and its trace.
    cause: str | None = None
    traceparent: str | None = None


class Trouble(NamedTuple):
    """A record of the batch that cannot be applied now, or ever."""

    record: Record
    reason: str
    waits_for: str | None
    park: bool


class Store:
    """All SQL of a service, inside one transaction that somebody else commits."""

    def __init__(self, connection: Connection, now: datetime, settings: Settings, cause: str | None = None) -> None:
        self.connection = connection
        self.now = now
        self.settings: Any = settings
        self.cause = cause
        self.appeared: set[str] = set()
        self.intended: list[Intended] = []
        self.troubles: list[Trouble] = []
        self.counted: list[tuple[Counter, int]] = []
        #: Whether the transaction said anything; known once it is concluded.
        self.spoke = False
        self._causes: dict[int, tuple[Event, Record]] = {}

    def appear(self, name: str) -> None:
        """Let records go on that wait for this name (see NotYet), after the commit."""
        self.appeared.add(name)

    def intend(self, kind: str, intent_id: str, payload: dict[str, Any], due_at: datetime | None = None) -> None:
        """Queue an outside effect; an id that was queued before is not queued again."""
        trace = CURRENT.get().traceparent
        self.intended.append(Intended(kind, intent_id, payload, due_at or self.now, self.cause, trace))

    def count(self, counter: Counter, by: int = 1) -> None:
        """Let a metric go up when this commits; what is rolled back and done again counts once."""
        self.counted.append((counter, by))

    def hold(self, record: Record, why: NotYet) -> None:
        """Let one record of a batch, and later ones of its key, wait."""
        self.troubles.append(Trouble(record, str(why), why.waits_for, park=False))

    def park(self, record: Record, reason: str) -> None:
        """Put one record of a batch aside for good."""
        self.troubles.append(Trouble(record, reason, None, park=True))

    def because(self, event: Event, record: Record) -> Event:
        """Return the event, noting which record of a batch led to it."""
        self._causes[id(event)] = (event, record)  # kept together: only a living object has its id to itself
        return event

    def came_of(self, events: Sequence[Event], record: Record) -> Sequence[Event]:
        """Return the events, noting the record for those of which nobody said what led to them."""
        for event in events:
            self._causes.setdefault(id(event), (event, record))
        return events

    def cause_of(self, event: Event) -> str | None:
        """Return the id of what led to this event."""
        found = self._causes.get(id(event))
        return found[1].id if found else self.cause

    def trace_of(self, event: Event) -> str | None:
        """Return the trace this event belongs to."""
        found = self._causes.get(id(event))
        return found[1].traceparent if found else CURRENT.get().traceparent
