"""Handlers for providers and their offers."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import OfferChanged, ProviderChanged
from services.portal.store import Store


async def on_provider_changed(event: ProviderChanged, store: Store) -> list[Event]:
    await store.save_provider_view(event.provider_id, event.name)
    return []


async def on_offer_changed(event: OfferChanged, store: Store) -> list[Event]:
    await store.save_offer_view(event)
    return []
