"""Starts and stops the components of a service; the failure of one stops the process."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError

from libs.kit.clock_watch import ClockWatch
from libs.kit.errors import TRANSIENT, RecordLossError
from libs.kit.health import Health
from libs.kit.held import Releaser
from libs.kit.intake import Intake
from libs.kit.jobs import JobRunner
from libs.kit.reader import Reader
from libs.kit.relay import Relay
from libs.kit.tasks import TaskRunner

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
STOP_SECONDS = 15.0
EFFECT_SECONDS = 8.0  # a longer call becomes unknown when its lease expires

Run = Callable[[], Coroutine[Any, Any, None]]


class Parts:
    """All background components of a service: reader, relay, tasks, periodic jobs, deferred records, health."""

    def __init__(self, kit: "Kit", health: Health) -> None:
        self._kit, self._health = kit, health
        intake = Intake(kit)
        self._relay, self._effects = Relay(kit), TaskRunner(kit)
        self._releaser, self._ticker = Releaser(kit), JobRunner(kit)
        self._reader = Reader(kit, intake) if kit.service.topics else None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def start(self) -> None:
        """Start what works without a broker, then wait for the broker."""
        self._kit.on_commit(self._relay, self._effects, self._releaser)
        for start in self._kit.service.on_start:
            await start(self._kit)
        self._spawn("relay", self._relay.run)
        self._spawn("effects", self._effects.run)
        self._spawn("releaser", self._releaser.run)
        self._spawn("ticker", self._ticker.run)
        self._spawn("clock watch", ClockWatch(self._kit.clock, self._effects, self._ticker).run)
        if self._reader is not None:
            self._spawn("reader", self._reader.run)
            self._spawn("touch", self._reader.keep_in_touch)
            await self._start_reading(self._reader)
        self._health.watch(self._kit, self._reader, self._relay)
        self._spawn("health", self._health.run)

    async def stop(self) -> None:
        """Finish running work, publish committed events, and close. Nothing is lost if the time limit is exceeded."""
        self._stopping = True
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await (self._abort() if self._kit.failed.done() else self._finish())
        except (TimeoutError, *TRANSIENT, KafkaError) as error:
            LOG.warning("shutdown incomplete; work resumes from the checkpoint", extra={"reason": repr(error)})
        finally:
            await self._cancel(*self._tasks)
            await self._kit.close()

    async def _finish(self) -> None:
        if self._reader is not None:
            await self._reader.stop()
        for stop in reversed(self._kit.service.on_stop):
            await stop(self._kit)
        self._effects.finish()
        if "effects" in self._tasks:
            await asyncio.wait([self._tasks["effects"]], timeout=EFFECT_SECONDS)
        await self._cancel(*self._tasks.keys() - {"relay"})
        if "relay" in self._tasks and not self._tasks["relay"].done():
            await self._relay.finish()
            await self._cancel("relay")
            await self._relay.resign()

    async def _abort(self) -> None:
        """Cancel running work after a failure; it resumes from the checkpoint."""
        await self._cancel(*self._tasks)
        if self._reader is not None:
            await self._reader.stop()

    async def _cancel(self, *names: str) -> None:
        tasks = [self._tasks[name] for name in names]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_reading(self, reader: Reader) -> None:
        while True:
            try:
                return await reader.start()
            except (*TRANSIENT, KafkaError) as error:
                LOG.warning("waiting for the broker", extra={"reason": repr(error)})
                await reader.stop()
                await asyncio.sleep(1)

    def _spawn(self, name: str, run: Run) -> None:
        async def run_guarded() -> None:
            try:
                await run()
            except asyncio.CancelledError:
                if not self._stopping:
                    self._kit.fail(RecordLossError(f"the {name} was cancelled unexpectedly"))
                raise
            except Exception as error:  # noqa: BLE001  # `fail` reports it
                self._kit.fail(error)

        self._tasks[name] = asyncio.create_task(run_guarded(), name=name)
