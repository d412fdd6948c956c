"""The whole stack with fault injection, and the checks after each test."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.demo.event_log import EventLog
from deploy.demo.quiescence import ProbeResult
from deploy.local.errors import StackError
from deploy.local.waiting import until
from tests.judge import Inputs, collect, judge
from tests.support import environment
from tests.support.gateway import ACCEPTED, NOT_NOW, Gateway
from tests.support.home import Home
from tests.support.proxy import Trap
from tests.support.stack import ProxiedStack

#: Upper bound until a killed service is ready again on a busy machine.
BACK_SECONDS = 60
#: Leases of tasks expire after 30 s; idle transactions are ended after 60 s.
SETTLED_SECONDS = 120
LOOK_SECONDS = 0.1
ASK_AGAIN_SECONDS = 0.2


class PatientGateway(Gateway):
    """A device that repeats its reports until they are accepted."""

    async def takes(self, credential: str, reports: Sequence[dict[str, Any]]) -> None:
        deadline = time.monotonic() + BACK_SECONDS
        while True:
            try:
                answer = await self.post(credential, reports)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == ACCEPTED:
                assert answer.json()["refused"] == []
                return
            assert answer is None or answer.status_code in NOT_NOW, f"{answer.status_code} {answer.text}"
            assert time.monotonic() < deadline, "reports are not accepted"
            await asyncio.sleep(ASK_AGAIN_SECONDS)


class ChaosEnvironment(environment.Environment):
    """One stack for all chaos tests; each test has its own household."""

    stack: ProxiedStack

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._kills: EventLog | None = None

    async def start(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(environment, "Stack", ProxiedStack)
            patch.setattr(environment, "Gateway", PatientGateway)
            await super().start()
        self._kills = self._event_log("kills/kills.jsonl")

    async def settled(self) -> None:
        """Wait until the stack is idle, polling less often than the e2e tests."""
        result = ProbeResult("not checked yet")

        async def is_quiet() -> bool:
            nonlocal result
            result = await self._quiet.probe(self.clock.now())
            return result.is_idle

        try:
            await until(is_quiet, "everything settles", within_s=SETTLED_SECONDS, every_s=LOOK_SECONDS)
        except StackError as error:
            raise StackError(f"{error}: {result.open_work}") from None

    # Faults.

    def kills(self, service: str, at: Any, position: str, *, window: str = "") -> Trap:
        """Kill -9 the service at a request to its database: a named statement, or a function of the frame."""
        return self.stack.between[service, 0].postgres.trap(at, position, lambda: self.killed(service, window))

    def kills_at_broker(self, service: str, at: str, position: str) -> Trap:
        """Kill -9 the service at a request to its broker, by the request's name."""
        return self.stack.between[service, 0].kafka.trap(at, position, lambda: self.killed(service))

    def killed(self, service: str, window: str = "") -> None:
        """Kill -9 now."""
        assert self._kills is not None
        self._kills.write(op="kill", service=service, window=window)
        os.kill(self.stack.pid(service), signal.SIGKILL)

    async def is_back(self, service: str, old_pid: int, instance: int = 0) -> None:
        """Wait until a new process of the service is ready."""
        await until(
            lambda: self._is_restarted(service, old_pid, instance),
            f"{service}-{instance} is back",
            within_s=BACK_SECONDS,
            every_s=0.1,
        )

    async def _is_restarted(self, service: str, old_pid: int, instance: int) -> bool:
        return self.stack.pid(service, instance) not in (0, old_pid) and await self.is_ready(service, instance)

    async def is_ready(self, service: str, instance: int = 0) -> bool:
        try:
            return (await self.http.get(f"{self.stack.url(service, instance)}/health/ready")).is_success
        except httpx.TransportError:
            return False

    async def ends_sessions(self, dice: random.Random) -> None:
        """Terminate a random third of the services' database sessions."""
        admin = await asyncpg.connect(self.stack.backends.database_admin_url)
        try:
            rows = await admin.fetch(
                """SELECT pid FROM pg_stat_activity
                WHERE usename LIKE 'replenish_%' AND usename NOT LIKE '%_check' AND pid <> pg_backend_pid()"""
            )
            for row in rows:
                if dice.random() < 1 / 3:
                    await admin.execute("SELECT pg_terminate_backend($1)", row["pid"])
        finally:
            await admin.close()

    # Liveness and invariants.

    async def restocks(self, home: Home) -> str:
        """Use the slot down to its threshold, have the order delivered and return it."""
        await home.uses(await home.level() - home.wish.at_level)
        order = (await home.orders())[-1]
        await home.is_supplied(order)
        return order

    async def is_unharmed(self) -> None:
        """Wait until idle, then run the judge and `replenish check`."""
        await self.settled()
        await collect(
            self.inputs,
            kafka_url=self.kafka_url,
            database_url=self.check_url,
            now=self.clock.now(),
            settle_s=10,
        )
        verdict = judge(Inputs.read(self.inputs))
        assert verdict.green, "\n".join(map(str, verdict.anomalies))
        assert await self.differences() == []


@asynccontextmanager
async def running_environment(folder: Path) -> AsyncIterator[ChaosEnvironment]:
    """Start the stack and stop it at the end."""
    world = ChaosEnvironment(folder)
    try:
        await world.start()
        yield world
    finally:
        await world.close()
