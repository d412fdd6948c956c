import hashlib

import pytest

from libs.kit.testing import store_for
from replenish_contracts.events import (
    BaseUnit,
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    SlotSpec,
)
from services.gateway import handlers
from services.gateway.domain.devices import Slot
from services.gateway.service import SERVICE

PODS = SlotSpec(slot="1", product_id="pods", unit=BaseUnit.EACH, capacity=60)


def digest(word):
    return hashlib.sha256(word.encode()).digest()


def registered(device_id="m", customer_id="c", registration=1, credential="secret", **changes):
    return DeviceRegistered(
        customer_id=customer_id,
        device_id=device_id,
        registration=registration,
        credential_sha256=digest(credential).hex(),
        slots=changes.get("slots", (PODS,)),
    )


def replaced(old, **changes):
    return DeviceReplaced(**dict(registered(**changes)), replaces=old, moves=())


async def found(store, device_id):
    return next(iter(await store.list_devices([device_id])), None)


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as store:
        yield store


async def test_a_registered_device_is_found_by_its_credential_with_how_its_slots_count(store):
    await handlers.on_device_registered(registered(), store)

    device = await store.find_device_by_credential(digest("secret"))

    assert device == await found(store, "m")
    assert (device.customer_id, device.registration) == ("c", 1)
    assert device.slots == {"1": Slot(BaseUnit.EACH, 0, 60)}


async def test_twice_the_same_registration_is_one(store):
    await handlers.on_device_registered(registered(), store)
    await handlers.on_device_registered(registered(), store)

    assert (await found(store, "m")).registration == 1


async def test_an_older_registration_does_not_undo_a_newer_one(store):
    await handlers.on_device_registered(registered(customer_id="new", registration=2, credential="new"), store)
    await handlers.on_device_registered(registered(customer_id="old"), store)
    await handlers.on_device_deregistered(DeviceDeregistered(customer_id="old", device_id="m", registration=1), store)

    assert (await found(store, "m")).customer_id == "new"
    assert await store.find_device_by_credential(digest("secret")) is None


async def test_a_deregistered_devices_credential_ends_and_other_replicas_learn_it(store):
    await handlers.on_device_registered(registered(), store)
    before = await store.get_revision()

    await handlers.on_device_deregistered(DeviceDeregistered(customer_id="c", device_id="m", registration=1), store)

    assert await store.find_device_by_credential(digest("secret")) is None
    assert [change.device_id for change in await store.list_changes(before)] == ["m"]


async def test_a_replaced_devices_credential_ends_and_the_new_ones_begins(store):
    await handlers.on_device_registered(registered(), store)
    before = await store.get_revision()

    await handlers.on_device_replaced(replaced("m", device_id="n", credential="fresh"), store)

    assert await found(store, "m") is None
    assert (await store.find_device_by_credential(digest("fresh"))).device_id == "n"
    assert {change.device_id for change in await store.list_changes(before)} == {"m", "n"}


async def test_an_erased_customers_devices_are_forgotten(store):
    for name in ("m", "n"):
        await handlers.on_device_registered(registered(device_id=name, credential=name), store)
    await handlers.on_device_registered(registered(device_id="o", customer_id="other", credential="o"), store)

    await handlers.on_customer_erased(CustomerErased(customer_id="c"), store)

    assert await store.list_devices_of("c") == []
    assert await found(store, "o") is not None


async def test_departures_are_forgotten_only_when_every_replica_has_seen_them(store):
    await handlers.on_device_registered(registered(), store)
    await handlers.on_device_deregistered(DeviceDeregistered(customer_id="c", device_id="m", registration=1), store)

    await handlers.forget_departures(store)
    kept = await store.list_changes(0)
    await store.connection.execute("UPDATE departure SET left_at = left_at - interval '2 hours'")
    await handlers.forget_departures(store)

    assert [change.device_id for change in kept] == ["m"]
    assert await store.list_changes(0) == []
