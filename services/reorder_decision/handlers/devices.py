"""Registered, replaced and deregistered devices, and erased customers."""

from collections.abc import Iterable, Sequence

from replenish_contracts.catalogue import Event
from replenish_contracts.events import CustomerErased, DeviceDeregistered, DeviceRegistered, DeviceReplaced
from services.reorder_decision.domain import Pool, ProductSlot, slots_changed, slots_of_device
from services.reorder_decision.store import Store

Places = Iterable[tuple[str, str]]


async def on_device_registered(event: DeviceRegistered, store: Store) -> list[Event]:
    if not await store.save_device(event.customer_id, event.device_id, event.registration):
        return []
    slots = slots_of_device(event.device_id, event.slots)
    return await _replace_slots(event.customer_id, [event.device_id], slots, store)


async def on_device_replaced(event: DeviceReplaced, store: Store) -> list[Event]:
    if not await store.save_device(event.customer_id, event.device_id, event.registration):
        return []
    old = await store.list_slots(event.replaces)
    slots = slots_of_device(event.device_id, event.slots, old, event.moves)
    await store.move_links(event.replaces, event.device_id, event.moves)
    return await _replace_slots(event.customer_id, [event.replaces, event.device_id], slots, store)


async def on_device_deregistered(event: DeviceDeregistered, store: Store) -> list[Event]:
    if not await store.end_device(event.device_id, event.registration):
        return []
    return await _replace_slots(event.customer_id, [event.device_id], [], store)


async def on_customer_erased(event: CustomerErased, store: Store) -> list[Event]:
    """Delete all data of the customer; other services consume CustomerErased themselves."""
    await store.erase_customer(event.customer_id, await store.lock_pool_ids_of_customer(event.customer_id))
    return []


async def _replace_slots(
    customer_id: str, device_ids: Sequence[str], slots: Sequence[ProductSlot], store: Store
) -> list[Event]:
    places = await store.list_pool_keys(device_ids) | {(customer_id, slot.product_id) for slot in slots}
    before = await _lock_or_create_pools(sorted(places), store)
    await store.replace_slots(customer_id, device_ids, slots)
    events: list[Event] = []
    for pool in before:
        refitted = await store.lock_pool(pool.pool_id)
        if refitted is not None:
            events += await store.save_decision(refitted, slots_changed(refitted, refitted.slots, store.context))
    return events


async def _lock_or_create_pools(places: Places, store: Store) -> list[Pool]:
    pools = [await store.lock_or_create_pool(customer_id, product_id) for customer_id, product_id in places]
    return [pool for pool in pools if pool is not None]
