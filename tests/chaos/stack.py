"""The stack with a proxy between each service and its broker and database."""

import os
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deploy.local.names import SERVICES, for_people
from deploy.local.stack import Stack
from deploy.local.worker import Worker
from tests.chaos import proxy


@dataclass
class Between:
    """What stands before one service's broker and database."""

    kafka: proxy.Proxy
    postgres: proxy.Proxy


class ProxiedStack(Stack):
    """Everything as `make up` starts it, but seen through proxies that can strike."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.between: dict[str, Between] = {}
        self._proxies = AsyncExitStack()

    async def stop(self, *, condition: str = "stopped") -> None:
        await super().stop(condition=condition)
        await self._proxies.aclose()

    async def _start_backends(self) -> None:
        await super()._start_backends()
        host, _, port = self.backends.kafka_url.rpartition(":")
        database = urlsplit(self.backends.database_admin_url)
        for service in SERVICES:
            kafka, postgres = proxy.kafka(host, int(port)), proxy.postgres(database.hostname, database.port)
            await self._proxies.enter_async_context(kafka)
            await self._proxies.enter_async_context(postgres)
            self.between[service] = Between(kafka, postgres)

    def _worker(self, service: str, instance: int, shared: dict[str, str]) -> Worker:
        between = self.between[service]
        urls = {
            "KAFKA_URL": f"{between.kafka.upstream[0]}:{between.kafka.port}",
            "DATABASE_URL": through(self.home.secret(service, "database_url"), between.postgres.port),
        }
        return super()._worker(service, instance, shared | urls)

    def pid(self, service: str, instance: int = 0) -> int:
        """Return the process id; 0 while it is down."""
        name = f"{for_people(service)}-{instance}"
        return next((seat.pid or 0 for seat in self.supervisor.seats if seat.member.name == name), 0)

    def kill(self, service: str, instance: int = 0) -> None:
        """SIGKILL, as a crash would."""
        os.kill(self.pid(service, instance), signal.SIGKILL)


def through(url: str, port: int) -> str:
    """Return the same database url, by way of the proxy at this port."""
    parts = urlsplit(url)
    account = parts.netloc.rpartition("@")[0]
    query = f"{parts.query}&sslmode=disable" if parts.query else "sslmode=disable"
    return parts._replace(netloc=f"{account}@{parts.hostname}:{port}", query=query).geturl()
