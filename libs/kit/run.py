"""The process of a service: `python -m services.<name>`."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop
from aiokafka.errors import KafkaError
from fastapi import FastAPI

from libs.kit import logs
from libs.kit.batch import BatchProcessor, Dispatcher
from libs.kit.clock import ClockWatch
from libs.kit.consumer import ConsumerLoop
from libs.kit.deferred import DeferredReplayer
from libs.kit.errors import TRANSIENT, RecordLossError, RetryLaterError
from libs.kit.group import register_process
from libs.kit.health import Health
from libs.kit.http.app import build_app
from libs.kit.http.limits import LimitedHeads
from libs.kit.jobs import JobRunner
from libs.kit.kit import Kit
from libs.kit.migrations import migrate, missing
from libs.kit.relay import Relay
from libs.kit.service import Service
from libs.kit.settings import Settings
from libs.kit.tasks import TaskRunner
from libs.kit.topics import check_topics

if TYPE_CHECKING:
    from libs.kit.kit import Kit


LOG = logging.getLogger(__name__)
STOP_SECONDS = 15.0
LEAVE_SECONDS = 3.0
TASK_SECONDS = 8.0  # a longer call becomes unknown when its lease expires
Run = Callable[[], Coroutine[Any, Any, None]]


class Components:
    """All background components of a service: consumer, relay, tasks, periodic jobs, deferred records, health."""

    def __init__(self, kit: "Kit", health: Health) -> None:
        self._kit, self._health = kit, health
        dispatcher = Dispatcher(kit)
        processor = BatchProcessor(kit, dispatcher)
        self._relay, self._task_runner = Relay(kit), TaskRunner(kit)
        self._replayer, self._job_runner = DeferredReplayer(kit, dispatcher), JobRunner(kit)
        self._consumer = ConsumerLoop(kit, processor) if kit.service.topics else None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def start(self) -> None:
        """Start what works without a broker, then wait for the broker."""
        self._kit.on_commit(self._relay, self._task_runner, self._replayer)
        for start in self._kit.service.on_start:
            await start(self._kit)
        self._spawn("relay", self._relay.run)
        self._spawn("tasks", self._task_runner.run)
        self._spawn("replay of deferred records", self._replayer.run)
        self._spawn("jobs", self._job_runner.run)
        self._spawn("clock watch", ClockWatch(self._kit.clock, self._task_runner, self._job_runner).run)
        if self._consumer is not None:
            self._spawn("consumer", self._consumer.run)
            self._spawn("broker watch", self._consumer.watch_broker)
            await self._start_reading(self._consumer)
            self._spawn("reading", self._consumer.read)
        self._health.watch(self._kit, self._consumer, self._relay)
        self._spawn("health", self._health.run)
        self._spawn("loop watch", self._health.watch_loop)

    async def stop(self) -> None:
        """Finish running work, publish committed events, and close. Nothing is lost if the time limit is exceeded."""
        self._stopping = True
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await (self._abort() if self._kit.failed.done() else self._finish())
        except (TimeoutError, *TRANSIENT, KafkaError) as error:
            LOG.warning("shutdown incomplete; work resumes from the checkpoint", extra={"reason": repr(error)})
        finally:
            await self._cancel(*self._running)
            await self._leave_group()
            await self._kit.close()

    async def _finish(self) -> None:
        if self._consumer is not None:
            await self._cancel("reading")
            await self._consumer.stop()
        for stop in reversed(self._kit.service.on_stop):
            await stop(self._kit)
        self._task_runner.finish()
        if "tasks" in self._running:
            await asyncio.wait([self._running["tasks"]], timeout=TASK_SECONDS)
        await self._cancel(*self._running.keys() - {"relay"})
        if "relay" in self._running and not self._running["relay"].done():
            await self._relay.finish()
            await self._cancel("relay")
            await self._relay.resign()

    async def _abort(self) -> None:
        """Cancel running work after a failure; it resumes from the checkpoint."""
        await self._cancel(*self._running)
        if self._consumer is not None:
            await self._consumer.stop()

    async def _leave_group(self) -> None:
        """Stop the consumer if it has not stopped yet; it would stay in the group without reading."""
        if self._consumer is not None:
            try:
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._consumer.stop()
            except (TimeoutError, KafkaError) as error:
                LOG.warning("the consumer did not stop", extra={"reason": repr(error)})

    async def _cancel(self, *names: str) -> None:
        tasks = [self._running[name] for name in names if name in self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_reading(self, consumer: ConsumerLoop) -> None:
        settings = self._kit.settings
        longest = max(settings.watchdog_seconds, settings.rebalance_timeout_ms / 1000)
        while True:
            try:
                async with asyncio.timeout(longest):  # the watchdog does not watch yet
                    return await consumer.start()
            except (*TRANSIENT, KafkaError) as error:
                LOG.warning("waiting for the broker", extra={"reason": repr(error)})
                await self._leave_group()
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

        self._running[name] = asyncio.create_task(run_guarded(), name=name)


class _Server(uvicorn.Server):
    """A uvicorn server without signal handlers; `_serve` installs its own."""

    @contextmanager
    def capture_signals(self) -> Any:
        yield


async def _open(service: Service, settings: Settings) -> Kit:
    """Return the kit once database, migrations and topics are available."""
    pause = 0.1
    while True:
        kit = None
        try:
            kit = await Kit.open(service, settings)
            async with kit.pool.acquire() as connection:
                absent = await missing(connection, service.name)
            if absent:
                raise RetryLaterError(f"migrations not applied yet: {', '.join(absent)}")
            await check_topics(settings.kafka_url, [topic for topic in service.topics if "*" not in topic])
            async with kit.pool.acquire() as connection:
                await register_process(connection, kit.replica, kit.process)
        except RecordLossError:
            if kit is not None:
                await kit.close()
            raise
        except (*TRANSIENT, KafkaError) as error:
            if kit is not None:
                await kit.close()
            LOG.warning("waiting to start", extra={"reason": str(error) or repr(error)})
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)
        else:
            return kit


@asynccontextmanager
async def running(service: Service, settings: Settings, app: FastAPI, health: Health) -> AsyncIterator[Kit]:
    """Run all background components of a service; leaving the context stops them in order, without losing events."""
    kit = await _open(service, settings)
    components = Components(kit, health)
    try:
        await components.start()
        app.state.kit = kit
        yield kit
    finally:
        await components.stop()


async def _serve(service: Service, settings: Settings) -> int:
    health = Health()
    app = build_app(service.name, service.api, health)
    server = _Server(
        uvicorn.Config(
            app,
            http=LimitedHeads,
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            lifespan="off",  # the kit starts and stops everything; also saves the imports
            ws="none",
        )
    )
    signalled, stop = asyncio.Event(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, signalled.set)
    web = asyncio.create_task(server.serve())
    signal_wait = asyncio.create_task(signalled.wait())
    components = asyncio.create_task(_run(service, settings, app, health, stop))
    await asyncio.wait([web, components, signal_wait], return_when=asyncio.FIRST_COMPLETED)
    if web.done() and not signal_wait.done() and not components.done():
        LOG.error("web server exited unexpectedly")
    code = 0 if signal_wait.done() and not components.done() else 1
    server.should_exit = True  # finish running requests before the components stop
    await asyncio.gather(web, return_exceptions=True)
    stop.set()
    await asyncio.gather(components, return_exceptions=True)
    signal_wait.cancel()
    if error := components.exception():
        LOG.critical("stopping: %s", error, exc_info=None if isinstance(error, RecordLossError) else error)
        return 1
    return code


async def _run(service: Service, settings: Settings, app: FastAPI, health: Health, stop: asyncio.Event) -> None:
    stopping = asyncio.create_task(stop.wait())
    context = running(service, settings, app, health)
    enter = asyncio.create_task(context.__aenter__())
    await asyncio.wait([enter, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not enter.done():
        enter.cancel()
        await asyncio.gather(enter, return_exceptions=True)
        return
    kit = await enter
    LOG.info("ready", extra={"replica": kit.replica})
    try:
        futures: list[asyncio.Future[Any]] = [kit.failed, stopping]
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        if kit.failed.done():
            kit.failed.result()
    finally:
        await context.__aexit__(None, None, None)


def main(service: Service) -> None:
    """Run the service, or with the argument `migrate` its migrations."""
    settings = service.settings.load()
    logs.configure(service.name, settings.instance, settings.log_level)
    if sys.argv[1:] == ["migrate"]:
        for name in asyncio.run(migrate(settings.database_url.get_secret_value(), service.name)):
            print(name)  # noqa: T201  # the command's output
        return
    if sys.argv[1:]:
        sys.exit(f"usage: python -m services.{service.name} [migrate]")
    sys.exit(uvloop.run(_serve(service, settings)))
