"""Reassesses pools when offers change or back-offs end, ordered by pool id."""

from collections.abc import Sequence

from replenish_contracts.catalogue import Event
from replenish_contracts.events import OfferChanged, ProviderChanged
from services.reorder_decision.domain import reassess
from services.reorder_decision.store import Store


async def on_offer_changed(event: OfferChanged, store: Store) -> list[Event]:
    if not await store.save_offer(event):
        return []
    return await _reassess_first(await store.list_pools_buying(event.provider_id, event.product_id), store)


async def on_provider_changed(event: ProviderChanged, store: Store) -> list[Event]:
    if not await store.save_provider(event):
        return []
    return await _reassess_first(await store.list_pools_buying(event.provider_id, None), store)


async def reassess_due(store: Store) -> list[Event]:
    """Reassess pools whose back-off or time to collect has ended, or that were marked due by an offer change."""
    pool_ids = await store.list_due(store.settings.pools_per_transaction)
    if pool_ids:
        await store.lock_pools(pool_ids)  # an order locks the pools it includes out of order
    return await _reassess(pool_ids, store)


async def _reassess_first(pool_ids: list[str], store: Store) -> list[Event]:
    """Reassess the first pools now; the periodic job does the rest, to keep lock times short."""
    now, later = pool_ids[: store.settings.pools_per_transaction], pool_ids[store.settings.pools_per_transaction :]
    events = await _reassess(now, store)
    if later:
        await store.mark_due(later)
    return events


async def _reassess(pool_ids: Sequence[str], store: Store) -> list[Event]:
    events: list[Event] = []
    for pool_id in pool_ids:
        pool = await store.lock_pool(pool_id)
        if pool is None:
            continue
        decision = reassess(pool, store.context)
        events += await store.save_decision(pool, decision)
        if decision.pool == pool:
            await store.save_pool(pool)  # replaces the due mark by the time of its hold
    return events
