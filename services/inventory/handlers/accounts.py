"""Registration and removal of devices, and erasure of customers; ledger entries are kept."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import CustomerErased, DeviceDeregistered, DeviceRegistered, DeviceReplaced
from services.inventory.handlers.shelf import empty_shelf, event_name
from services.inventory.store import Origin, Store


async def on_device_registered(event: DeviceRegistered, store: Store) -> list[Event]:
    if await store.save_device(event.customer_id, event.device_id, event.registration, event.slots):
        store.resolve_dependency(f"device:{event.device_id}")
    return []


async def on_device_replaced(event: DeviceReplaced, store: Store) -> list[Event]:
    if await store.save_device(event.customer_id, event.device_id, event.registration, event.slots):
        if event.replaces != event.device_id:
            await store.delete_slots(event.replaces)
        store.resolve_dependency(f"device:{event.device_id}")
    return []


async def on_device_deregistered(event: DeviceDeregistered, store: Store) -> list[Event]:
    """Delete the slots; the shelf belongs to the customer and stays."""
    await store.end_device(event.device_id, event.registration)
    store.resolve_dependency(f"device:{event.device_id}")
    return []


async def on_customer_erased(event: CustomerErased, store: Store) -> list[Event]:
    """Empty the shelves and delete personal data; ledger entries stay under an id that cannot be resolved."""
    events: list[Event] = []
    for goods, shelf in await store.lock_shelves(event.customer_id):
        events += await empty_shelf(
            goods, shelf, Origin(f"erased/{goods.product_id}/{event_name(store)}", "CustomerErased", store.now), store
        )
    await store.erase_customer(event.customer_id)
    return events
