"""What linked providers want to know of: uses of followed slots, what is on the shelf, and that days pass."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import SlotLevelChanged, StockArrived, StockCounted
from services.order_dispatch.store import Store


async def on_slot_level_changed(event: SlotLevelChanged, store: Store) -> list[Event]:
    """Tell every provider that follows the slot; each use is told, and told by its newest state."""
    links = await store.note_use(event.device_id, event.slot, event.level, event.rate_per_day, event.occurred_at)
    for link_id in links:
        said = store.cause or event.occurred_at.isoformat()
        store.add_task("slot_status", f"{link_id}/{said}", {"link_id": link_id, "slot": event.slot})
    return []


async def on_stock_arrived(event: StockArrived, store: Store) -> list[Event]:
    await store.save_shelf(event.owner_id, event.product_id, event.shelf)
    return []


async def on_stock_counted(event: StockCounted, store: Store) -> list[Event]:
    await store.save_shelf(event.owner_id, event.product_id, event.shelf)
    return []


async def report_devices(store: Store) -> list[Event]:
    """Once a day: tell each provider when its devices were last used, and ask what their customers chose."""
    day = store.now.date().isoformat()
    for link in await store.list_active_links():
        for kind in ("device_status", "subscription_info"):
            store.add_task(kind, f"{link.link_id}/{day}", {"link_id": link.link_id})
    await store.forget_attempts()
    return []
