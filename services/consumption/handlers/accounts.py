"""Registration, replacement and removal of devices."""

from collections.abc import Sequence

from replenish_contracts.catalogue import Event
from replenish_contracts.events import CustomerErased, DeviceDeregistered, DeviceRegistered, DeviceReplaced
from services.consumption.domain.events import slot_level_changed
from services.consumption.domain.report import to_unix
from services.consumption.domain.slot import Slot, carry_over, new_slot
from services.consumption.store import Place, Store


async def on_device_registered(event: DeviceRegistered, store: Store) -> list[Event]:
    """Create the slots with their registered levels; an older registration of the device ends."""
    if await _is_outdated(event.device_id, event.registration, store):
        return []
    await _end_devices([event.device_id], "deregistered", store)
    await store.add_device(event.device_id, event.customer_id, event.registration)
    await store.add_slots(_new_slots(event, to_unix(store.now)))
    store.resolve_dependency(f"device:{event.device_id}")
    return []


async def on_device_replaced(event: DeviceReplaced, store: Store) -> list[Event]:
    """Carry the slots of the old device over to the new one; later reports of the old one become dead letters."""
    if await _is_outdated(event.device_id, event.registration, store):
        return []
    old = await store.lock_slots(await store.list_slot_names([event.replaces]))
    new = {(slot.device_id, slot.slot): slot for slot in _new_slots(event, to_unix(store.now))}
    successors = _successors(event, old, new)
    if event.replaces != event.device_id:
        await _end_devices([event.device_id], "deregistered", store)
        carried = [move for move in event.moves if (event.device_id, move.new_slot) in successors]
        await store.add_successors(event.replaces, event.device_id, carried)
    for new_place, (place, _) in successors.items():
        await store.move_filed_days(place, new_place)
    await _end_devices([event.replaces], "replaced", store)
    await store.add_device(event.device_id, event.customer_id, event.registration)
    await store.add_slots(list(new.values()))
    await store.save_slots(new, [slot for _, slot in successors.values()])
    for _, slot in successors.values():
        await store.save_epoch(slot)
    store.resolve_dependency(f"device:{event.device_id}")
    at = to_unix(store.now)
    return [slot_level_changed(slot, at) for _, slot in successors.values() if slot.trigger.follow]


async def on_device_deregistered(event: DeviceDeregistered, store: Store) -> list[Event]:
    device = await store.find_device(event.device_id)
    if device is not None and device.registration <= event.registration:
        await _end_devices([event.device_id], "deregistered", store)
    return []


async def on_customer_erased(event: CustomerErased, store: Store) -> list[Event]:
    await _end_devices(await store.list_device_ids(event.customer_id), "erased", store)
    return []


async def _is_outdated(device_id: str, registration: int, store: Store) -> bool:
    device = await store.find_device(device_id)
    return device is not None and device.registration >= registration


async def _end_devices(device_ids: Sequence[str], reason: str, store: Store) -> None:
    await store.lock_slots(await store.list_slot_names(list(device_ids)))
    for device_id in device_ids:
        await store.end_device(device_id, reason, store.now)


def _new_slots(event: DeviceRegistered | DeviceReplaced, at: float) -> list[Slot]:
    owner, device_id, registration = event.customer_id, event.device_id, event.registration
    return [new_slot(owner, device_id, registered, at, registration) for registered in event.slots]


def _successors(
    event: DeviceReplaced, old: dict[Place, Slot], new: dict[Place, Slot]
) -> dict[Place, tuple[Place, Slot]]:
    successors = {}
    for move in event.moves:
        before, place = (event.replaces, move.old_slot), (event.device_id, move.new_slot)
        if before in old and place in new and new[place].spec.is_compatible(old[before].spec):
            successors[place] = (before, carry_over(new[place], old[before]))
    return successors
