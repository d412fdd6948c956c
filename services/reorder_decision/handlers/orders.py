"""Order events: they end a pool's order and feed the provider scorecards and learned lead times."""

from collections import defaultdict

from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    Fault,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderLinesCancelled,
    OrderLinesRefused,
    OrderPlaced,
    OrderRefused,
    lines_of,
)
from services.reorder_decision.domain import (
    OrderResult,
    PoolDecision,
    learn_lead_time,
    order_blocked,
    order_dropped,
    order_ended,
    with_result,
)
from services.reorder_decision.domain.scorecard import NEWEST_OBSERVATIONS
from services.reorder_decision.handlers.locks import is_split
from services.reorder_decision.store import Store
from services.reorder_decision.store.scorecards import ProductScorecard, ProviderProduct

OrderEnd = OrderCancelled | OrderRefused | OrderFailed | OrderLinesCancelled | OrderLinesRefused
#: `by` of the customer; all others count as failures.
CUSTOMER = "customer"
#: Values of `by` that count against the provider: own cancellation, unresolved problem, substitution, missed deadline.
PROVIDERS = frozenset({"provider", "resolution", "substitution", "deadline"})
#: The device was deregistered before the order was submitted; it may return, so there is no back-off.
DEVICE = "deregistration"
#: The slot was paused at the provider, or its device is not linked there, before the order was submitted.
ACCOUNT = frozenset({"pause", "unlink"})


async def on_order_drafted(event: OrderDrafted, store: Store) -> list[Event]:
    """Follow the order id of lines that order_dispatch split off their order."""
    if is_split(event):
        lines = [(line.pool_id, line.epoch) for line in event.lines if line.epoch is not None]
        await store.save_order_id(event.order_id, lines)
    return []


async def on_order_placed(event: OrderPlaced, store: Store) -> list[Event]:
    if not event.test:
        await store.save_acceptance(event)
    return []


async def on_order_delivered(event: OrderDelivered, store: Store) -> list[Event]:
    if not event.test:
        await store.save_delivery(event)
    return []


async def on_order_ended(event: OrderEnd, store: Store) -> list[Event]:
    """End the order, or those of its lines that the event is about, without delivery."""
    by = event.by if isinstance(event, OrderCancelled | OrderLinesCancelled) else None
    blamed = by in PROVIDERS if by else not isinstance(event, OrderFailed) or event.fault is Fault.PROVIDER
    pool_ids = sorted({line.pool_id for line in lines_of(event)})
    if blamed and not event.test:
        await store.save_provider_failure(event.order_id, pool_ids)
    made = []
    for pool in await store.lock_pools_of_lines(pool_ids):
        if by in ACCOUNT:
            decision = order_blocked(pool, event.order_id, store.context)
        elif by == DEVICE:
            decision = order_dropped(pool, event.order_id, store.context)
        else:
            decision = order_ended(pool, event.order_id, store.context, by_customer=by == CUSTOMER, blamed=blamed)
        made.append(PoolDecision(pool, decision))
    return await store.save_decisions(made)


async def count_results(store: Store) -> list[Event]:
    """Add finished orders to their provider scorecards and learn lead times; a periodic job."""
    results: dict[ProviderProduct, list[OrderResult]] = defaultdict(list)
    for sold, result in await store.claim_results(store.settings.orders_per_count):
        results[sold].append(result)
    for scorecard in await store.lock_scorecards(list(results)) if results else []:
        await store.save_scorecard(_with_results(scorecard, results[scorecard.provider_id, scorecard.product_id]))
    return []


async def apply_lead_times(store: Store) -> list[Event]:
    """Mark pools due whose threshold changes with a newly learned lead time; a periodic job."""
    for provider_id, product_id, learned in await store.list_changed_lead_times():
        if pool_ids := await store.list_pools_to_reassess(provider_id, product_id):
            await store.mark_due(pool_ids)
        await store.save_trigger_days(provider_id, product_id, learned)
    return []


def _with_results(scorecard: ProductScorecard, results: list[OrderResult]) -> ProductScorecard:
    record = scorecard.record
    for result in results:
        record = with_result(record, result)
    took = [result.took_days for result in sorted(results, key=lambda one: one.ordered_at)]
    newest = (*scorecard.took_days, *(days for days in took if days is not None))[-NEWEST_OBSERVATIONS:]
    return scorecard._replace(
        record=record, took_days=newest, learned_days=learn_lead_time(newest, scorecard.stated_days)
    )
