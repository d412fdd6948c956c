"""The running kit of one service: its connections, its transactions, and what wakes after a commit."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from aiokafka.errors import KafkaError
from pydantic_core import to_jsonable_python

from libs.contracts.catalogue import Event
from libs.contracts.topics import Topic
from libs.kit import topics
from libs.kit.clock import Clock, clock_from
from libs.kit.context import CURRENT
from libs.kit.cursors import Place
from libs.kit.database import Connection, Pool, open_pool
from libs.kit.failures import Retry
from libs.kit.idempotency import Asked, Kept, find_answer, keep_answer
from libs.kit.identity import ServiceToken, Verifier
from libs.kit.neighbours import Neighbours
from libs.kit.outbox import Speaker
from libs.kit.service import Service
from libs.kit.settings import Settings
from libs.kit.store import Store
from libs.kit.transaction import conclude

if TYPE_CHECKING:
    import httpx

LOG = logging.getLogger(__name__)
CLOSE_SECONDS = 5.0


class Transaction:
    """A transaction of an HTTP command: its store, what it says, and its repeatable answer."""

    def __init__(self, store: Any, replayed: Kept | None = None) -> None:
        self.store = store
        self.replayed = replayed
        self.said: list[Event] = []
        self.answered: Kept | None = None

    def say(self, *events: Event) -> None:
        self.said += events

    def answer(self, status: int, body: dict[str, Any]) -> Kept:
        """Keep this answer, as JSON has it, under the request's Idempotency-Key; return it for the caller to send."""
        self.answered = Kept(status, to_jsonable_python(body))
        return self.answered


class Kit:
    """What handlers' surroundings, routes and effects of a service work with."""

    def __init__(self, service: Service, settings: Settings, pool: Pool) -> None:
        self.service, self.settings, self.pool = service, settings, pool
        self.clock: Clock = clock_from(settings.clock_file)
        self._neighbours = Neighbours()
        self.verifier = Verifier(self._neighbours, settings.portal_url)
        self._token = ServiceToken(self._neighbours, settings.portal_url, service.name, settings.service_key)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wakers: list[Any] = []
        self._counters: set[Place] = set()
        #: The web application, where one was built.
        self.app: Any = None

    @classmethod
    async def open(cls, service: Service, settings: Settings) -> Self:
        return cls(service, settings, await open_pool(settings, service.name))

    async def close(self) -> None:
        await self._neighbours.close()
        try:
            await asyncio.wait_for(self.pool.close(), CLOSE_SECONDS)
        except TimeoutError:
            self.pool.terminate()

    @property
    def http(self) -> "httpx.AsyncClient":
        """Return the client for calls to other services."""
        return self._neighbours.client

    @property
    def replica(self) -> str:
        """Return the name of this replica, the same after a restart."""
        return f"{self.service.name.replace('_', '-')}-{self.settings.instance}"

    def fail(self, why: BaseException) -> None:
        """Stop the process: going on would hide a loss, or do nothing while looking healthy."""
        if not self.failed.done():
            self.failed.set_exception(why)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """Give a connection inside a transaction that commits at the end."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield connection

    def store_in(self, connection: Connection, cause: str | None = None) -> Any:
        return self.service.store(connection, self.clock.now(), self.settings, cause)

    def speaker(self, store: Store) -> Speaker:
        return Speaker(self.service.name.replace("_", "-"), store.now, self._counters)

    @asynccontextmanager
    async def transaction(self, idempotency: Asked | None = None) -> AsyncIterator[Transaction]:
        """Open a transaction for a command; what it says goes to the outbox when it commits.

        With `idempotency`, a request seen before has its kept answer in `replayed`.
        """
        async with self.writing() as connection:
            store = self.store_in(connection, CURRENT.get().cause)
            transaction = Transaction(store, await find_answer(connection, idempotency))
            yield transaction
            if idempotency and transaction.answered and not transaction.replayed:
                await keep_answer(connection, idempotency, transaction.answered)
            await conclude(connection, self.speaker(store), store, transaction.said)
        self.committed(store)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        """Give a store that sees one moment and cannot change anything."""
        async with (
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield self.store_in(connection)

    def on_commit(self, *wakers: Any) -> None:
        """Register parts whose `after_commit(store)` is called with the store of every commit of this process."""
        self._wakers += wakers

    def committed(self, store: Store) -> None:
        """Count what was counted in the transaction, and wake those who look for what it left."""
        for counter, by in store.counted:
            counter.inc(by)
        for waker in self._wakers:
            waker.after_commit(store)

    async def service_token(self) -> str:
        """Return a token that tells other services who asks."""
        return await self._token.get()

    async def create_topics(self, wanted: Sequence[Topic]) -> None:
        """Make topics that do not exist yet, such as a new provider's; raises Retry while the broker is away."""
        try:
            await topics.create_topics(self.settings.kafka_url, wanted)
        except KafkaError as away:
            raise Retry(f"no topics yet: {away!r}") from away
