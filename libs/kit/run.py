"""A service as a process: what `python -m services.<name>` does."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
import uvloop
from aiokafka.errors import KafkaError
from fastapi import FastAPI

from libs.kit import logs
from libs.kit.effects import Effects
from libs.kit.failures import TRANSIENT, Lost, Retry
from libs.kit.health import Health
from libs.kit.held import Releaser
from libs.kit.intake import Intake
from libs.kit.kit import Kit
from libs.kit.migrations import migrate, missing
from libs.kit.reader import Reader
from libs.kit.relay import Relay
from libs.kit.service import Service
from libs.kit.settings import Settings
from libs.kit.ticks import Ticker
from libs.kit.topics import check_topics
from libs.kit.web import build_app

LOG = logging.getLogger(__name__)
STOP_SECONDS = 15.0


class _Server(uvicorn.Server):
    """A web server that leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Any:
        yield


async def _open(service: Service, settings: Settings) -> Kit:
    """Wait for database, migrations and topics; their absence at the start is nothing unusual."""
    pause = 0.1
    while True:
        kit = None
        try:
            kit = await Kit.open(service, settings)
            async with kit.pool.acquire() as connection:
                absent = await missing(connection, service.name)
            if absent:
                raise Retry(f"migrations not run yet: {', '.join(absent)}")
            await check_topics(settings.kafka_url, [topic for topic in service.topics if "*" not in topic])
        except Lost:
            if kit is not None:
                await kit.close()
            raise
        except (*TRANSIENT, KafkaError) as away:
            if kit is not None:
                await kit.close()
            LOG.warning("waiting to start", extra={"reason": str(away) or repr(away)})
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)
        else:
            return kit


@asynccontextmanager
async def running(service: Service, settings: Settings, app: FastAPI, health: Health) -> AsyncIterator[Kit]:
    """Run everything of a service except its web server; leaving it stops in order and loses nothing."""
    kit = await _open(service, settings)
    relay, intake, effects = Relay(kit), Intake(kit), Effects(kit)
    releaser, ticker = Releaser(kit, intake), Ticker(kit)
    reader = Reader(kit, intake) if service.topics else None
    kit.on_commit(relay, effects, releaser)
    for start in service.starts:
        await start(kit)
    tasks = [_guarded(kit, part.run()) for part in (relay, effects, releaser, ticker)]
    if reader is not None:
        tasks += [_guarded(kit, reader.run()), _guarded(kit, reader.hint())]
        await _start_reading(reader)
    health.watch(kit, reader, relay)
    tasks.append(_guarded(kit, health.run()))
    app.state.kit = kit
    try:
        yield kit
    finally:
        await _stop(service, kit, reader, relay, tasks)


async def _start_reading(reader: Reader) -> None:
    while True:
        try:
            return await reader.start()
        except (*TRANSIENT, KafkaError) as away:
            LOG.warning("waiting for the broker", extra={"reason": repr(away)})
            await reader.stop()
            await asyncio.sleep(1)


async def _stop(
    service: Service, kit: Kit, reader: Reader | None, relay: Relay, tasks: list[asyncio.Task[None]]
) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            if reader is not None:
                await reader.stop()
            for stop in reversed(service.stops):
                await stop(kit)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await relay.finish()
    except (TimeoutError, *TRANSIENT, KafkaError) as hurried:
        LOG.warning("stopped in a hurry; the cursor makes that harmless", extra={"reason": repr(hurried)})
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait_for(kit.close(), 5)


def _guarded(kit: Kit, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run a part for good; its death is the process's."""

    async def guard() -> None:
        try:
            await work
        except Exception as died:  # noqa: BLE001  # handed to whoever waits for `failed`
            kit.fail(died)

    return asyncio.create_task(guard())


async def _serve(service: Service, settings: Settings) -> int:
    health = Health()
    app = build_app(service.name, service.api, health)
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            lifespan="off",  # the kit opens and closes what there is; saves the imports, too
            ws="none",
        )
    )
    asked_to_stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, asked_to_stop.set)
    web = asyncio.create_task(server.serve())
    life = asyncio.create_task(_live(service, settings, app, health, asked_to_stop))
    await asyncio.wait([web, life], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    if not life.done():
        LOG.error("the web server ended by itself")
        life.cancel()
    await asyncio.gather(web, life, return_exceptions=True)
    if life.cancelled():
        return 1
    if died := life.exception():
        LOG.critical("stopping: %s", died, exc_info=None if isinstance(died, Lost) else died)
        return 1
    return 0


async def _live(
    service: Service, settings: Settings, app: FastAPI, health: Health, asked_to_stop: asyncio.Event
) -> None:
    stop = asyncio.create_task(asked_to_stop.wait())
    opening = running(service, settings, app, health)
    enter = asyncio.create_task(opening.__aenter__())
    await asyncio.wait([enter, stop], return_when=asyncio.FIRST_COMPLETED)
    if not enter.done():
        enter.cancel()
        return
    kit = await enter
    LOG.info("ready", extra={"replica": kit.replica})
    try:
        waits: list[asyncio.Future[Any]] = [kit.failed, stop]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if kit.failed.done():
            kit.failed.result()
    finally:
        await opening.__aexit__(None, None, None)


def main(service: Service) -> None:
    """Run the service, or with the argument `migrate` bring its schema up to date."""
    settings = service.settings.load()
    logs.configure(service.name, settings.instance, settings.log_level)
    if sys.argv[1:] == ["migrate"]:
        for name in asyncio.run(migrate(settings.database_url.get_secret_value(), service.name)):
            print(name)  # noqa: T201  # the command's answer
        return
    if sys.argv[1:]:
        sys.exit(f"usage: python -m services.{service.name} [migrate]")
    sys.exit(uvloop.run(_serve(service, settings)))
