"""Handler that records the events of each order."""

from replenish_contracts.catalogue import Event
from services.portal.domain import formatting
from services.portal.domain.order_events import OrderEvent
from services.portal.store import Store


async def on_order_event(event: OrderEvent, store: Store) -> list[Event]:
    await store.save_order_event(formatting.without_suspicion(event))
    return []
