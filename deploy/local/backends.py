"""Chooses broker and database: those named in the environment, else Docker containers, else local processes."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local import containers
from deploy.local.broker import unready
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres, answers
from deploy.local.roles import isolate_server
from deploy.local.waiting import until

READY_WITHIN_SECONDS = 60
DATA_IS_KEPT = "so that data survives a restart (with Docker: docker compose up)"


class Backends:
    """A broker and a database server; stops only what it started."""

    def __init__(
        self, folder: Path, *, durable: bool = True, docker: bool = True, say: Callable[[str], None] = print
    ) -> None:
        """Does not start anything.

        With durable=False nothing is flushed to disk, and the database is deleted on stop. Containers lose
        their data on stop as well; pass docker=False to keep it.
        """
        self.folder = Path(folder)
        #: The embedded broker and server, for tests that break them; None if external or in Docker.
        self.kafka: Kafka | None = None
        self.postgres: Postgres | None = None
        #: "given", "docker" or "embedded".
        self.kafka_kind = self.database_kind = ""
        self.kafka_url = self.database_admin_url = ""
        self._durable = durable
        self._docker = docker
        self._say = say
        self._stops: containers.Stops = []

    @property
    def kind(self) -> str:
        """given, docker or embedded; both joined by "+" if broker and database differ."""
        return "+".join(dict.fromkeys((self.kafka_kind, self.database_kind)))

    async def start(self) -> None:
        """Start what is not given; return when both accept work."""
        no_docker = containers.why_not() if self._docker else DATA_IS_KEPT
        await asyncio.gather(self._start_kafka(no_docker), self._start_postgres(no_docker))
        if self.database_kind != "given":
            await isolate_server(self.database_admin_url)

    async def stop(self) -> None:
        """Stop what `start` started."""
        while self._stops:
            self._stops.pop()()
        if self.postgres is not None:
            await self.postgres.stop()
            if not self._durable:
                self.postgres.remove()  # as root the data may lie outside our folder, where it is not cleaned up
        if self.kafka is not None:
            await self.kafka.stop()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start_kafka(self, no_docker: str) -> None:
        given = os.environ.get("KAFKA_URL")
        if given:
            self._use_kafka("given", given, "as KAFKA_URL says")
        elif no_docker:
            self.kafka = Kafka(self.folder / "kafka", durable=self._durable)
            await self.kafka.start()
            self._use_kafka("embedded", self.kafka.url, f"as a local process: {no_docker}")
        else:
            self._use_kafka("docker", containers.start_kafka(self._stops), "in Docker: its daemon is running")

        async def is_ready() -> bool:
            return await unready(self.kafka_url) is None

        await until(is_ready, f"{self.kafka_url} accepts a record", within_s=READY_WITHIN_SECONDS)

    async def _start_postgres(self, no_docker: str) -> None:
        given = os.environ.get("DATABASE_URL")
        if given:
            self._use_database("given", given, "as DATABASE_URL says")
        elif no_docker:
            self.postgres = Postgres(self.folder / "postgres", fsync=self._durable)
            await self.postgres.start()
            self._use_database("embedded", self.postgres.admin_url, f"as a local process: {no_docker}")
        else:
            self._use_database("docker", containers.start_postgres(self._stops), "in Docker: its daemon is running")
        url = self.database_admin_url
        await until(lambda: answers(url), "Postgres accepts its administrator", within_s=READY_WITHIN_SECONDS)

    def _use_kafka(self, kind: str, url: str, why: str) -> None:
        self.kafka_kind, self.kafka_url = kind, url
        self._say(f"Kafka at {url}, {why}")

    def _use_database(self, kind: str, url: str, why: str) -> None:
        self.database_kind, self.database_admin_url = kind, url
        self._say(f"Postgres at {url.rpartition('@')[2]}, {why}")


def backends(
    folder: Path, *, durable: bool = True, docker: bool = True, say: Callable[[str], None] = print
) -> Backends:
    """Return a context manager that starts the backends on entry and stops them on exit."""
    return Backends(folder, durable=durable, docker=docker, say=say)
