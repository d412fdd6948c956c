"""Providers that do their own accounting follow slots and receive every change of the level."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import SlotFollowed
from services.consumption.domain.events import slot_level_changed
from services.consumption.domain.report import to_unix
from services.consumption.handlers.reorders import lock_slot
from services.consumption.store import Store


async def on_slot_followed(event: SlotFollowed, store: Store) -> list[Event]:
    """Start or stop publishing every change of the level; on start, publish the current level."""
    slot = await lock_slot(event.device_id, event.slot, event.customer_id, store)
    if slot is None:
        return []
    await store.save_follower(slot.device_id, slot.slot, event.provider_id, following=event.following)
    return [slot_level_changed(slot, to_unix(store.now))] if event.following else []
