"""Links of devices with providers, and slots that the customer paused, resumed or changed there.

Events about one customer arrive in their order. The times of two links of a device, which may be of two customers,
decide which is the later one.
"""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import LinkCreated, LinkEnded, ProviderSubscriptionChanged
from services.reorder_decision.domain import Pool, links_changed
from services.reorder_decision.store import Store


async def on_link_created(event: LinkCreated, store: Store) -> list[Event]:
    before = await _lock_pools(event.device_id, store)
    if not await store.save_link(event):
        return []
    return await _apply_changes(before, store)


async def on_link_ended(event: LinkEnded, store: Store) -> list[Event]:
    before = await _lock_pools(event.device_id, store)
    if not await store.end_link(event):
        return []
    return await _apply_changes(before, store)


async def on_provider_subscription_changed(event: ProviderSubscriptionChanged, store: Store) -> list[Event]:
    before = await _lock_pools(event.device_id, store)
    if not await store.save_linked_slot(event):
        return []
    return await _apply_changes(before, store)


async def _lock_pools(device_id: str, store: Store) -> list[Pool]:
    return await store.lock_pools_of_lines(await store.list_pool_ids_of_device(device_id))


async def _apply_changes(before: list[Pool], store: Store) -> list[Event]:
    events: list[Event] = []
    for pool in before:
        after = await store.lock_pool(pool.pool_id)
        if after is not None:
            events += await store.save_decision(after, links_changed(pool, after, store.context))
    return events
