"""The stack with a proxy between each service and its broker and database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.local.names import SERVICES, for_people
from deploy.local.ports import free_port
from deploy.local.stack import Stack
from deploy.local.supervisor import Seat
from tests.support import proxy

#: The broker's minimum.
SESSION_SECONDS = 6


@dataclass
class Between:
    """The proxies of one service's broker and database."""

    kafka: proxy.Proxy
    postgres: proxy.Proxy


class ProxiedStack(Stack):
    """The stack of `make up` with proxies that inject faults."""

    def __init__(self, home: Path, *, env: Mapping[str, str], **more: Any) -> None:
        super().__init__(home, env={**env, "SESSION_TIMEOUT_MS": str(1000 * SESSION_SECONDS)}, **more)
        #: By service and instance.
        self.between: dict[tuple[str, int], Between] = {}
        self._proxies = AsyncExitStack()

    async def stop(self, *, condition: str = "stopped") -> None:
        await super().stop(condition=condition)
        await self._proxies.aclose()

    async def _start_backends(self) -> None:
        await super()._start_backends()
        for service in SERVICES:
            await self._put_between(service, 0)

    async def _put_between(self, service: str, instance: int) -> None:
        host, _, port = self.backends.kafka_url.rpartition(":")
        database = urlsplit(self.backends.database_admin_url)
        kafka, postgres = proxy.kafka(host, int(port)), proxy.postgres(database.hostname, database.port)
        await self._proxies.enter_async_context(kafka)
        await self._proxies.enter_async_context(postgres)
        self.between[service, instance] = Between(kafka, postgres)

    def _told(self, service: str, instance: int) -> dict[str, str]:
        between = self.between[service, instance]
        urls = {
            "KAFKA_URL": f"{between.kafka.upstream[0]}:{between.kafka.port}",
            "DATABASE_URL": through(self.home.secret(service, "database_url"), between.postgres.port),
        }
        return super()._told(service, instance) | urls

    @asynccontextmanager
    async def one_more(self, service: str) -> AsyncIterator[None]:
        """Run a second instance within the block."""
        await self._put_between(service, 1)
        self._ports[f"{for_people(service)}-1"] = free_port()
        worker = self._worker(service, 1)
        self.supervisor.groups[-1].append(seat := Seat(worker, condition="starting"))
        try:
            await worker.start()
            yield
        finally:
            self.supervisor.groups[-1].remove(seat)
            await worker.stop()

    def url(self, service: str, instance: int = 0) -> str:
        return self._url(service, instance)

    def pid(self, service: str, instance: int = 0) -> int:
        """Return the process id; 0 while it is down."""
        name = f"{for_people(service)}-{instance}"
        return next((seat.pid or 0 for seat in self.supervisor.seats if seat.member.name == name), 0)


def through(url: str, port: int) -> str:
    """Return the database URL with the port of a proxy."""
    parts = urlsplit(url)
    account = parts.netloc.rpartition("@")[0]
    query = f"{parts.query}&sslmode=disable" if parts.query else "sslmode=disable"
    return parts._replace(netloc=f"{account}@{parts.hostname}:{port}", query=query).geturl()
