"""Handlers for subscriptions and reorder decisions."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import ReorderApproved, ReorderDeclined, ReorderHeld, SubscriptionChanged, TriggerSet
from services.portal.domain.board import Wait
from services.portal.store import Store


async def on_subscription_changed(event: SubscriptionChanged, store: Store) -> list[Event]:
    await store.delete_wait_views(event.customer_id, [event.product_id])  # the earlier decision no longer applies
    await store.save_subscription_view(event)
    return []


async def on_trigger_set(event: TriggerSet, store: Store) -> list[Event]:
    await store.delete_wait_views(event.customer_id, [event.product_id])
    return []


async def on_reorder_approved(event: ReorderApproved, store: Store) -> list[Event]:
    await store.delete_wait_views(event.customer_id, [line.product_id for line in event.all_lines])
    await store.save_order_event(event)
    return []


async def on_reorder_held(event: ReorderHeld, store: Store) -> list[Event]:
    wait = Wait(
        event.product_id,
        event.reason,
        event.wake_up,
        event.reconsider_at,
        event.order_id,
        event.decided_at,
        event.provider_id,
        event.since,
        event.test,
    )
    await store.save_wait_view(event.customer_id, wait)
    return []


async def on_reorder_declined(event: ReorderDeclined, store: Store) -> list[Event]:
    await store.delete_wait_views(event.customer_id, [event.product_id])
    return []
