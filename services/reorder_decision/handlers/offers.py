"""Offers come and go, and back-offs end: pools are looked at again, in the order of their ids."""

from collections.abc import Sequence

from libs.contracts.catalogue import Event
from libs.contracts.events import OfferChanged, ProviderChanged
from services.reorder_decision.domain import reconsidered
from services.reorder_decision.store import Store


async def on_offer_changed(event: OfferChanged, store: Store) -> list[Event]:
    if not await store.save_offer(event):
        return []
    return await _look_at(await store.list_pools_buying(event.provider_id, event.product_id), store)


async def on_provider_changed(event: ProviderChanged, store: Store) -> list[Event]:
    if not await store.save_provider(event):
        return []
    return await _look_at(await store.list_pools_buying(event.provider_id, None), store)


async def reconsider(store: Store) -> list[Event]:
    """Open an epoch for pools whose back-off is over, or whose offer changed for too many at once."""
    return await _reassess(await store.list_due(store.settings.pools_per_turn), store)


async def _look_at(pool_ids: list[str], store: Store) -> list[Event]:
    """Look at the first pools now; the rest, if an offer has so many, are left to the tick."""
    now, later = pool_ids[: store.settings.pools_per_turn], pool_ids[store.settings.pools_per_turn :]
    said = await _reassess(now, store)
    if later:
        await store.mark_due(later)
    return said


async def _reassess(pool_ids: Sequence[str], store: Store) -> list[Event]:
    said: list[Event] = []
    for pool_id in pool_ids:
        pool = await store.find_pool(pool_id)
        if pool is None:
            continue
        turn = reconsidered(pool, store.when)
        said += await store.save(pool, turn)
        if turn.pool == pool:
            await store.save_pool(pool)  # whoever marked it as due gets its own time back
    return said
