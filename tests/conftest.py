"""One broker and one database server per test session; a fresh database per test module."""

import itertools
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.backends import Backends
from deploy.local.names import SERVICES
from deploy.local.roles import Prepared, drop_database, prepare_database

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
async def backends() -> AsyncIterator[Backends]:
    """Kafka and Postgres: given, Docker or embedded, whichever this machine has (see Backends)."""
    with tempfile.TemporaryDirectory(prefix="replenish-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres' own account must be able to enter when we are root
        async with Backends(Path(folder), durable=False) as started:
            yield started


@pytest.fixture(scope="session")
def kafka_url(backends: Backends) -> str:
    return backends.kafka_url


@pytest.fixture(scope="module")
async def database(backends: Backends) -> AsyncIterator[Prepared]:
    """A new database with a schema and roles per service: `database["consumption"].url / .owner_url`."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    prepared = await prepare_database(backends.database_admin_url, name, SERVICES)
    yield prepared
    await drop_database(backends.database_admin_url, name, SERVICES)
