"""Handlers of the events that the gateway consumes: they maintain devices, their credentials and their warnings."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    SlotAnomalyDetected,
)
from services.gateway.domain.devices import Device, Slot, SlotWarning
from services.gateway.domain.warnings import UNCLASSIFIED
from services.gateway.store import Store

LONGEST_PROBLEM = 300  # characters; about six of them are in each cached device
KEEP_DEPARTURES_HOURS = 1  # replicas poll every second; the margin is for a process that was suspended


async def on_device_registered(event: DeviceRegistered, store: Store) -> list[Event]:
    await _save_device(event, store, await store.next_revision())
    return []


async def on_device_replaced(event: DeviceReplaced, store: Store) -> list[Event]:
    revision = await store.next_revision()
    if event.replaces != event.device_id:
        await store.delete_device(event.replaces, event.customer_id, None, revision)
    await _save_device(event, store, revision)
    return []


async def on_device_deregistered(event: DeviceDeregistered, store: Store) -> list[Event]:
    revision = await store.next_revision()
    await store.delete_device(event.device_id, event.customer_id, event.registration, revision)
    return []


async def on_customer_erased(event: CustomerErased, store: Store) -> list[Event]:
    for device_id in await store.list_device_ids(event.customer_id):
        await store.delete_device(device_id, event.customer_id, None, await store.next_revision())
    return []


async def on_slot_anomaly_detected(event: SlotAnomalyDetected, store: Store) -> list[Event]:
    """Keep the newest anomaly of each code, for the answers to the device's later reports."""
    revision = await store.next_revision()
    warning = SlotWarning(event.slot, event.reason[:LONGEST_PROBLEM], event.occurred_at)
    await store.save_warning(event.device_id, event.customer_id, event.code or UNCLASSIFIED, warning, revision)
    return []


async def delete_old_departures(store: Store) -> list[Event]:
    await store.delete_departures(KEEP_DEPARTURES_HOURS)
    return []


async def _save_device(event: DeviceRegistered | DeviceReplaced, store: Store, revision: int) -> None:
    slots = {spec.slot: Slot(spec.unit, spec.scale, spec.capacity, spec.unit_system) for spec in event.slots}
    device = Device(event.device_id, event.customer_id, event.registration, slots)
    await store.save_device(device, bytes.fromhex(event.credential_sha256), revision)
