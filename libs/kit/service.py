"""Declaration of a service: what it consumes and publishes, its tasks, periodic jobs and API."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from libs.kit.metrics import Measure
from libs.kit.settings import Settings
from replenish_contracts.catalogue import Event
from replenish_contracts.topics import TOPICS

if TYPE_CHECKING:
    from libs.kit.kit import Kit
    from libs.kit.store import Store

Handler = Callable[[Any, Any], Awaitable[Sequence[Event]]]
BatchHandler = Callable[..., Awaitable[Sequence[Event]]]
Work = Callable[[Any], Awaitable[Sequence[Event]]]


@dataclass(frozen=True)
class PeriodicJob:
    """A periodic job, run once per period across all replicas, in a transaction, on the service's clock."""

    work: Work
    every_seconds: float
    name: str = ""

    @property
    def called(self) -> str:
        return self.name or getattr(self.work, "__name__", "job")


class Task(NamedTuple):
    """A queued task; `attempt` counts from 1."""

    id: str
    payload: dict[str, Any]
    attempt: int


class TaskResult(NamedTuple):
    """The end of a task: its result, or the reason why it was refused."""

    task: Task
    result: dict[str, Any] | None = None
    refused: str | None = None


Perform = Callable[[Task, "Kit"], Awaitable[dict[str, Any]]]
Complete = Callable[[Task, TaskResult, Any], Awaitable[Sequence[Event]]]


@dataclass(frozen=True)
class TaskKind:
    """A kind of task: performed outside any transaction, completed in one.

    `reconcile` finds the outcome of an attempt that ended ambiguously; without it such a task stays `unknown` and is
    never retried. For an idempotent call it is the same function as `perform`. `longest_seconds` is the time limit of
    a call that may outlast its lease: the lease is then renewed, and still expires soon after a crash.
    """

    kind: str
    perform: Perform
    complete: Complete
    reconcile: Perform | None = None
    lease_seconds: float = 30.0
    longest_seconds: float | None = None


@dataclass(frozen=True)
class Service:
    """A service, as passed to `main`."""

    name: str
    store: "type[Store]"
    consumes: Mapping[type[Event], Handler] = field(default_factory=dict)
    #: By topic: `handler(records, store)`, or `handler(records, store, prepared)` if `prepares` has the topic.
    consumes_in_batches: Mapping[str, BatchHandler] = field(default_factory=dict)
    #: By topic consumed in batches: the events its handler receives; all if the topic is missing here.
    batch_events: Mapping[str, Collection[type[Event]]] = field(default_factory=dict)
    #: By topic: pure computation on a batch, run while Postgres writes the previous batch.
    prepares: Mapping[str, Callable[[Sequence[Any]], Any]] = field(default_factory=dict)
    #: Called before the handlers of several records, to lock their rows in one order.
    locks: Callable[[Sequence[Any], Any], Awaitable[None]] | None = None
    #: Wait briefly after a small batch for more records: for services without latency demands.
    lingers: bool = False
    publishes: Sequence[type[Event]] = ()
    jobs: Sequence[PeriodicJob] = ()
    tasks: Sequence[TaskKind] = ()
    #: Gauges read from the tables at intervals, for /metrics.
    measures: Sequence[Measure] = ()
    api: Any = None
    settings: type[Settings] = Settings
    #: Called with the kit: `on_start` before the first record, `on_stop` in reverse order after the last.
    on_start: Sequence[Callable[["Kit"], Awaitable[None]]] = ()
    on_stop: Sequence[Callable[["Kit"], Awaitable[None]]] = ()

    @property
    def topics(self) -> list[str]:
        """The topics this service consumes, provider topics as `provider-updates-*`."""
        heard = {event.topic.replace("{provider_id}", "*") for event in self.consumes}
        return sorted(heard | set(self.consumes_in_batches))

    @property
    def consumed(self) -> frozenset[str]:
        """The names of the events that reach a handler, singly or in batches."""
        batches = [self.batch_events.get(topic, TOPICS[topic].events) for topic in self.consumes_in_batches]
        return frozenset(event.__name__ for events in (self.consumes, *batches) for event in events)

    @property
    def handlers(self) -> dict[str, Handler]:
        return {event.__name__: handler for event, handler in self.consumes.items()}
