"""The runtime of one service: its connection pool, transactions, state, and wake-ups after a commit."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self
from uuid import uuid4

from aiokafka.errors import KafkaError
from pydantic_core import to_jsonable_python
from typing_extensions import TypeVar

from libs.kit import topics
from libs.kit.client import InternalHttpClient, ServiceToken
from libs.kit.clock import Clock, clock_from
from libs.kit.connections import Connection, Pool, open_pool
from libs.kit.errors import RetryLaterError
from libs.kit.logs import CURRENT
from libs.kit.outbox import OutboxWriter
from libs.kit.records import Place
from libs.kit.service import Service
from libs.kit.settings import Settings
from libs.kit.store import Store, write_outputs
from replenish_contracts.catalogue import Event
from replenish_contracts.topics import Topic

if TYPE_CHECKING:
    import httpx

    from libs.kit.http.idempotency import IdempotentRequest


LOG = logging.getLogger(__name__)
CLOSE_SECONDS = 5.0
T = TypeVar("T")
#: The store of a service; `Kit` without it leaves stores untyped.
StoreT = TypeVar("StoreT", bound=Store, default=Any)


class State:
    """Objects of a service that belong to one running instance, one per class, for as long as its kit exists."""

    def __init__(self) -> None:
        self._objects: dict[type, Any] = {}

    def put(self, kind: type[T], instance: T) -> T:
        """Store the object of this class, instead of an earlier one, and return it."""
        self._objects[kind] = instance
        return instance

    def get(self, kind: type[T]) -> T:
        """Return the object of this class; raises LookupError if there is none."""
        try:
            found: T = self._objects[kind]
        except KeyError:
            raise LookupError(f"the state has no {kind.__name__}") from None
        return found

    def get_or_create(self, kind: type[T], create: Callable[[], T]) -> T:
        """Return the object of this class, which the first call creates."""
        if kind not in self._objects:
            self._objects[kind] = create()
        return self.get(kind)


class StoredResponse(NamedTuple):
    """The stored response, which every retry gets."""

    status: int
    body: dict[str, Any]


class Transaction(Generic[StoreT]):
    """The transaction of an HTTP command: its store, its events and its idempotent response."""

    def __init__(self, store: StoreT, replayed: StoredResponse | None = None) -> None:
        self.store = store
        self.replayed = replayed
        self.events: list[Event] = []
        self.response: StoredResponse | None = None

    def publish(self, *events: Event) -> None:
        self.events += events

    def respond(self, status: int, body: dict[str, Any]) -> StoredResponse:
        """Store this response, as JSON, under the request's Idempotency-Key, and return it for sending."""
        self.response = StoredResponse(status, to_jsonable_python(body))
        return self.response


class Kit(Generic[StoreT]):
    """The runtime passed to routes and tasks: database, clock, HTTP client, token verification."""

    def __init__(self, service: Service, settings: Settings, pool: Pool) -> None:
        self.service, self.settings, self.pool = service, settings, pool
        #: Tells this process from earlier or concurrent processes of the same replica.
        self.process = uuid4().hex[:8]
        self.clock: Clock = clock_from(settings.clock_file)
        self.client = InternalHttpClient()
        self._token = ServiceToken(self.client, settings.portal_url, service.name, settings.service_key)
        self.state = State()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wakers: list[Any] = []
        self._counters: set[Place] = set()
        #: The web application, if the service has one.
        self.app: Any = None

    @classmethod
    async def open(cls, service: Service, settings: Settings) -> Self:
        return cls(service, settings, await open_pool(settings, service.name))

    async def close(self) -> None:
        await self.client.close()
        try:
            await asyncio.wait_for(self.pool.close(), CLOSE_SECONDS)
        except TimeoutError:
            self.pool.terminate()

    @property
    def http(self) -> "httpx.AsyncClient":
        return self.client.client

    @property
    def replica(self) -> str:
        """The name of this replica, stable across restarts."""
        return f"{self.service.name.replace('_', '-')}-{self.settings.instance}"

    def fail(self, error: BaseException) -> None:
        """Stop the process, because continuing would hide a loss or a stall; only the first error is kept."""
        if not self.failed.done():
            self.failed.set_exception(error)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """Yield a connection in a transaction that commits at the end."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield connection

    def store_in(self, connection: Connection, cause: str | None = None) -> StoreT:
        store: Any = self.service.store(connection, self.clock.now(), self.settings, cause)
        return store  # type: ignore[no-any-return]  # `Service` does not name the type of its store

    def outbox_writer(self, store: Store) -> OutboxWriter:
        return OutboxWriter(self.service.name.replace("_", "-"), store.now, self._counters)

    @asynccontextmanager
    async def transaction(self, idempotency: "IdempotentRequest | None" = None) -> AsyncIterator[Transaction[StoreT]]:
        """Open a transaction for a command; its events enter the outbox with the commit.

        With `idempotency`, a retried request has its stored response in `replayed`.
        """
        async with self.writing() as connection:
            store = self.store_in(connection, CURRENT.get().cause)
            transaction = Transaction(store, await idempotency.find_response(connection) if idempotency else None)
            yield transaction
            if idempotency and transaction.response and not transaction.replayed:
                await idempotency.save_response(connection, transaction.response)
            await write_outputs(connection, self.outbox_writer(store), store, transaction.events)
        self.committed(store)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[StoreT]:
        """Yield a store on a read-only snapshot."""
        async with (
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield self.store_in(connection)

    def on_commit(self, *wakers: Any) -> None:
        """Register components whose `after_commit(store)` is called after every commit of this process."""
        self._wakers += wakers

    def committed(self, store: Store) -> None:
        """Update the metrics counted in the transaction and wake the registered components."""
        for counter, by in store.counted:
            counter.inc(by)
        for waker in self._wakers:
            waker.after_commit(store)

    async def service_token(self) -> str:
        """Return this service's bearer token for calls to other services; raises RetryLaterError."""
        return await self._token.get()

    async def create_topics(self, wanted: Sequence[Topic]) -> None:
        """Create missing topics, such as a new provider's; raises RetryLaterError while the broker is unavailable."""
        try:
            await topics.create_topics(self.settings.kafka_url, wanted)
        except KafkaError as error:
            raise RetryLaterError(f"topics not created: {error!r}") from error
