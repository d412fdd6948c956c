"""A customer goes away, comes back, or thinks better of it: every pool of the household looks again."""

from libs.contracts.catalogue import Event
from services.reorder_decision.domain import Holiday, went_away
from services.reorder_decision.store import Store


async def take_holiday(customer_id: str, holiday: Holiday | None, store: Store) -> list[Event]:
    said: list[Event] = []
    for pool_id in await store.list_pool_ids_of(customer_id):
        pool = await store.find_pool(pool_id)
        if pool is not None:
            said += await store.save(pool, went_away(pool, holiday, store.when))
    return said
