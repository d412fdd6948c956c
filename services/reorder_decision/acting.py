"""Applies a holiday to all pools of a customer."""

from replenish_contracts.catalogue import Event
from services.reorder_decision.domain import Holiday, went_away
from services.reorder_decision.store import Store


async def take_holiday(customer_id: str, holiday: Holiday | None, store: Store) -> list[Event]:
    events: list[Event] = []
    for pool_id in await store.list_pool_ids_of(customer_id):
        pool = await store.find_pool(pool_id)
        if pool is not None:
            events += await store.save(pool, went_away(pool, holiday, store.when))
    return events
