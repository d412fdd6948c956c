"""Prepares a database in which each service can access only its own schema."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import asyncpg

from deploy.local.errors import StackError

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
#: Advisory lock: one preparation at a time per server, because roles are server-wide.
LOCK_NUMBER = 0x7265_706C

ISOLATE_SERVER = ("REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC",)
CLOSE_DATABASE = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
)
GRANT_LOGIN = "GRANT CONNECT ON DATABASE {database} TO {role}"
OPEN_SCHEMA = (
    "CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}",
    "GRANT USAGE ON SCHEMA {schema} TO {role}, {check}",
    (
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}"
        " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
    ),
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {role}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT SELECT ON TABLES TO {check}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT SELECT ON SEQUENCES TO {check}",
    "ALTER ROLE {role} IN DATABASE {database} SET search_path = {schema}",
)
READ_ONLY = "ALTER ROLE {check} IN DATABASE {database} SET default_transaction_read_only = on"


@dataclass(frozen=True)
class ServiceUrls:
    """Database URLs of one service: for normal work, and for migrations."""

    url: str
    owner_url: str


class Prepared(dict[str, ServiceUrls]):
    """URLs by service name, and the read-only role of `replenish check` for all schemas."""

    def __init__(self, *, check_url: str, passwords: dict[str, str]) -> None:
        """`passwords`, by role, keeps existing passwords when the same database is prepared again."""
        super().__init__()
        self.check_url = check_url
        self.passwords = passwords


def role_of(database: str, service: str) -> str:
    """Return the login role; it starts with the database's name, because roles are server-wide."""
    return f"{database}_{service}"


async def prepare_database(
    admin_url: str, database: str, services: Sequence[str], *, passwords: Mapping[str, str] | None = None
) -> Prepared:
    """Create or update database, roles and schemas; return the URLs.

    Without `passwords` every role gets a new password, and URLs from earlier calls stop working.
    """
    for name in (database, *services):
        if not NAME.fullmatch(name):
            raise StackError(f"{name!r} cannot name a role or schema: lower-case letters, digits, underscores")
    roles = [role_of(database, name) for name in (*services, "owner", "check")]
    chosen = {role: (passwords or {}).get(role) or secrets.token_urlsafe(24) for role in roles}
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", LOCK_NUMBER)
        await _create(admin, database, chosen)
        inside = await asyncpg.connect(_at(admin_url, database))
        try:
            async with inside.transaction():
                await _grant(inside, database, services)
        finally:
            await inside.close()
    finally:
        await admin.close()
    return _urls(admin_url, database, services, chosen)


async def isolate_server(admin_url: str) -> None:
    """Revoke access of service roles to the database `postgres`; only for servers that this stack owns."""
    admin = await asyncpg.connect(admin_url)
    try:
        for statement in ISOLATE_SERVER:
            await admin.execute(statement)
    finally:
        await admin.close()


async def drop_database(admin_url: str, database: str, services: Sequence[str]) -> None:
    """Drop a prepared database and its roles."""
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute(await _sql(admin, "DROP DATABASE IF EXISTS {database} WITH (FORCE)", database=database))
        for name in (*services, "owner", "check"):
            await admin.execute(await _sql(admin, "DROP ROLE IF EXISTS {role}", role=role_of(database, name)))
    finally:
        await admin.close()


async def _create(admin: asyncpg.Connection, database: str, passwords: Mapping[str, str]) -> None:
    for role, password in passwords.items():
        known = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
        if not known:
            await admin.execute(await _sql(admin, "CREATE ROLE {role} LOGIN", role=role))
        literal = await admin.fetchval("SELECT format('PASSWORD %L', $1::text)", password)
        await admin.execute(await _sql(admin, "ALTER ROLE {role} ", role=role) + literal)
    if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
        await admin.execute(await _sql(admin, "CREATE DATABASE {database}", database=database))
    if not await admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        # Only a member of the owner role may create schemas for it or set its default privileges.
        await admin.execute(await _sql(admin, "GRANT {role} TO CURRENT_USER", role=role_of(database, "owner")))


async def _grant(inside: asyncpg.Connection, database: str, services: Sequence[str]) -> None:
    names = {"database": database, "owner": role_of(database, "owner"), "check": role_of(database, "check")}
    for statement in CLOSE_DATABASE:
        await inside.execute(await _sql(inside, statement, **names))
    for name in (*services, "owner", "check"):
        await inside.execute(await _sql(inside, GRANT_LOGIN, **names, role=role_of(database, name)))
    for service in services:
        for statement in OPEN_SCHEMA:
            text = await _sql(inside, statement, **names, role=role_of(database, service), schema=service)
            await inside.execute(text)
    await inside.execute(await _sql(inside, READ_ONLY, **names))


async def _sql(connection: asyncpg.Connection, statement: str, **names: str) -> str:
    """Fill in identifiers, quoted by the server."""
    quoted = {key: await connection.fetchval("SELECT quote_ident($1)", name) for key, name in names.items()}
    return statement.format(**quoted)


def _urls(admin_url: str, database: str, services: Sequence[str], passwords: dict[str, str]) -> Prepared:
    def url(role: str) -> str:
        return _at(admin_url, database, user=role, password=passwords[role])

    prepared = Prepared(check_url=url(role_of(database, "check")), passwords=passwords)
    for service in services:
        owner = url(role_of(database, "owner"))
        options = "options=" + quote(f"-csearch_path={service}")
        prepared[service] = ServiceUrls(
            url=url(role_of(database, service)), owner_url=f"{owner}{'&' if '?' in owner else '?'}{options}"
        )
    return prepared


def _at(admin_url: str, database: str, *, user: str | None = None, password: str | None = None) -> str:
    """Return the URL with another database and, if given, another user."""
    parts = urlsplit(admin_url)
    netloc = parts.netloc
    if user is not None and password is not None:
        netloc = f"{quote(user)}:{quote(password)}@{netloc.rpartition('@')[2]}"
    return parts._replace(netloc=netloc, path=f"/{database}").geturl()
