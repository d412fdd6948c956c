import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from libs.kit.testing import store_for
from replenish_contracts.events import (
    BaseUnit,
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    SlotAnomalyDetected,
    SlotSpec,
)
from replenish_contracts.units import UnitSystem
from services.gateway import handlers
from services.gateway.domain.devices import Slot, SlotWarning
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


async def test_on_device_registered_keeps_unit_system_of_slot(store):
    water = PODS.model_copy(update={"unit": BaseUnit.MILLILITRE, "unit_system": UnitSystem.IMPERIAL})

    await handlers.on_device_registered(registered(slots=(water,)), store)

    assert (await find_device(store, "m")).slots == {"1": Slot(BaseUnit.MILLILITRE, 0, 60, UnitSystem.IMPERIAL)}


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def anomaly(code="shared_counter", *, at=NOON, **changes):
    fields = {"device_id": "m", "slot": "1", "customer_id": "c", "product_id": "pods", "reason": "why"} | changes
    return SlotAnomalyDetected(**fields, code=code, level=0, uncertainty=0, occurred_at=at)


class TestOnSlotAnomalyDetected:
    async def warnings(self, store, *anomalies):
        await handlers.on_device_registered(registered(), store)
        for event in anomalies:
            await handlers.on_slot_anomaly_detected(event, store)
        return (await find_device(store, "m")).warnings

    async def test_keeps_newest_of_each_code(self, store):
        later = NOON + timedelta(hours=1)

        warnings = await self.warnings(
            store,
            anomaly(at=later, reason="newest"),
            anomaly(at=NOON, reason="late", slot="2"),
            anomaly("missing_reports"),
            anomaly(None),
        )

        assert warnings == {
            "shared_counter": SlotWarning("1", "newest", later),
            "missing_reports": SlotWarning("1", "why", NOON),
            "doubtful_level": SlotWarning("1", "why", NOON),
        }

    async def test_is_idempotent_and_bounded(self, store):
        long = anomaly(reason="x" * 2000)

        warnings = await self.warnings(store, long, long)

        assert warnings == {"shared_counter": SlotWarning("1", "x" * 300, NOON)}

    async def test_records_a_change_for_other_replicas(self, store):
        await handlers.on_device_registered(registered(), store)
        before = await store.get_revision()

        await handlers.on_slot_anomaly_detected(anomaly(), store)

        (change,) = await store.list_changes(before)
        assert (change.device_id, change.credential_sha256) == ("m", digest("secret"))

    async def test_ignores_unknown_device_and_other_customer(self, store):
        assert await self.warnings(store, anomaly(device_id="other"), anomaly(customer_id="other")) == {}

    @pytest.mark.parametrize(("registration", "kept"), [(1, True), (2, False)])
    async def test_warnings_end_with_the_registration(self, store, registration, kept):
        await self.warnings(store, anomaly())

        await handlers.on_device_registered(registered(registration=registration), store)

        assert bool((await find_device(store, "m")).warnings) is kept


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
