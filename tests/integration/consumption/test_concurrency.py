"""Two concurrent transactions on a slot: the second sees the first's commit, and each report counts once."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg
import pytest

from libs.kit.testing import prepare, settings_for
from services.consumption.handlers.accounts import on_device_registered
from services.consumption.handlers.reorders import on_trigger_set
from services.consumption.handlers.usage import on_usage
from services.consumption.service import SERVICE
from services.consumption.store import Store
from tests.integration.consumption import reported
from tests.integration.consumption.reported import NOON, measured, slot_of, used
from tests.support.portal_server import until


@asynccontextmanager
async def opened(database):
    connection = await asyncpg.connect(database["consumption"].url)
    try:
        yield Store(connection, NOON, settings_for(SERVICE, database))
    finally:
        await connection.close()


@pytest.fixture
async def stores(database):
    await prepare(SERVICE, database)
    async with opened(database) as first, opened(database) as second:
        yield first, second


async def waits(store, pid):
    sql = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted"
    return await store.connection.fetchval(sql, pid)


async def race(stores, first_work, second_work):
    """Run the second before the first is committed, then complete both."""
    first, second = stores
    transaction = first.connection.transaction()
    await transaction.start()
    before = await first_work(first)
    pid = second.connection.get_server_pid()

    async def later():
        async with second.connection.transaction():
            return await second_work(second)

    running = asyncio.create_task(later())
    await until(lambda: waits(first, pid), "the second waits for the first", 60)
    await transaction.commit()
    return before, await running


class TestTwoAtOnce:
    async def test_report_applied_by_both_counts_once(self, stores):
        await on_device_registered(reported.registered("twice"), stores[0])
        report = used(5, 1, device_id="twice")

        await race(stores, lambda store: on_usage([report], store), lambda store: on_usage([report], store))

        slot = await slot_of(stores[0], device_id="twice")
        assert (slot.level, slot.duplicates) == (95, 1)

    @pytest.mark.parametrize(
        ("way", "reports"),
        [
            ("use", lambda device: [used(60, 1, device_id=device)]),
            ("look", lambda device: [measured(40, seq, device_id=device) for seq in (1, 2)]),
        ],
    )
    async def test_report_crosses_concurrently_set_trigger(self, stores, way, reports):
        device = f"drawn-{way}"
        await on_device_registered(reported.registered(device), stores[0])

        _, said = await race(
            stores,
            lambda store: on_trigger_set(reported.trigger(device_id=device, at_level=50), store),
            lambda store: on_usage(reports(device), store),
        )

        assert [(event.epoch, event.level) for event in said] == [(1, 40)]

    async def test_trigger_sees_concurrently_committed_report(self, stores):
        await on_device_registered(reported.registered("used"), stores[0])

        _, said = await race(
            stores,
            lambda store: on_usage([used(60, 1, device_id="used")], store),
            lambda store: on_trigger_set(reported.trigger(device_id="used", at_level=50), store),
        )

        assert [(event.epoch, event.level) for event in said] == [(1, 40)]

    async def test_batches_of_same_devices_do_not_deadlock(self, stores):
        names = [f"pair-{n}" for n in range(20)]
        for name in names:
            await on_device_registered(reported.registered(name), stores[0])
        forwards = [used(1, 1, device_id=name) for name in names]
        backwards = [used(1, 2, device_id=name) for name in reversed(names)]

        await race(stores, lambda store: on_usage(forwards, store), lambda store: on_usage(backwards, store))

        assert {(await slot_of(stores[0], device_id=name)).level for name in names} == {98}
