"""SlotLevelChanged is published for every use while a provider follows the slot."""

import pytest

from libs.kit import NotReadyError
from libs.kit.testing import store_for
from replenish_contracts.events import DeviceDeregistered, SlotFollowed, SlotLevelChanged
from services.consumption.handlers.accounts import on_device_deregistered, on_device_registered
from services.consumption.handlers.followers import on_slot_followed
from services.consumption.handlers.reorders import on_trigger_set
from services.consumption.handlers.usage import on_usage
from services.consumption.service import SERVICE
from tests.integration.consumption.reported import NOON, measured, registered, trigger, used


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = NOON
        await on_device_registered(registered(), opened)
        yield opened


def followed(provider="amazon", following=True, device_id="brewer"):
    return SlotFollowed(
        customer_id="ann", device_id=device_id, slot="1", provider_id=provider, following=following, occurred_at=NOON
    )


async def told(store, *records):
    return [event.level for event in await on_usage(records, store) if isinstance(event, SlotLevelChanged)]


async def test_following_publishes_current_level_then_each_use(store):
    begun = [await on_slot_followed(followed(), store) for _ in range(2)]

    assert [[event.level for event in said] for said in begun] == [[100], [100]]
    assert await told(store, used(5, 1)) == [95]
    assert await told(store, used(5, 2), used(5, 3)) == [90, 85]
    assert await told(store, measured(60, 4)) == []
    assert await told(store, measured(60, 5)) == [60]
    assert await told(store, used(1)) == [59]


async def test_slot_without_follower_publishes_nothing(store):
    assert await told(store, used(5, 1), measured(60, 2)) == []


async def test_following_is_independent_of_trigger(store):
    await on_slot_followed(followed(), store)
    await on_trigger_set(trigger(epoch=1, at_level=0, follow=True), store)
    await on_trigger_set(trigger(epoch=2, at_level=0, follow=False), store)

    assert await told(store, used(5, 1)) == [95]


async def test_following_ends_with_last_follower(store):
    for provider in ("amazon", "globex"):
        await on_slot_followed(followed(provider), store)
    await on_slot_followed(followed("amazon", following=False), store)
    assert await told(store, used(5, 1)) == [95]

    await on_slot_followed(followed("globex", following=False), store)

    assert await told(store, used(5, 2)) == []


async def test_following_waits_for_device_and_ends_with_it(store):
    with pytest.raises(NotReadyError, match="device:unheard"):
        await on_slot_followed(followed(device_id="unheard"), store)
    await on_slot_followed(followed(), store)
    await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1), store)

    assert await on_slot_followed(followed(), store) == []
    assert await store.connection.fetchval("SELECT count(*) FROM follower") == 0
