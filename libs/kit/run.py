"""The process of a service: `python -m services.<name>`."""

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
from libs.kit.errors import TRANSIENT, RecordLossError, RetryLaterError
from libs.kit.health import Health
from libs.kit.http.app import build_app
from libs.kit.http.heads import LimitedHeads
from libs.kit.kit import Kit
from libs.kit.migrations import migrate, missing
from libs.kit.parts import Parts
from libs.kit.service import Service
from libs.kit.settings import Settings
from libs.kit.topics import check_topics

LOG = logging.getLogger(__name__)


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
