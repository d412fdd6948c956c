"""An order from its approval to the door: approvals, providers' updates, and silence."""

from datetime import timedelta

from libs.kit import NotReadyError, RejectedError
from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderUpdated, ReorderApproved
from services.order_dispatch.acting import address_payload, carry_out, hear_update
from services.order_dispatch.domain import State, draft, look
from services.order_dispatch.store import Store


async def on_reorder_approved(event: ReorderApproved, store: Store) -> list[Event]:
    if await store.lock_order(event.order_id) is not None:
        return []
    slot = await store.find_slot(event.device_id, event.slot)
    if slot is None:
        if await store.knows_device(event.device_id):
            raise RejectedError(f"device {event.device_id} has no slot {event.slot}")
        raise NotReadyError(f"device:{event.device_id}")
    provider = await store.find_provider(event.provider_id)
    offer = await store.find_offer(event.provider_id, event.product_id)
    suspected = await store.find_suspicion(event.pool_id)
    turn = draft(event, slot, provider, offer, store.now, suspected)
    await store.add_order(turn)
    if turn.order.state is State.DRAFTED and provider is not None:
        due_at = store.now + timedelta(hours=provider.waits_hours(store.settings.cancel_window_hours))
        store.add_task("place", event.order_id, address_payload(turn.order, provider), due_at)
    return list(turn.events)


async def on_order_updated(event: OrderUpdated, store: Store) -> list[Event]:
    heard = await hear_update(event, store)
    if not heard.same:
        raise RejectedError(f"update {event.update_id} of {event.provider_id} said something else the first time")
    return heard.said


async def look_after_orders(store: Store) -> list[Event]:
    """Decide about every order whose time has come; a tick."""
    events: list[Event] = []
    while orders := await store.lock_due_orders(store.settings.look_page):
        for order in orders:
            events += await carry_out(look(order, store.patience, store.now), store)
    return events
