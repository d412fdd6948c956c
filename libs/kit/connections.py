"""Connections to Postgres and Kafka."""

import json
from typing import TYPE_CHECKING

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from libs.kit.settings import Settings

if TYPE_CHECKING:  # asyncpg's classes are generic only in its stubs
    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection | PoolConnectionProxy
    Pool = asyncpg.Pool


async def _set_codecs(connection: Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _skip_reset(connection: Connection) -> None:
    """Skip the pool's session reset: no state outlives a transaction, and the reset costs a round trip."""


async def open_pool(settings: Settings, name: str) -> Pool:
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
