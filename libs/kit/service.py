"""What a service declares: its table of contents, read by the kit."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from libs.contracts.catalogue import Event
from libs.contracts.topics import TOPICS
from libs.kit.measures import Measure
from libs.kit.settings import Settings
from libs.kit.store import Store

if TYPE_CHECKING:
    from libs.kit.kit import Kit

Handler = Callable[[Any, Any], Awaitable[Sequence[Event]]]
BatchHandler = Callable[..., Awaitable[Sequence[Event]]]
Work = Callable[[Any], Awaitable[Sequence[Event]]]


@dataclass(frozen=True)
class Tick:
    """Something done once per period across all replicas, in a transaction, on the service's clock."""

    work: Work
    every_seconds: float
    name: str = ""

    @property
    def called(self) -> str:
        return self.name or getattr(self.work, "__name__", "tick")


class Intent(NamedTuple):
    """An outside effect that was decided on."""

    id: str
    payload: dict[str, Any]
    attempt: int


class Outcome(NamedTuple):
    """How an effect ended: what came back, or why it never will."""

    intent: Intent
    result: dict[str, Any] | None = None
    refused: str | None = None


Perform = Callable[[Intent, "Kit"], Awaitable[dict[str, Any]]]
Settle = Callable[[Intent, Outcome, Any], Awaitable[Sequence[Event]]]


@dataclass(frozen=True)
class Effect:
    """An outside effect: performed outside any transaction, settled in one.

    `reconcile` asks what became of an attempt whose outcome nobody knows; without it such an
    intent stays `unknown`, visibly, and is never tried again. Where repeating is harmless it is
    the same function as `perform`. A call that may take longer than its lease says how long at the
    most: the lease is renewed meanwhile, and still ends soon after a process that dies.
    """

    kind: str
    perform: Perform
    settle: Settle
    reconcile: Perform | None = None
    lease_seconds: float = 30.0
    longest_seconds: float | None = None


@dataclass(frozen=True)
class Service:
    """A service as the kit runs it."""

    name: str
    store: type[Store]
    hears: Mapping[type[Event], Handler] = field(default_factory=dict)
    #: By topic: `handler(records, store)`, or `handler(records, store, prepared)` where `prepares` has the topic.
    hears_in_batches: Mapping[str, BatchHandler] = field(default_factory=dict)
    #: Of a topic read in batches: the events its handler is given; all where the topic is not named here.
    takes: Mapping[str, Collection[type[Event]]] = field(default_factory=dict)
    #: By topic: pure work on a batch that is done while Postgres writes the batch before.
    prepares: Mapping[str, Callable[[Sequence[Any]], Any]] = field(default_factory=dict)
    #: Locks what the handlers of several records will lock, in one order, before the first of them runs.
    locks: Callable[[Sequence[Any], Any], Awaitable[None]] | None = None
    #: Whether records gather for a moment after a small batch: for who only shows, tells or keeps books.
    gathers: bool = False
    says: Sequence[type[Event]] = ()
    ticks: Sequence[Tick] = ()
    effects: Sequence[Effect] = ()
    #: What is read of the tables now and then for /metrics.
    measures: Sequence[Measure] = ()
    api: Any = None
    settings: type[Settings] = Settings
    #: Called with the kit before the first record and again, in reverse order, after the last.
    starts: Sequence[Callable[["Kit"], Awaitable[None]]] = ()
    stops: Sequence[Callable[["Kit"], Awaitable[None]]] = ()

    @property
    def topics(self) -> list[str]:
        """Return the topics this service reads, provider topics as `provider-updates-*`."""
        heard = {event.topic.replace("{provider_id}", "*") for event in self.hears}
        return sorted(heard | set(self.hears_in_batches))

    @property
    def heard(self) -> frozenset[str]:
        """Return the names of the events that reach a handler, one by one or in batches."""
        batches = [self.takes.get(topic, TOPICS[topic].events) for topic in self.hears_in_batches]
        return frozenset(event.__name__ for events in (self.hears, *batches) for event in events)

    @property
    def handlers(self) -> dict[str, Handler]:
        return {event.__name__: handler for event, handler in self.hears.items()}
