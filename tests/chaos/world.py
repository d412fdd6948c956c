"""The whole company under attack: what strikes where, and how to know afterwards that nothing was harmed."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.demo.diary import Diary
from deploy.local.waiting import until
from tests.chaos.proxy import AFTER, BEFORE, Trap, commit_of
from tests.chaos.stack import ProxiedStack
from tests.e2e import world as e2e
from tests.e2e.gateway import ACCEPTED, NOT_NOW, Gateway
from tests.e2e.home import Home
from tests.judge import Evidence, gather, judge

#: A killed service is back well within this, on a machine where other things run.
BACK_SECONDS = 60
ASK_AGAIN_SECONDS = 0.2


class PatientGateway(Gateway):
    """A device that sends the same reports again until somebody has them."""

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
            assert time.monotonic() < deadline, "nobody takes the reports"
            await asyncio.sleep(ASK_AGAIN_SECONDS)


class World(e2e.World):
    """One company for all attacks; every household is its own."""

    stack: ProxiedStack

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._kills: Diary | None = None

    async def start(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(e2e, "Stack", ProxiedStack)
            patch.setattr(e2e, "Gateway", PatientGateway)
            await super().start()
        self._kills = self._diary("kills/kills.jsonl")

    # What strikes.

    def kills(self, service: str, at: Any, position: str, *, window: str = "") -> Trap:
        """Kill -9 the service at a request to its database: a named statement, or a function of the frame."""
        return self.stack.between[service].postgres.trap(at, position, lambda: self.killed(service, window))

    def kills_at_broker(self, service: str, at: str, position: str) -> Trap:
        """Kill -9 the service at a request to its broker, by the request's name."""
        return self.stack.between[service].kafka.trap(at, position, lambda: self.killed(service))

    def killed(self, service: str, window: str = "", instance: int = 0) -> None:
        assert self._kills is not None
        self._kills.write(op="kill", service=service, window=window)
        self.stack.kill(service, instance)

    async def is_back(self, service: str, old_pid: int) -> None:
        """Return when another process of the service is ready."""

        async def ready() -> bool:
            if self.stack.pid(service) in (0, old_pid):
                return False
            try:
                return (await self.http.get(f"{self.urls[service]}/health/ready")).is_success
            except httpx.TransportError:
                return False

        await until(ready, f"{service} is back", within_s=BACK_SECONDS, every_s=0.1)

    # What is alive, and what must be true afterwards.

    async def restocks(self, home: Home) -> str:
        """Use a slot down to its trigger and let the order be delivered; return the order."""
        await home.uses(await home.level() - home.wish.at_level)
        order = (await home.orders())[-1]
        await home.is_supplied(order)
        return order

    async def is_unharmed(self) -> None:
        """Let everything settle, then ask the judge and `replenish check`."""
        await self.settled()
        await gather(
            self.evidence,
            kafka_url=self.kafka_url,
            database_url=self.check_url,
            now=self.clock.now(),
            settle_s=10,
        )
        verdict = judge(Evidence.read(self.evidence))
        assert verdict.green, "\n".join(map(str, verdict.anomalies))
        assert await self.differences() == []


@asynccontextmanager
async def world_under_attack(folder: Path) -> AsyncIterator[World]:
    """Give the running world and stop it at the end."""
    world = World(folder)
    try:
        await world.start()
        yield world
    finally:
        await world.close()


def seeded(base: int | None = None) -> random.Random:
    """Return dice whose seed is printed, for who wants to see the same again."""
    seed = random.randrange(2**32) if base is None else base
    print(f"seed {seed}")
    return random.Random(seed)


#: Where a kill hurts, by what it interrupts.
BEFORE_COMMIT = (commit_of("save_cursors"), BEFORE)
AFTER_COMMIT = (commit_of("save_cursors"), AFTER)
AFTER_PUBLISH = ("set_published", BEFORE)
