"""Stores the facts that mails are rendered from, and deletes them with the customer."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    OfferChanged,
    OrderDrafted,
    OrderModified,
    OrderReturned,
    ProviderChanged,
    ReorderApproved,
    ReorderDeclined,
    ThresholdCrossed,
    TriggerSet,
)
from services.notification.domain import EPOCH_BOUND
from services.notification.store import Store


async def on_provider_changed(event: ProviderChanged, store: Store) -> list[Event]:
    await store.save_provider(event.provider_id, event.name, event.protocol)
    return []


async def on_offer_changed(event: OfferChanged, store: Store) -> list[Event]:
    await store.save_offer(event.provider_id, event.product_id, event.title)
    return []


async def on_device_registered(event: DeviceRegistered | DeviceReplaced, store: Store) -> list[Event]:
    await store.save_slots(event.customer_id, event.device_id, event.slots)
    return []


async def on_device_replaced(event: DeviceReplaced, store: Store) -> list[Event]:
    await store.delete_slots(event.customer_id, event.replaces)
    return await on_device_registered(event, store)


async def on_device_deregistered(event: DeviceDeregistered, store: Store) -> list[Event]:
    await store.delete_slots(event.customer_id, event.device_id)
    return []


async def on_customer_erased(event: CustomerErased, store: Store) -> list[Event]:
    await store.erase_customer(event.customer_id)
    return []


async def on_threshold_crossed(event: ThresholdCrossed, store: Store) -> list[Event]:
    await store.save_crossing(event)
    return []


async def on_trigger_set(event: TriggerSet, store: Store) -> list[Event]:
    await store.withdraw_notices({event.pool_id: event.epoch}, list(EPOCH_BOUND))
    return []


async def on_reorder_approved(event: ReorderApproved, store: Store) -> list[Event]:
    await store.save_approval(event)
    epochs = {line.pool_id: line.epoch for line in event.all_lines}
    await store.withdraw_notices(epochs, list(EPOCH_BOUND))
    others = {pool_id: epoch for pool_id, epoch in epochs.items() if pool_id != event.pool_id}
    await store.withdraw_approval_requests(event.pool_id, event.order_id, others)
    return []


async def on_reorder_declined(event: ReorderDeclined, store: Store) -> list[Event]:
    await store.withdraw_approval_requests(event.pool_id, event.order_id, {})
    return []


async def on_order_returned(event: OrderReturned, store: Store) -> list[Event]:
    await store.save_lines(event)
    return []


async def on_order_drafted(event: OrderDrafted | OrderModified, store: Store) -> list[Event]:
    await store.save_draft(event)
    return []
