"""Connections to Postgres and Kafka."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from asyncpg.pool import PoolConnectionProxy

if TYPE_CHECKING:  # asyncpg's classes are generic only in its stubs
    from libs.kit.settings import Settings

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection | PoolConnectionProxy
    Pool = asyncpg.Pool


READER_RETRY_MS = 10  # aiokafka waits this long for the metadata of each topic, one after the other
BATCH_BYTES = 900_000  # below the broker's limit of 1 MiB for one batch


async def _set_codecs(connection: Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _skip_reset(connection: Connection) -> None:
    """Skip the pool's session reset: no state outlives a transaction, and the reset costs a round trip."""


async def open_pool(settings: "Settings", name: str) -> Pool:
    """Open the pool; raises asyncpg's errors while Postgres is unavailable."""
    pool = asyncpg.create_pool(
        settings.database_url.get_secret_value(),
        min_size=1,
        max_size=settings.database_connections,
        init=_set_codecs,
        reset=_skip_reset,
        command_timeout=60,
        timeout=5,
        server_settings={
            "application_name": f"{name}-{settings.instance}",
            "lock_timeout": str(settings.lock_timeout_ms),
            "idle_in_transaction_session_timeout": "60000",
            "plan_cache_mode": "force_generic_plan",  # unnest arrays of changing length get one stable plan
            "jit": "off",  # compiling costs more than any of our statements
            "timezone": "UTC",
        },
    )
    return await pool


@asynccontextmanager
async def kafka_admin(kafka_url: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def kafka_reader(kafka_url: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a consumer without a group, for reading given partitions."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False, retry_backoff_ms=READER_RETRY_MS)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


def kafka_producer(kafka_url: str, client_id: str) -> AIOKafkaProducer:
    """Return a producer that is not started yet and allows batches up to the broker's limit."""
    return AIOKafkaProducer(
        bootstrap_servers=kafka_url,
        client_id=client_id,
        acks="all",
        compression_type="lz4",
        max_batch_size=BATCH_BYTES,
        max_request_size=BATCH_BYTES + 100_000,
        request_timeout_ms=15_000,
    )
