"""Promised dates with real rows: they end where the customer lives, and follow a customer to another time zone."""

from datetime import UTC, date, datetime, timedelta

import pytest

from libs.kit.testing import store_for
from replenish_contracts.events import CustomerChanged, CustomerErased, CustomerJoined, OrderDelivered
from services.order_dispatch.domain import State, submit
from services.order_dispatch.orders.handlers import (
    check_due_orders,
    on_customer_erased,
    on_customer_settings,
    on_order_updated,
)
from services.order_dispatch.service import SERVICE
from tests.support import orders as a

DAY = date(2026, 3, 5)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = a.NOON
        await opened.save_provider(a.ACME)
        await opened.add_order(a.draft(a.approved(), a.slot(), a.ACME, a.offer(), a.NOON))
        await opened.save_order_decision(submit((await opened.find_order("o1")), a.TIMEOUTS, a.NOON))
        yield opened


async def lives_in(store, time_zone, event=CustomerChanged):
    return await on_customer_settings(event(customer_id="ann", locale="en", time_zone=time_zone), store)


async def promise(store, status="shipped", **changes):
    return await on_order_updated(a.update(status, expected_date=DAY, **changes), store)


async def due(store, at):
    store.now = at
    return [event for event in await check_due_orders(store) if isinstance(event, OrderDelivered)]


@pytest.mark.parametrize(
    ("time_zone", "end"),
    [
        ("Pacific/Kiritimati", datetime(2026, 3, 5, 10, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 3, 6, 8, tzinfo=UTC)),
        (None, datetime(2026, 3, 6, tzinfo=UTC)),
    ],
)
async def test_goods_are_credited_at_the_end_of_the_day_of_the_customer(store, time_zone, end):
    if time_zone is not None:
        await lives_in(store, time_zone, CustomerJoined)
    events = await promise(store)

    order = await store.find_order("o1")
    assert (order.expected_date, a.only(order).expected_date) == (DAY, DAY)
    assert {event.expected_date for event in events} == {DAY}
    assert await due(store, end - SECOND) == []
    assert len(await due(store, end)) == 1


async def test_open_order_follows_the_customer(store):
    await lives_in(store, "Pacific/Kiritimati")
    await promise(store)

    assert await lives_in(store, "America/Los_Angeles") == []

    assert await due(store, datetime(2026, 3, 6, 7, 59, tzinfo=UTC)) == []
    assert len(await due(store, datetime(2026, 3, 6, 8, tzinfo=UTC))) == 1


async def test_same_settings_again_change_nothing(store):
    await lives_in(store, "Asia/Kolkata")
    await promise(store)
    before = await store.find_order("o1")

    await lives_in(store, "Asia/Kolkata")

    assert await store.find_order("o1") == before


async def test_delivered_order_keeps_its_times(store):
    await promise(store)
    await promise(store, "delivered", update_id="u2")
    before = await store.find_order("o1")

    await lives_in(store, "America/Los_Angeles")

    assert before.state is State.DELIVERED
    assert await store.find_order("o1") == before


async def test_erased_customer_has_no_time_zone(store):
    await lives_in(store, "America/Los_Angeles")

    await on_customer_erased(CustomerErased(customer_id="ann"), store)

    assert await store.get_time_zone("ann") == "UTC"
    assert await store.connection.fetchval("SELECT count(*) FROM customer_setting") == 0


async def test_unclear_quantity_is_stored_and_raises_no_claim(store):
    await on_order_updated(a.update("shipped", quantity=2), store)

    line = a.only(await store.find_order("o1"))
    assert (line.is_unclear, line.shipped_quantity) == (True, 40)
    (event,) = await due(store, a.NOON + a.days(30))
    assert (event.quantity, event.unclear_line_ids) == (40, ("1",))
    assert await store.list_claims(None, None, 10) == []
