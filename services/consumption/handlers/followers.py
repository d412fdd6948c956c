"""Providers that keep a count of their own ask to be told of every use."""

from libs.contracts.catalogue import Event
from libs.contracts.events import SlotFollowed
from services.consumption.domain import said
from services.consumption.domain.report import seconds
from services.consumption.handlers.reorders import lock_slot
from services.consumption.store import Store


async def on_slot_followed(event: SlotFollowed, store: Store) -> list[Event]:
    """Tell every change of the slot's level from now on, and how it stands; or no longer."""
    slot = await lock_slot(event.device_id, event.slot, event.customer_id, store)
    if slot is None:
        return []
    await store.save_follower(slot.device_id, slot.slot, event.provider_id, following=event.following)
    return [said.level_changed(slot, seconds(store.now))] if event.following else []
