"""Forward-only migrations, run by the schema's owner and never by the service itself."""

import hashlib
import logging
import re
from pathlib import Path

import asyncpg

from libs.kit.connections import Connection

LOG = logging.getLogger(__name__)
_KIT = Path(__file__).parent / "migrations"
_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")
#: Longest wait for a lock on a table in use; the migration then fails and can be run again.
_LOCK_TIMEOUT = "5s"
_ADVISORY_LOCK = 0x7265706C  # "repl"


class MigrationError(Exception):
    """The schema and the migration files do not match."""


def _files(service: str) -> list[tuple[str, Path]]:
    own = Path(__file__).parents[2] / "services" / service / "migrations"
    folders = (("kit", _KIT), (service, own))
    found = [(f"{prefix}/{path.name}", path) for prefix, folder in folders for path in sorted(folder.glob("*.sql"))]
    for name, path in found:
        if not _NAME.match(path.name):
            raise MigrationError(f"{name}: name a migration NNNN_what.sql")
    return found


async def _applied(connection: Connection) -> dict[str, str]:
    rows = await connection.fetch("-- _applied\nSELECT name, digest FROM migration")
    return {row["name"]: row["digest"] for row in rows}


async def migrate(database_url: str, service: str) -> list[str]:
    """Run the pending migrations, each in its own transaction, and return their names.

    Raises MigrationError if a file changed after it was run, and asyncpg.LockNotAvailableError if a table stayed
    locked for 5 s.
    """
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(f"SET search_path = {service}")
        await connection.execute("SET statement_timeout = 0")
        # Waits without limit for another migration of this schema.
        await connection.fetchval("SELECT pg_advisory_lock($1, hashtext($2))", _ADVISORY_LOCK, service)
        await connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migration"
            " (name text PRIMARY KEY, digest text NOT NULL, ran_at timestamptz NOT NULL DEFAULT now())"
        )
        return await _run_pending(connection, service)
    finally:
        await connection.close()


async def _run_pending(connection: Connection, service: str) -> list[str]:
    applied, ran = await _applied(connection), []
    for name, path in _files(service):
        sql = path.read_text()
        digest = hashlib.sha256(sql.encode()).hexdigest()
        if applied.get(name, digest) != digest:
            raise MigrationError(f"{name} was changed after it was run; add a new file instead of editing it")
        if name not in applied:
            async with connection.transaction():
                await connection.execute(sql)
                await connection.execute("INSERT INTO migration (name, digest) VALUES ($1, $2)", name, digest)
            ran.append(name)
            LOG.info("migration applied", extra={"migration": name})
    return ran


async def missing(connection: Connection, service: str) -> list[str]:
    """Return the names of migrations that are not applied yet."""
    try:
        applied = await _applied(connection)
    except asyncpg.UndefinedTableError:
        applied = {}
    return [name for name, _ in _files(service) if name not in applied]
