"""A service as a process: what `python -m services.<name>` does."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
import uvloop
from aiokafka.errors import KafkaError
from fastapi import FastAPI

from libs.kit import logs
from libs.kit.failures import TRANSIENT, Lost, Retry
from libs.kit.heads import LimitedHeads
from libs.kit.health import Health
from libs.kit.kit import Kit
from libs.kit.migrations import migrate, missing
from libs.kit.parts import Parts
from libs.kit.service import Service
from libs.kit.settings import Settings
from libs.kit.topics import check_topics
from libs.kit.web import build_app

LOG = logging.getLogger(__name__)


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
    parts = Parts(kit, health)
    try:
        await parts.start()
        app.state.kit = kit
        yield kit
    finally:
        await parts.stop()


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
            lifespan="off",  # the kit opens and closes what there is; saves the imports, too
            ws="none",
        )
    )
    asked_to_stop, stop = asyncio.Event(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, asked_to_stop.set)
    web = asyncio.create_task(server.serve())
    asked = asyncio.create_task(asked_to_stop.wait())
    life = asyncio.create_task(_live(service, settings, app, health, stop))
    await asyncio.wait([web, life, asked], return_when=asyncio.FIRST_COMPLETED)
    if web.done() and not asked.done() and not life.done():
        LOG.error("the web server ended by itself")
    code = 0 if asked.done() and not life.done() else 1
    server.should_exit = True  # first of all it answers what it was asked
    await asyncio.gather(web, return_exceptions=True)
    stop.set()
    await asyncio.gather(life, return_exceptions=True)
    asked.cancel()
    if died := life.exception():
        LOG.critical("stopping: %s", died, exc_info=None if isinstance(died, Lost) else died)
        return 1
    return code


async def _live(service: Service, settings: Settings, app: FastAPI, health: Health, stop: asyncio.Event) -> None:
    stopping = asyncio.create_task(stop.wait())
    opening = running(service, settings, app, health)
    enter = asyncio.create_task(opening.__aenter__())
    await asyncio.wait([enter, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not enter.done():
        enter.cancel()
        await asyncio.gather(enter, return_exceptions=True)
        return
    kit = await enter
    LOG.info("ready", extra={"replica": kit.replica})
    try:
        waits: list[asyncio.Future[Any]] = [kit.failed, stopping]
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
