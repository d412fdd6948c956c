"""Event handlers and the periodic check of orders."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from libs.kit import NotReadyError, RejectedError
from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    OrderUpdated,
    ReorderApproved,
    StockAllocated,
    StockShort,
)
from services.order_dispatch.domain.cancellation import cancel
from services.order_dispatch.domain.order import Cancellation, Order
from services.order_dispatch.domain.placing import draft, refuse_for_shortage
from services.order_dispatch.domain.states import State
from services.order_dispatch.domain.timeouts import check_due_order
from services.order_dispatch.linking.links import end_links_of_customer, end_links_of_device, move_links
from services.order_dispatch.orders.decisions import address_payload, advance_order, apply_decision, apply_update
from services.order_dispatch.orders.store import OrderStore


async def on_reorder_approved(event: ReorderApproved, store: OrderStore) -> list[Event]:
    if await store.lock_order(event.order_id) is not None:
        return []
    slot = await store.find_slot(event.device_id, event.slot)
    if slot is None:
        if await store.has_device(event.device_id):
            raise RejectedError(f"device {event.device_id} has no slot {event.slot}")
        raise NotReadyError(f"device:{event.device_id}")
    provider = await store.find_provider(event.provider_id)
    offer = await store.find_offer(event.provider_id, event.product_id)
    flagged_order_id = await store.find_flagged_order(event.pool_id)
    decision = draft(event, slot, provider, offer, store.now, flagged_order_id)
    await store.add_order(decision)
    if decision.order.state is State.DRAFTED and provider is not None:
        due_at = store.now + timedelta(hours=provider.hours_before_submission(store.settings.cancel_window_hours))
        store.add_task("fetch_address", event.order_id, address_payload(decision.order, provider), due_at)
    return list(decision.events)


async def on_order_updated(event: OrderUpdated, store: OrderStore) -> list[Event]:
    applied = await apply_update(event, store)
    if not applied.is_same:
        update = f"update {event.update_id} of {event.provider_id}"
        raise RejectedError(f"{update} was first received with different content")
    return applied.events


async def check_due_orders(store: OrderStore) -> list[Event]:
    """Take the next step of every order whose check is due; a periodic job."""
    events: list[Event] = []
    while orders := await store.lock_due_orders(store.settings.check_page):
        for order in orders:
            events += await apply_decision(check_due_order(order, store.timeouts, store.now), store)
    return events


async def on_stock_allocated(event: StockAllocated, store: OrderStore) -> list[Event]:
    """Advance an order whose stock is reserved; inventory releases the stock of orders that ended meanwhile."""
    order = await store.lock_order(event.order_id)
    if order is None or order.state is not State.RESERVING:
        return []
    return await advance_order(
        replace(order, reserved_at=store.now), await store.find_provider(order.provider_id), store
    )


async def on_stock_short(event: StockShort, store: OrderStore) -> list[Event]:
    order = await store.lock_order(event.order_id)
    if order is None or order.state is not State.RESERVING:
        return []
    return await apply_decision(refuse_for_shortage(order, event.shortages, store.now), store)


async def on_device_registered(event: DeviceRegistered, store: OrderStore) -> list[Event]:
    if await store.save_device(event.device_id, event.customer_id, event.registration):
        await store.save_slots(event.device_id, event.slots)
        store.resolve_dependency(f"device:{event.device_id}")
    return []


async def on_device_replaced(event: DeviceReplaced, store: OrderStore) -> list[Event]:
    if await store.save_device(event.device_id, event.customer_id, event.registration):
        await store.save_slots(event.device_id, event.slots)
        await store.save_moves(event.replaces, event.device_id, event.moves)
        store.resolve_dependency(f"device:{event.device_id}")
        return await move_links(event, store)
    return []


async def on_device_deregistered(event: DeviceDeregistered, store: OrderStore) -> list[Event]:
    await store.end_device(event.device_id, event.registration)
    unsent = await store.lock_unsent_orders(event.customer_id, event.device_id)
    cancellation = Cancellation("deregistration", "the device was deregistered", store.now)
    events = await _withdraw_orders(unsent, cancellation, store)
    return events + await end_links_of_device(event.customer_id, event.device_id, event.registration, store)


async def on_customer_erased(event: CustomerErased, store: OrderStore) -> list[Event]:
    await store.end_devices(event.customer_id)
    unsent = await store.lock_unsent_orders(event.customer_id)
    cancellation = Cancellation("erasure", "the customer account was deleted", store.now)
    events = await _withdraw_orders(unsent, cancellation, store)
    events += await end_links_of_customer(event.customer_id, store)
    await store.erase_updates(event.customer_id)
    await store.erase_stored_responses(event.customer_id)
    await store.erase_callbacks(event.customer_id)
    await store.erase_orders(event.customer_id, store.now)
    await store.erase_customer(event.customer_id)
    return events


async def _withdraw_orders(orders: Iterable[Order], cancellation: Cancellation, store: OrderStore) -> list[Event]:
    events: list[Event] = []
    for order in orders:
        # cancel() instead of withdraw(): a provider call may be in progress.
        events += await apply_decision(cancel(order, cancellation), store)
    return events
