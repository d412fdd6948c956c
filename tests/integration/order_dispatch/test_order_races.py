"""A transaction that waits for an order's lock sees the lines and parcels that the earlier one wrote."""

import asyncio
from dataclasses import replace

import pytest

from libs.kit.connections import open_pool
from libs.kit.kit import Kit
from libs.kit.testing import prepare, settings_for
from services.order_dispatch.domain import submit
from services.order_dispatch.service import SERVICE
from tests.support import orders as a

PART = a.update("shipped", shipment_id="A", lines=(a.about("1", quantity=20), a.about("2")))
REST = a.update("shipped", shipment_id="B", lines=(a.about("1", quantity=20),))


@pytest.fixture
async def kit(database):
    await prepare(SERVICE, database)
    settings = settings_for(SERVICE, database)
    pool = await open_pool(settings, SERVICE.name)
    opened = Kit(SERVICE, settings, pool)
    yield opened
    await opened.client.close()
    await pool.close()


async def save(store, order_id, *updates):
    decision = a.basket_decision()
    lines = tuple(replace(line, pool_id=f"{order_id}/{line.line_id}") for line in decision.order.lines)
    await store.add_order(replace(decision, order=replace(decision.order, order_id=order_id, lines=lines)))
    await store.save_order_decision(submit(await store.lock_order(order_id), a.TIMEOUTS, a.NOON))
    for update in updates:
        await store.save_order_decision(a.apply(await store.lock_order(order_id), update))


@pytest.mark.parametrize(
    ("order_id", "before", "meanwhile"),
    [
        ("price-of-a-line", (), a.update("accepted", lines=(a.about("2", price=300),))),
        ("first-parcel", (), PART),
        ("second-parcel", (PART,), REST),
        ("arrived-parcel", (PART,), a.update("delivered", shipment_id="A")),
        ("short-parcel", (PART,), a.update("delivered", shipment_id="A", lines=(a.about("2", quantity=90),))),
        ("all-arrived", (PART, REST), a.update("delivered")),
        ("refused-line", (), a.update("refused", lines=(a.about("1"),))),
    ],
)
async def test_waiting_transaction_sees_what_was_written(kit, order_id, before, meanwhile):
    async with kit.transaction() as tx:
        await save(tx.store, order_id, *before)
    async with kit.transaction() as second:
        async with kit.transaction() as first:
            written = a.apply(await first.store.lock_order(order_id), meanwhile)
            waiting = asyncio.create_task(second.store.lock_order(order_id))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            await first.store.save_order_decision(written)
        assert await waiting == written.order
