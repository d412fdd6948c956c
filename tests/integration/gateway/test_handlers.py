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


def digest(text):
    return hashlib.sha256(text.encode()).digest()


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


async def find_device(store, device_id):
    return next(iter(await store.list_devices([device_id])), None)


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as store:
        yield store


async def test_on_device_registered_saves_device_with_credential_and_slots(store):
    await handlers.on_device_registered(registered(), store)

    device = await store.find_device_by_credential(digest("secret"))

    assert device == await find_device(store, "m")
    assert (device.customer_id, device.registration) == ("c", 1)
    assert device.slots == {"1": Slot(BaseUnit.EACH, 0, 60)}


async def test_on_device_registered_is_idempotent(store):
    await handlers.on_device_registered(registered(), store)
    await handlers.on_device_registered(registered(), store)

    assert (await find_device(store, "m")).registration == 1


async def test_older_registration_does_not_overwrite_newer(store):
    await handlers.on_device_registered(registered(customer_id="new", registration=2, credential="new"), store)
    await handlers.on_device_registered(registered(customer_id="old"), store)
    await handlers.on_device_deregistered(DeviceDeregistered(customer_id="old", device_id="m", registration=1), store)

    assert (await find_device(store, "m")).customer_id == "new"
    assert await store.find_device_by_credential(digest("secret")) is None


async def test_on_device_deregistered_deletes_device_and_records_change(store):
    await handlers.on_device_registered(registered(), store)
    before = await store.get_revision()

    await handlers.on_device_deregistered(DeviceDeregistered(customer_id="c", device_id="m", registration=1), store)

    assert await store.find_device_by_credential(digest("secret")) is None
    assert [change.device_id for change in await store.list_changes(before)] == ["m"]


async def test_on_device_replaced_replaces_credential(store):
    await handlers.on_device_registered(registered(), store)
    before = await store.get_revision()

    await handlers.on_device_replaced(replaced("m", device_id="n", credential="fresh"), store)

    assert await find_device(store, "m") is None
    assert (await store.find_device_by_credential(digest("fresh"))).device_id == "n"
    assert {change.device_id for change in await store.list_changes(before)} == {"m", "n"}


async def test_on_customer_erased_deletes_devices_of_customer(store):
    for name in ("m", "n"):
        await handlers.on_device_registered(registered(device_id=name, credential=name), store)
    await handlers.on_device_registered(registered(device_id="o", customer_id="other", credential="o"), store)

    await handlers.on_customer_erased(CustomerErased(customer_id="c"), store)

    assert await store.list_device_ids("c") == []
    assert await find_device(store, "o") is not None


async def test_delete_old_departures_keeps_recent_ones(store):
    await handlers.on_device_registered(registered(), store)
    await handlers.on_device_deregistered(DeviceDeregistered(customer_id="c", device_id="m", registration=1), store)

    await handlers.delete_old_departures(store)
    before = await store.list_changes(0)
    await store.connection.execute("UPDATE departure SET left_at = left_at - interval '2 hours'")
    await handlers.delete_old_departures(store)

    assert [change.device_id for change in before] == ["m"]
    assert await store.list_changes(0) == []
