"""Devices come, are replaced and go."""

from collections.abc import Sequence

from libs.contracts.catalogue import Event
from libs.contracts.events import CustomerErased, DeviceDeregistered, DeviceRegistered, DeviceReplaced
from services.consumption.domain import said
from services.consumption.domain.report import seconds
from services.consumption.domain.slot import Slot, new_slot, taking_over
from services.consumption.store import Place, Store


async def on_device_registered(event: DeviceRegistered, store: Store) -> list[Event]:
    """Take on a device with the levels somebody read off; an older registration of it ends."""
    if await _knows_newer(event.device_id, event.registration, store):
        return []
    await _remove([event.device_id], "deregistered", store)
    await store.insert_device(event.device_id, event.customer_id, event.registration)
    await store.insert_slots(_fresh(event, seconds(store.now)))
    store.appear(f"device:{event.device_id}")
    return []


async def on_device_replaced(event: DeviceReplaced, store: Store) -> list[Event]:
    """Let a new device go on where the old one stopped, slot by slot; the old one is refused from now on."""
    if await _knows_newer(event.device_id, event.registration, store):
        return []
    old = await store.lock_slots(await store.list_slot_names([event.replaces]))
    fresh = {(slot.device_id, slot.slot): slot for slot in _fresh(event, seconds(store.now))}
    heirs = _heirs(event, old, fresh)
    if event.replaces != event.device_id:
        await _remove([event.device_id], "deregistered", store)
        carried = [move for move in event.moves if (event.device_id, move.new_slot) in heirs]
        await store.insert_successors(event.replaces, event.device_id, carried)
    for heir, (place, _) in heirs.items():
        await store.move_filed_days(place, heir)
    await _remove([event.replaces], "replaced", store)
    await store.insert_device(event.device_id, event.customer_id, event.registration)
    await store.insert_slots(list(fresh.values()))
    await store.save_slots(fresh, [slot for _, slot in heirs.values()])
    for _, slot in heirs.values():
        await store.save_epoch(slot)
    store.appear(f"device:{event.device_id}")
    at = seconds(store.now)
    return [said.level_changed(slot, at) for _, slot in heirs.values() if slot.trigger.follow]


async def on_device_deregistered(event: DeviceDeregistered, store: Store) -> list[Event]:
    """Forget a device, unless it was registered again since."""
    device = await store.find_device(event.device_id)
    if device is not None and device.registration <= event.registration:
        await _remove([event.device_id], "deregistered", store)
    return []


async def on_customer_erased(event: CustomerErased, store: Store) -> list[Event]:
    """Forget all devices of a customer."""
    await _remove(await store.list_device_ids(event.customer_id), "erased", store)
    return []


async def _knows_newer(device_id: str, registration: int, store: Store) -> bool:
    device = await store.find_device(device_id)
    return device is not None and device.registration >= registration


async def _remove(device_ids: Sequence[str], how: str, store: Store) -> None:
    await store.lock_slots(await store.list_slot_names(list(device_ids)))
    for device_id in device_ids:
        await store.delete_device(device_id, how, store.now)


def _fresh(event: DeviceRegistered | DeviceReplaced, at: float) -> list[Slot]:
    owner, device_id, registration = event.customer_id, event.device_id, event.registration
    return [new_slot(owner, device_id, registered, at, registration) for registered in event.slots]


def _heirs(event: DeviceReplaced, old: dict[Place, Slot], fresh: dict[Place, Slot]) -> dict[Place, tuple[Place, Slot]]:
    """Return, by new slot, the old slot it follows on and what it takes over."""
    heirs = {}
    for move in event.moves:
        before, place = (event.replaces, move.old_slot), (event.device_id, move.new_slot)
        if before in old and place in fresh and fresh[place].spec.is_like(old[before].spec):
            heirs[place] = (before, taking_over(fresh[place], old[before]))
    return heirs
