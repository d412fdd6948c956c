"""Devices and customers come, move and go; orders that no provider was asked for go with them."""

from collections.abc import Iterable

from replenish_contracts.catalogue import Event
from replenish_contracts.events import CustomerErased, DeviceDeregistered, DeviceRegistered, DeviceReplaced
from services.order_dispatch import linking
from services.order_dispatch.acting import carry_out
from services.order_dispatch.domain import Cancellation, Order, ask_to_cancel
from services.order_dispatch.store import Store


async def on_device_registered(event: DeviceRegistered, store: Store) -> list[Event]:
    if await store.save_device(event.device_id, event.customer_id, event.registration):
        await store.save_slots(event.device_id, event.slots)
        store.resolve_dependency(f"device:{event.device_id}")
    return []


async def on_device_replaced(event: DeviceReplaced, store: Store) -> list[Event]:
    if await store.save_device(event.device_id, event.customer_id, event.registration):
        await store.save_slots(event.device_id, event.slots)
        await store.save_moves(event.replaces, event.device_id, event.moves)
        store.resolve_dependency(f"device:{event.device_id}")
        return await linking.move_links(event, store)
    return []


async def on_device_deregistered(event: DeviceDeregistered, store: Store) -> list[Event]:
    await store.leave_device(event.device_id, event.registration)
    unsent = await store.lock_unsent_orders(event.customer_id, event.device_id)
    events = await _withdraw(unsent, Cancellation("deregistration", "the device was deregistered", store.now), store)
    return events + await linking.end_links_of_device(event.customer_id, event.device_id, event.registration, store)


async def on_customer_erased(event: CustomerErased, store: Store) -> list[Event]:
    await store.leave_devices(event.customer_id)
    unsent = await store.lock_unsent_orders(event.customer_id)
    events = await _withdraw(unsent, Cancellation("erasure", "the customer left", store.now), store)
    events += await linking.end_links_of_customer(event.customer_id, store)
    await store.forget_updates(event.customer_id)
    await store.forget_answers(event.customer_id)
    await store.forget_callbacks(event.customer_id)
    await store.forget_customer(event.customer_id, store.now)
    await store.erase_customer(event.customer_id)
    return events


async def _withdraw(orders: Iterable[Order], wish: Cancellation, store: Store) -> list[Event]:
    events: list[Event] = []
    for order in orders:
        events += await carry_out(ask_to_cancel(order, wish), store)  # a call that did not get through may be under way
    return events
