"""The whole stack as one object: broker, database, topics, schemas, services."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.local import settings
from deploy.local.backends import Backends
from deploy.local.child import Launch
from deploy.local.errors import StackError
from deploy.local.health import is_ready
from deploy.local.home import Home
from deploy.local.names import SERVICES, START_GROUPS, for_people
from deploy.local.roles import prepare_database
from deploy.local.schemas import prepare_apart
from deploy.local.supervisor import Member, Seat, Supervisor
from deploy.local.waiting import until
from deploy.local.worker import ASK_EVERY_SECONDS, READY_WITHIN_SECONDS, Worker

DATABASE = "replenish"


class Stack:
    """Starts everything in order under `home`, keeps it running, and stops it in reverse."""

    def __init__(
        self,
        home: Path,
        *,
        scale: Mapping[str, int] | None = None,
        env: Mapping[str, str] | None = None,
        durable: bool = True,
        say: Callable[[str], None] = print,
    ) -> None:
        """Does not start anything. `env` goes to every service; `scale` is instances by service, default 1."""
        self.home = Home(home)
        self.backends = Backends(self.home.folder, durable=durable, docker=False, say=say)
        self.supervisor = Supervisor(on_change=self._write_state, say=say)
        #: By service: URL of its first instance.
        self.urls: dict[str, str] = {}
        self._scale = {service: (scale or {}).get(service, 1) for service in SERVICES}
        self._env = dict(env or {})
        self._say = say
        self._ports: dict[str, int] = {}
        #: Environment common to all instances; set once broker and database run.
        self._shared: dict[str, str] = {}
        self._condition = ""
        #: Holds the lock of the home while the stack runs.
        self._place = contextlib.ExitStack()
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Return once every service is ready; on failure stop everything and raise StackError."""
        self._place.enter_context(self.home.owned())
        self.home.scale_wish.unlink(missing_ok=True)  # left by a stack that ended before it read the request
        self._turn("starting")
        try:
            await self._start_backends()
            await self._start_services()
        except BaseException:
            await self.stop(condition="failed")
            raise
        self._turn("ready")

    async def rescale(self, counts: Mapping[str, int], taken: Callable[[], object] = lambda: None) -> None:
        """Change instance counts; return when all instances are ready, or raise StackError.

        `taken` is called as soon as the state file shows that scaling is under way.
        """
        self._turn("scaling")
        taken()
        before, self._scale = self._scale, self._scale | dict(counts)
        self._choose_ports()
        more = {service: range(before[service], self._scale[service]) for service in counts}
        less = {service: range(self._scale[service], before[service]) for service in counts}
        try:
            await self.supervisor.start([self._worker(service, n) for service in more for n in more[service]])
            await self._remove({_name(service, n) for service in less for n in less[service]})
            await self._all_ready()
        except StackError:
            self._scale = before
            await self._remove({_name(service, n) for service in more for n in more[service]})
            raise
        finally:
            self._turn("ready")

    async def _remove(self, names: Collection[str]) -> None:
        await self.supervisor.remove(names)
        for name in names:
            self._ports.pop(name, None)

    async def _all_ready(self) -> None:
        await until(self._are_ready, "every service is ready", within_s=READY_WITHIN_SECONDS, every_s=ASK_EVERY_SECONDS)

    async def stop(self, *, condition: str = "stopped") -> None:
        """Stop the services, then database and broker."""
        self._turn("stopping")
        await self.supervisor.stop()
        await self.backends.stop()
        self._turn(condition)
        self._place.close()

    async def _start_backends(self) -> None:
        await self.backends.start()
        embedded: list[Member] = [each for each in (self.backends.kafka, self.backends.postgres) if each]
        await self.supervisor.start(embedded, running=True)

    async def _start_services(self) -> None:
        prepared = await prepare_database(
            self.backends.database_admin_url, DATABASE, SERVICES, passwords=settings.read_passwords(self.home)
        )
        settings.write_secrets(self.home, prepared)
        self._choose_ports()
        self._say("creating topics and migrating schemas")
        owner_urls = {service: prepared[service].owner_url for service in SERVICES}
        log = self.home.logs / "schemas.log"
        await asyncio.to_thread(prepare_apart, self.backends.kafka_url, owner_urls, log)
        self._shared = settings.shared_environment(self.backends.kafka_url, self.urls, self._env)
        for group in START_GROUPS:
            self._say(f"starting {', '.join(map(for_people, group))}")
            await self.supervisor.start([self._worker(name, n) for name in group for n in range(self._scale[name])])
        await self._all_ready()

    async def _are_ready(self) -> bool:
        """Check all instances together: a new one takes partitions, and briefly readiness, from the others."""
        return all(await asyncio.gather(*(is_ready(f"http://{settings.HOST}:{port}") for port in self._ports.values())))

    def _choose_ports(self) -> None:
        """Choose all ports before the first start, because services get each other's URLs."""
        ports = settings.Ports(self.home)
        for service, count in self._scale.items():
            for instance in range(count):
                name = _name(service, instance)
                self._ports[name] = self._ports.get(name) or ports.of(name)
            self.urls[service] = self._url(service, 0)

    def _worker(self, service: str, instance: int) -> Worker:
        name, url = _name(service, instance), self._url(service, instance)
        launch = Launch(
            command=[sys.executable, "-m", f"services.{service}"],
            log=self.home.logs / f"{name}.log",
            env=self._told(service, instance),
            cwd=settings.ROOT,
        )
        return Worker(name, launch, is_ready=lambda: is_ready(url))

    def _told(self, service: str, instance: int) -> dict[str, str]:
        port = self._ports[_name(service, instance)]
        return self._shared | settings.instance_environment(self.home, service, instance, port, self._shared)

    def _url(self, service: str, instance: int) -> str:
        return f"http://{settings.HOST}:{self._ports[_name(service, instance)]}"

    def _turn(self, condition: str) -> None:
        self._condition = condition
        self._write_state()

    def _write_state(self) -> None:
        self.home.write_state(
            {
                "condition": self._condition,
                "supervisor_pid": os.getpid(),
                "started_at": self._started_at,
                "home": str(self.home.folder),
                "backends": {
                    "kind": self.backends.kind,
                    "kafka_url": self.backends.kafka_url,
                    "database": self.backends.database_admin_url.rpartition("@")[2].rpartition("/")[0] + "/" + DATABASE,
                },
                "scale": {for_people(service): count for service, count in self._scale.items()},
                "services": {for_people(service): url for service, url in self.urls.items()},
                "processes": [self._describe(seat) for seat in self.supervisor.seats],
            }
        )

    def _describe(self, seat: Seat) -> dict[str, Any]:
        port = self._ports.get(seat.member.name)
        return {
            "name": seat.member.name,
            "pid": seat.pid,
            "condition": seat.condition,
            "restarts": seat.restarts,
            "last_exit": seat.last_exit,
            "trouble": seat.trouble,
            "url": f"http://{settings.HOST}:{port}" if port else None,
            "log": str(seat.member.log),
        }


def _name(service: str, instance: int) -> str:
    return f"{for_people(service)}-{instance}"
