"""Event handlers and the periodic check of orders."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from libs.kit import NotReadyError, RejectedError
from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    CustomerChanged,
    CustomerErased,
    CustomerJoined,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    OrderUpdated,
    ReorderApproved,
    StockAllocated,
    StockShort,
    split_order_id,
)
from services.order_dispatch.domain.cancellation import cancel
from services.order_dispatch.domain.lines import Cancellation
from services.order_dispatch.domain.order import Decision, Order
from services.order_dispatch.domain.placing import DraftLine, draft, refuse_for_shortage
from services.order_dispatch.domain.promises import follow_zone
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.domain.states import State
from services.order_dispatch.domain.timeouts import check_due_order
from services.order_dispatch.linking.links import end_links_of_customer, end_links_of_device, move_links
from services.order_dispatch.orders.decisions import address_payload, advance_order, apply_decision, apply_update
from services.order_dispatch.orders.store import OrderStore
from services.order_dispatch.providers.registry import delivery_fee, max_lines


async def on_reorder_approved(event: ReorderApproved, store: OrderStore) -> list[Event]:
    """Draft the order, or several if the provider takes fewer lines per order; the first keeps the approved id."""
    if await store.lock_order(event.order_id) is not None:
        return []
    lines = event.all_lines
    slots = await store.find_slots([(line.device_id, line.slot) for line in lines])
    for line in lines:
        if (line.device_id, line.slot) not in slots:
            if await store.has_device(line.device_id):
                raise RejectedError(f"device {line.device_id} has no slot {line.slot}")
            raise NotReadyError(f"device:{line.device_id}")
    provider = await store.find_provider(event.provider_id)
    offers = await store.find_offers(event.provider_id, [line.product_id for line in lines])
    flagged = await store.find_flagged_orders([line.pool_id for line in lines])
    drafts = [
        DraftLine(line, slots[line.device_id, line.slot], offers.get(line.product_id), flagged.get(line.pool_id))
        for line in lines
    ]
    size = len(drafts) if provider is None else max_lines(provider) or len(drafts)
    events: list[Event] = []
    for first in range(0, len(drafts), size):
        order_id = split_order_id(event.order_id, drafts[first].line.line_id) if first else event.order_id
        events += await _draft_order(event, order_id, drafts[first : first + size], provider, store)
    return events


async def _draft_order(
    event: ReorderApproved, order_id: str, lines: Sequence[DraftLine], provider: Provider | None, store: OrderStore
) -> Sequence[Event]:
    decision = draft(event, order_id, lines, provider, store.now, delivery_fee(provider))
    await store.add_order(decision)
    if decision.order.state is State.DRAFTED and provider is not None:
        due_at = store.now + timedelta(hours=provider.hours_before_submission(store.settings.cancel_window_hours))
        store.add_task("fetch_address", order_id, address_payload(decision.order, provider), due_at)
    return decision.events


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
    events = await _withdraw_orders(unsent, cancellation, store, event.device_id)
    return events + await end_links_of_device(event.customer_id, event.device_id, event.registration, store)


async def on_customer_settings(event: CustomerJoined | CustomerChanged, store: OrderStore) -> list[Event]:
    """Store the customer's country and time zone; dates promised for open orders end in the new one."""
    if not await store.save_customer_settings(event.customer_id, event.time_zone, event.country):
        return []
    for order_id in await store.list_dated_orders(event.customer_id):
        order = await store.lock_order(order_id)
        if order is not None:
            moved = follow_zone(order, event.time_zone, store.timeouts, store.now)
            await store.save_order_decision(Decision(moved))
    return []


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
    await store.delete_customer_settings(event.customer_id)
    await store.erase_customer(event.customer_id)
    return events


async def _withdraw_orders(
    orders: Iterable[Order], cancellation: Cancellation, store: OrderStore, device_id: str | None = None
) -> list[Event]:
    """Cancel the orders, or their lines for one device."""
    events: list[Event] = []
    for order in orders:
        own = [line.line_id for line in order.open_lines if device_id in (None, line.device_id)]
        # cancel() instead of withdraw(): a provider call may be in progress.
        events += await apply_decision(cancel(order, cancellation, own), store)
    return events
