"""Runs a service inside a test, on a real broker and a real database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import asyncpg
from asyncpg.transaction import Transaction
from pydantic import SecretStr

from libs.kit.connections import open_pool
from libs.kit.health import Health
from libs.kit.http.app import build_app
from libs.kit.kit import Kit
from libs.kit.migrations import migrate
from libs.kit.run import running as run_service
from libs.kit.service import Service
from libs.kit.settings import Settings
from libs.kit.topics import create_topics
from replenish_contracts.topics import OWN_TOPICS


class Urls(Protocol):
    """Database URLs of a service's schema, for the service and for the schema's owner."""

    @property
    def url(self) -> str: ...

    @property
    def owner_url(self) -> str: ...


def settings_for(service: Service, database_urls: Mapping[str, Urls], **knobs: Any) -> Settings:
    return service.settings(database_url=SecretStr(database_urls[service.name].url), **knobs)


async def prepare(service: Service, database_urls: Mapping[str, Urls], kafka_url: str | None = None) -> None:
    """Migrate the service's schema and, with a broker, create our own topics."""
    await migrate(database_urls[service.name].owner_url, service.name)
    if kafka_url:
        await create_topics(kafka_url, OWN_TOPICS)


@asynccontextmanager
async def running(
    service: Service, *, kafka_url: str, database_urls: Mapping[str, Urls], **knobs: Any
) -> AsyncIterator[Kit]:
    """Run a service without its web server; `kit.app` is the ASGI app for a test client."""
    await prepare(service, database_urls, kafka_url)
    settings = settings_for(service, database_urls, kafka_url=kafka_url, **knobs)
    health = Health()
    app = build_app(service.name, service.api, health)
    async with run_service(service, settings, app, health) as kit:
        kit.app = app
        yield kit


@asynccontextmanager
async def store_for(service: Service, database_urls: Mapping[str, Urls], **knobs: Any) -> AsyncIterator[Any]:
    """Yield a store in a transaction that is rolled back at the end."""
    await prepare(service, database_urls)
    settings = settings_for(service, database_urls, **knobs)
    pool = await open_pool(settings, service.name)
    try:
        async with pool.acquire() as connection:
            transaction: Transaction = connection.transaction()
            await transaction.start()
            try:
                kit = Kit(service, settings, pool)
                yield kit.store_in(connection)
            finally:
                await kit.client.close()  # the pool is closed below
                await transaction.rollback()
    finally:
        await pool.close()


async def count(url: str, sql: str, *arguments: object) -> Any:
    """Return a single value from a database, for assertions."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql, *arguments)
    finally:
        await connection.close()
