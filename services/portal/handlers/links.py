"""Handlers for slots that the customer paused, resumed or changed at a linked provider."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import LinkEnded, ProviderSubscriptionChanged
from services.portal.store import Store


async def on_provider_subscription_changed(event: ProviderSubscriptionChanged, store: Store) -> list[Event]:
    await store.save_linked_slot_view(event)
    return []


async def on_link_ended(event: LinkEnded, store: Store) -> list[Event]:
    await store.delete_linked_slot_views(event.customer_id, event.device_id, event.provider_id)
    return []
