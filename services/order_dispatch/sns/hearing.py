"""Applies stored notifications: each updates an order, changes slot subscriptions or ends a link, once."""

from dataclasses import dataclass

from libs.kit import Kit, Task, TaskResult
from replenish_contracts.catalogue import Event
from services.order_dispatch.acting import carry_out, hear_update
from services.order_dispatch.domain import Cancellation, ask_to_cancel
from services.order_dispatch.domain.links import Link
from services.order_dispatch.linking.beginnings import hear_subscriptions
from services.order_dispatch.linking.endings import end_link
from services.order_dispatch.sns.messages import Kind, Notification, UnreadableMessageError, read
from services.order_dispatch.sns.updates import unmatched_update, update_of
from services.order_dispatch.store import Store


@dataclass(frozen=True, slots=True)
class Heard:
    """Outcome of a notification, with its reason and the events to publish."""

    fate: str
    reason: str = ""
    events: tuple[Event, ...] = ()


async def look_at(task: Task, kit: Kit) -> dict[str, str]:  # noqa: ARG001  # the message is stored already
    return {}


async def on_looked_at(task: Task, outcome: TaskResult, store: Store) -> list[Event]:  # noqa: ARG001  # see look_at
    return await apply(task.payload["provider_id"], task.payload["message_id"], store)


async def match_notifications(store: Store) -> list[Event]:
    """Retry notifications that were stored as unmatched; a periodic job."""
    events: list[Event] = []
    for provider_id, message_id in await store.list_matchable(store.settings.look_page):
        events += await apply(provider_id, message_id, store, again=True)
    return events


async def apply(provider_id: str, message_id: str, store: Store, *, again: bool = False) -> list[Event]:
    """Apply a stored message unless it was applied already; `again` selects unmatched messages instead of new ones."""
    stored = await store.lock_notification(provider_id, message_id)
    if stored is None or stored[1] != ("unmatched" if again else "new"):
        return []
    try:
        notification = read(stored[0])
    except UnreadableMessageError as error:
        await store.save_fate(provider_id, message_id, "unreadable", str(error))
        return []
    await store.note_subject(provider_id, message_id, notification.kind, notification.serial, notification.instance_id)
    if notification.instance_id is not None:
        result = await _update_order(notification, provider_id, f"{message_id}-again" if again else message_id, store)
    else:
        result = await _update_link(notification, provider_id, store)
    await store.save_fate(provider_id, message_id, result.fate, result.reason)
    return list(result.events)


async def _update_order(notification: Notification, provider_id: str, update_id: str, store: Store) -> Heard:
    """Update the order with this instance id, or assign the id to the slot's order that has none yet."""
    instance_id, slot = notification.instance_id or "", notification.remote_slot or ""
    order_id = await store.lock_order_of_instance(provider_id, instance_id)
    if order_id is None:
        link = await store.lock_link_of_serial(provider_id, notification.serial)
        slot_id = None if link is None else await store.find_linked_slot(link.link_id, slot)
        if link is not None and slot_id is not None:
            place = (link.device_id, slot_id)
            order_id = await store.adopt_instance(provider_id, place, instance_id, notification.sent_at)
    order = None if order_id is None else await store.lock_order(order_id)
    if order is None:
        await hear_update(unmatched_update(notification, provider_id, update_id), store)
        return Heard("unmatched", "no order has this instance id")
    result = await hear_update(update_of(notification, order, update_id), store)
    return Heard("applied", f"order {order.order_id}", tuple(result.said))


async def _update_link(notification: Notification, provider_id: str, store: Store) -> Heard:
    link = await store.lock_link_of_serial(provider_id, notification.serial)
    if link is None:
        return Heard("not_applied", "no link has this device")
    if notification.kind is Kind.DEREGISTERED:
        return await _end_deregistered(link, notification, store)
    if notification.customer is not None:
        await store.save_remote_customer(link.link_id, notification.customer)
    events = await hear_subscriptions(link, notification.slots, notification.sent_at, store)
    return Heard("applied", f"link {link.link_id}", tuple(events))


async def _end_deregistered(link: Link, notification: Notification, store: Store) -> Heard:
    """End the link with its tokens, and cancel orders that were not submitted yet.

    A deregistration older than the link is ignored: the device has been linked again.
    """
    if notification.sent_at < link.made_at:
        return Heard("not_applied", "the device has been linked again since then")
    events = await end_link(link, "deregistered at the provider", store, revoke=False)
    cancellation = Cancellation("provider", "the device was deregistered at the provider", store.now)
    for order in await store.lock_unsent_orders(link.customer_id, link.device_id):
        if order.provider_id == link.provider_id:
            events += await carry_out(ask_to_cancel(order, cancellation), store)
    return Heard("applied", f"link {link.link_id}", tuple(events))
