"""Readings that wait are in the database: they survive the process, and are counted by a periodic job."""

import pytest

from libs.kit.testing import store_for
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceReplaced,
    SlotCorrected,
    SlotFilled,
    SlotMove,
    ThresholdCrossed,
)
from services.consumption.handlers import upkeep
from services.consumption.handlers.accounts import (
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
)
from services.consumption.handlers.reorders import on_order_delivered, on_trigger_set
from services.consumption.handlers.usage import on_usage
from services.consumption.service import SERVICE
from tests.integration.consumption.reported import (
    NOON,
    at,
    delivered,
    measured,
    refilled,
    registered,
    slot_of,
    spec,
    trigger,
    used,
)


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = NOON
        yield opened


async def jar(store, level=90, **changes):
    await on_device_registered(registered(slots=(spec(level=level, **changes),)), store)
    await on_trigger_set(trigger(at_level=20), store)


async def due(store, hours):
    store.now = at(hours)
    return await upkeep.count_due_readings(store)


async def waiting(store):
    return await store.connection.fetchval("SELECT count(*) FROM pending_reading")


async def test_jump_waits_in_database_and_counts_once(store):
    await jar(store)

    store.now = at(1)
    events = await on_usage([measured(0, 1, when=at(1))], store)
    early = await due(store, 24.9)
    counted = await due(store, 25.1)
    again = await due(store, 26)

    slot = await slot_of(store)
    assert (events, early, again) == ([], [], [])
    assert [(type(event), event.level) for event in counted] == [(ThresholdCrossed, 0)]
    assert (slot.level, slot.books.unreported, slot.pending, await waiting(store)) == (0, 90, None, 0)
    assert not await store.connection.fetch("SELECT * FROM check_waiting_readings_are_known")


async def test_reading_is_restored_as_it_was(store):
    await jar(store)
    await on_usage([used(1, 1), measured(40, 3, when=at(2)), used(2, 4, when=at(3)), used(3, 5, when=at(4))], store)

    pending = (await slot_of(store)).pending

    assert (pending.boot_no, pending.seq, pending.level, pending.flow) == (1, 3, 40, -5)
    assert (pending.used_at, pending.due_at) == (at(2).timestamp(), at(24).timestamp())
    assert (await slot_of(store)).level == 84


async def test_uses_return_to_the_statement_after_the_wait(store):
    await jar(store)
    await on_usage([measured(0, 1)], store)
    assert not await store.connection.fetchval("SELECT plain FROM slot")

    await on_usage([measured(90, 2)], store)

    assert await store.connection.fetchval("SELECT plain FROM slot")
    assert await waiting(store) == 0


async def test_counted_jump_is_taken_back(store):
    await jar(store)
    await on_usage([measured(89, 1, when=at(0)), measured(0, 2, when=at(24))], store)
    await due(store, 48)

    events = await on_usage([measured(88, 3, when=at(48.1))], store)

    slot = await slot_of(store)
    assert [(type(event), event.difference, event.level) for event in events] == [(SlotCorrected, 0, 89)]
    assert (slot.level, slot.books.unreported, slot.unconfirmed) == (88, 2, None)
    assert await store.connection.fetchval("SELECT count(*) FROM unconfirmed_jump") == 0


async def test_repeated_reading_that_waits_is_a_duplicate(store):
    await jar(store)
    counted, by_value = measured(0, 1, when=at(1)), measured(50, when=at(2))

    await on_usage([counted, counted], store)
    await on_usage([by_value, by_value, counted], store)

    slot = await slot_of(store)
    assert (slot.level, slot.duplicates, slot.pending.level) == (90, 3, 50)


async def test_arrival_and_measured_rise_are_one_fill(store):
    await jar(store, level=10, loading="direct")
    await on_usage([measured(60, 1, when=at(1))], store)

    events = await on_order_delivered(delivered(), store) + await due(store, 30)

    assert [(event.quantity, event.level) for event in events if isinstance(event, SlotFilled)] == [(50, 60)]


async def test_reported_refill_and_measured_rise_are_one_fill(store):
    await jar(store, level=10)
    events = await on_usage([measured(60, 1, when=at(1)), refilled(50, 2, when=at(1.1))], store)

    events += await due(store, 30)

    assert [(event.quantity, event.level) for event in events if isinstance(event, SlotFilled)] == [(50, 60)]


@pytest.mark.parametrize(
    ("handler", "event"),
    [
        (on_device_deregistered, DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1)),
        (on_customer_erased, CustomerErased(customer_id="ann")),
        (
            on_device_replaced,
            DeviceReplaced(
                customer_id="ann",
                device_id="brewer-2",
                registration=2,
                replaces="brewer",
                credential_sha256="1" * 64,
                slots=(spec(),),
                moves=(SlotMove(old_slot="1", new_slot="1"),),
            ),
        ),
        (on_device_registered, registered(registration=2)),
    ],
)
async def test_reading_that_waits_ends_with_its_device(store, handler, event):
    await jar(store)
    await on_usage([measured(0, 1)], store)

    await handler(event, store)

    assert await waiting(store) == 0
    assert [one for one in await due(store, 48) if isinstance(one, ThresholdCrossed)] == []


async def test_trigger_that_is_set_meanwhile_uses_the_books(store):
    await jar(store)
    await on_usage([measured(0, 1)], store)

    assert await on_trigger_set(trigger(epoch=2, at_level=50), store) == []
    assert [event.epoch for event in await due(store, 25)] == [2]


async def test_each_run_counts_a_bounded_number(store):
    await on_device_registered(registered(slots=tuple(spec(str(n)) for n in range(5))), store)
    await on_usage([measured(0, 1, slot=str(n), when=at(n / 10)) for n in range(5)], store)
    store.settings = store.settings.model_copy(update={"count_readings_at_most": 3})

    await due(store, 48)
    first = await waiting(store)
    await due(store, 49)

    assert (first, await waiting(store)) == (2, 0)


@pytest.mark.parametrize("level", [111, 255])
@pytest.mark.parametrize("by", ["device", "person"])
async def test_level_above_capacity_becomes_dead_letter(store, level, by):
    await jar(store)

    await on_usage([measured(level, 1, by=by)], store)

    [trouble] = store.set_aside
    assert (trouble.dead_letter, trouble.reason) == (
        True,
        f"a level of {level} is above the capacity: the slot holds 100",
    )
    assert (await slot_of(store)).level == 90


async def test_wait_starts_when_the_reading_is_applied(store):
    """After an outage, the reading that contradicts the first one is already in the log."""
    await jar(store)
    store.now = at(100)
    await on_usage([measured(0, 1, when=at(1))], store)

    assert await upkeep.count_due_readings(store) == []
    await on_usage([measured(89, 2, when=at(2))], store)

    assert (await slot_of(store)).level == 89


@pytest.mark.parametrize("days", [-300, 300])
async def test_wrong_time_of_receipt_does_not_change_the_wait(store, days):
    """Makers that write the topic supply the time of receipt."""
    await jar(store)

    await on_usage([measured(0, 1, when=at(24 * days))], store)

    assert await due(store, 23.9) == []
    assert [event.level for event in await due(store, 24.1)] == [0]
