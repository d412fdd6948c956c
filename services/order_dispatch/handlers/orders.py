"""An order from its approval to the door: approvals, providers' updates, and silence."""

from datetime import timedelta

from libs.contracts.catalogue import Event
from libs.contracts.events import OrderUpdated, ReorderApproved
from libs.kit import NotYet, Refuse
from services.order_dispatch.domain import State, draft, hear, look
from services.order_dispatch.providers import words
from services.order_dispatch.store import Store


async def on_reorder_approved(event: ReorderApproved, store: Store) -> list[Event]:
    if await store.lock_order(event.order_id) is not None:
        return []
    slot = await store.find_slot(event.device_id, event.slot)
    if slot is None:
        if await store.knows_device(event.device_id):
            raise Refuse(f"device {event.device_id} has no slot {event.slot}")
        raise NotYet(f"device:{event.device_id}")
    provider = await store.find_provider(event.provider_id)
    offer = await store.find_offer(event.provider_id, event.product_id)
    turn = draft(event, slot, provider, offer, store.now)
    await store.add_order(turn)
    if turn.order.state is State.DRAFTED:
        due_at = store.now + timedelta(hours=store.settings.cancel_window_hours)
        store.intend("place", event.order_id, {"order_id": event.order_id, "customer_id": event.customer_id}, due_at)
    return list(turn.events)


async def on_order_updated(event: OrderUpdated, store: Store) -> list[Event]:
    order = await store.lock_order(event.order_id)
    same = await store.count_repeat(event)
    if same is False:
        raise Refuse(f"update {event.update_id} of {event.provider_id} said something else the first time")
    if same:
        return []
    provider = await store.find_provider(event.provider_id)
    verdict = hear(order, event, provider, store.patience, store.now)
    await store.add_update(event, verdict)
    if verdict.turn is None:
        return []
    await store.save_turn(verdict.turn)
    return list(verdict.turn.events)


async def look_after_orders(store: Store) -> list[Event]:
    """Decide about every order whose time has come; a tick."""
    said: list[Event] = []
    while orders := await store.lock_due_orders(store.settings.look_page):
        for order in orders:
            turn = look(order, store.patience, store.now)
            await store.save_turn(turn)
            provider = await store.find_provider(order.provider_id)
            said += words(turn, provider.protocol, store.now) if provider else turn.events
    return said
