"""Order events: they end a pool's order and feed the providers' records and learned lead times."""

from collections import defaultdict

from replenish_contracts.catalogue import Event
from replenish_contracts.events import Fault, OrderCancelled, OrderDelivered, OrderFailed, OrderPlaced, OrderRefused
from services.reorder_decision.domain import Result, added, ended, learn, taken_back
from services.reorder_decision.domain.records import NEWEST_OBSERVATIONS
from services.reorder_decision.store import Store
from services.reorder_decision.store.records import Kept, Sold

#: `OrderCancelled.by` of the customer; all others count as failures.
CUSTOMER = "customer"
#: Values of `by` that count against the provider: own cancellation, unresolved problem, substitution, missed deadline.
PROVIDERS = frozenset({"provider", "resolution", "substitution", "deadline"})
#: The device was deregistered before the order was submitted; it may return, so there is no back-off.
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
    """Add finished orders to their providers' records and learn lead times; a periodic job."""
    results: dict[Sold, list[Result]] = defaultdict(list)
    for sold, result in await store.take_results(store.settings.orders_per_count):
        results[sold].append(result)
    for kept in await store.lock_records(list(results)) if results else []:
        await store.save_record(_with_results(kept, results[kept.provider_id, kept.product_id]))
    return []


async def tell_lead_times(store: Store) -> list[Event]:
    """Mark pools due whose threshold changes with a newly learned lead time; a periodic job."""
    for provider_id, product_id, learned in await store.list_outdated():
        if pool_ids := await store.list_pools_minding(provider_id, product_id):
            await store.mark_due(pool_ids)
        await store.note_told(provider_id, product_id, learned)
    return []


def _with_results(kept: Kept, results: list[Result]) -> Kept:
    record = kept.record
    for result in results:
        record = added(record, result)
    took = [result.took_days for result in sorted(results, key=lambda one: one.ordered_at)]
    newest = (*kept.took_days, *(days for days in took if days is not None))[-NEWEST_OBSERVATIONS:]
    return kept._replace(record=record, took_days=newest, learned_days=learn(newest, kept.stated_days))
