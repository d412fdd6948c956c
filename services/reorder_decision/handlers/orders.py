"""How orders go and end: what their providers' records, and the lead times learned from them, are made of."""

from collections import defaultdict

from libs.contracts.catalogue import Event
from libs.contracts.events import Fault, OrderCancelled, OrderDelivered, OrderFailed, OrderPlaced, OrderRefused
from services.reorder_decision.domain import Result, added, ended, learn, taken_back
from services.reorder_decision.domain.records import NEWEST_OBSERVATIONS
from services.reorder_decision.store import Store
from services.reorder_decision.store.records import Kept, Sold

#: Who cancels in the customer's name; anybody else's cancel is a failure to deliver.
CUSTOMER = "customer"
#: Whose cancel the provider is to blame for: its own, an unsettled problem, another product, no answer in time.
PROVIDERS = frozenset({"provider", "resolution", "substitution", "deadline"})
#: The device left before anybody was asked; it may come back and need it all the more.
DEVICE = "deregistration"


async def on_order_placed(event: OrderPlaced, store: Store) -> list[Event]:
    if not event.test:
        await store.note_placed(event.order_id, event.quantity, event.expected_at)
    return []


async def on_order_delivered(event: OrderDelivered, store: Store) -> list[Event]:
    if not event.test:
        await store.note_delivered(event)
    return []


async def on_order_ended(event: OrderCancelled | OrderRefused | OrderFailed, store: Store) -> list[Event]:
    by = event.by if isinstance(event, OrderCancelled) else None
    blamed = by in PROVIDERS if by else not isinstance(event, OrderFailed) or event.fault is Fault.PROVIDER
    if blamed and not event.test:
        await store.note_broken(event.order_id)
    pool = await store.find_pool(event.pool_id)
    if pool is None:
        return []
    if by == DEVICE:
        return await store.save(pool, taken_back(pool, event.order_id, store.when))
    turn = ended(pool, event.order_id, store.when, by_customer=by == CUSTOMER, blamed=blamed)
    return await store.save(pool, turn)


async def add_up(store: Store) -> list[Event]:
    """Add what orders came to to their providers' records, and learn lead times from them; a tick."""
    found: dict[Sold, list[Result]] = defaultdict(list)
    for sold, result in await store.take_results(store.settings.orders_per_count):
        found[sold].append(result)
    for kept in await store.lock_records(list(found)) if found else []:
        await store.save_record(_added(kept, found[kept.provider_id, kept.product_id]))
    return []


async def tell_lead_times(store: Store) -> list[Event]:
    """Let pools be looked at that a newly learned lead time makes order earlier or later; a tick."""
    for provider_id, product_id, learned in await store.list_outdated():
        if pool_ids := await store.list_pools_minding(provider_id, product_id):
            await store.mark_due(pool_ids)
        await store.note_told(provider_id, product_id, learned)
    return []


def _added(kept: Kept, results: list[Result]) -> Kept:
    record = kept.record
    for result in results:
        record = added(record, result)
    took = [result.took_days for result in sorted(results, key=lambda one: one.ordered_at)]
    newest = (*kept.took_days, *(days for days in took if days is not None))[-NEWEST_OBSERVATIONS:]
    return kept._replace(record=record, took_days=newest, learned_days=learn(newest, kept.stated_days))
