"""Keeps the list of credentials as the accounts tell it."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import CustomerErased, DeviceDeregistered, DeviceRegistered, DeviceReplaced
from services.gateway.domain.devices import Device, slots_of
from services.gateway.store import Store

DEPARTURES_KEPT_HOURS = 1  # a replica reads changes every second; this is for one that was frozen


async def on_device_registered(event: DeviceRegistered, store: Store) -> list[Event]:
    await _save(event, store, await store.next_revision())
    return []


async def on_device_replaced(event: DeviceReplaced, store: Store) -> list[Event]:
    revision = await store.next_revision()
    if event.replaces != event.device_id:
        await store.remove_device(event.replaces, event.customer_id, None, revision)
    await _save(event, store, revision)
    return []


async def on_device_deregistered(event: DeviceDeregistered, store: Store) -> list[Event]:
    revision = await store.next_revision()
    await store.remove_device(event.device_id, event.customer_id, event.registration, revision)
    return []


async def on_customer_erased(event: CustomerErased, store: Store) -> list[Event]:
    for device_id in await store.list_devices_of(event.customer_id):
        await store.remove_device(device_id, event.customer_id, None, await store.next_revision())
    return []


async def forget_departures(store: Store) -> list[Event]:
    await store.forget_departures(DEPARTURES_KEPT_HOURS)
    return []


async def _save(event: DeviceRegistered | DeviceReplaced, store: Store, revision: int) -> None:
    device = Device(event.device_id, event.customer_id, event.registration, slots_of(event.slots))
    await store.save_device(device, bytes.fromhex(event.credential_sha256), revision)
