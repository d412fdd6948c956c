"""One broker and one database server per test session; a fresh database per test module."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import NotLeaderForPartitionError
from hypothesis import HealthCheck, settings

from deploy.local.backends import Backends
from deploy.local.names import SERVICES
from deploy.local.roles import Prepared, drop_database, prepare_database
from tests.support.scheduling import Spread, rank

_numbers = itertools.count(1)

# The same examples on each machine; HYPOTHESIS_PROFILE=search generates new ones. Without deadlines.
_unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", _unhurried, derandomize=True)
settings.register_profile("search", _unhurried)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Use one process more than cores, because tests often wait for child processes."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spread:
    return Spread(config, log)


async def empty_all_logs(kafka_url: str) -> None:
    """Delete all records of all topics except Kafka's internal ones."""
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False) as consumer:
        names = [name for name in await consumer.topics() if not name.startswith("__")]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        places = [
            TopicPartition(described["topic"], partition["partition"])
            for described in (await admin.describe_topics(names) if names else ())
            for partition in described["partitions"]
        ]
        while places:
            try:
                await admin.delete_records({place: RecordsToDelete(-1) for place in places})
                break
            except NotLeaderForPartitionError:  # the topic was just created
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


@pytest.fixture(scope="session")
async def backends() -> AsyncIterator[Backends]:
    """Kafka and Postgres: given by URL, in Docker or embedded (see Backends)."""
    with tempfile.TemporaryDirectory(prefix="replenish-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root, the account of Postgres must be able to enter
        async with Backends(Path(folder), durable=False) as started:
            yield started


@pytest.fixture(scope="session")
def kafka_url(backends: Backends) -> str:
    return backends.kafka_url


@pytest.fixture(scope="module")
async def database(backends: Backends) -> AsyncIterator[Prepared]:
    """A new database with a schema and roles per service: `database["consumption"].url / .owner_url`.

    The logs are emptied too, because a relay refuses a log that its database did not write.
    """
    await empty_all_logs(backends.kafka_url)
    name = f"test_{os.getpid()}_{next(_numbers)}"
    prepared = await prepare_database(backends.database_admin_url, name, SERVICES)
    yield prepared
    await drop_database(backends.database_admin_url, name, SERVICES)
