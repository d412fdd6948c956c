"""State transitions of a pool, one function per event or command. Only an answer to the open epoch places an order."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from replenish_contracts.events import SubscriptionChanged, SubscriptionStatus
from services.reorder_decision.domain.accounts import AT_PROVIDER, find_account_obstacle, products_at
from services.reorder_decision.domain.decision import (
    UNTIL_GOODS_MOVE,
    URGENT,
    Context,
    Decision,
    open_epoch,
    reassess,
    take_decision,
)
from services.reorder_decision.domain.policy import after_cancel, after_failure, after_unclear_delivery
from services.reorder_decision.domain.policy_decision import Why
from services.reorder_decision.domain.pool import Holiday, Pool, Reason, Situation, Slot, Subscription
from services.reorder_decision.domain.sourcing import provider_of
from services.reorder_decision.domain.triggers import following_trigger, is_due, is_low, source_of


class Reading(NamedTuple):
    """The level of one slot from an event; uncertainty and rate if the event contains them."""

    device_id: str
    slot: str
    level: int
    occurred_at: datetime
    uncertainty: float | None = None
    rate_per_day: float | None = None


def threshold_crossed(pool: Pool, reading: Reading, epoch: int, context: Context) -> Decision:
    """Decide if the event answers the open epoch; an answer to an older epoch only updates the level.

    The pool is reassessed even then, because saving it overwrites a due mark set by an offer change.
    """
    slot = _find_slot(pool, reading)
    pool = _without_unclear_delivery(pool, reading, context)
    current = pool.situation in {Situation.ARMED, Situation.ASKING, Situation.COLLECTING} and epoch == pool.epoch
    if slot is None or not current:
        return reassess(
            replace(_with_reading(pool, reading, context), stale_crossings=pool.stale_crossings + 1), context
        )
    pool = _with_reading(pool, reading, context, answered=epoch)
    if pool.situation is Situation.ARMED:
        return take_decision(pool, Why.CROSSED, context)
    if pool.situation is Situation.COLLECTING:
        return take_decision(pool, Why.COLLECTED, context, by=URGENT)
    return _decide_all_answered(pool, context) if all(slot.answered == epoch for slot in pool.slots) else Decision(pool)


def slot_level_changed(pool: Pool, reading: Reading, context: Context) -> Decision:
    """Update one of several slots; if their sum is low, request the current level of all."""
    pool = _with_reading(_without_unclear_delivery(pool, reading, context), reading, context)
    pool = replace(pool, low_reports=pool.low_reports + 1 if is_low(pool) else 0)
    return reassess(pool, context)


def slot_filled(
    pool: Pool, reading: Reading, context: Context, *, used_up: bool = False, is_assumed: bool = False
) -> Decision:
    """Record a refill or correction; ends holds that wait for goods to move, unless the refill is already used up.

    A refill that is assumed from the delivery itself does not show how much arrived.
    """
    informed = _with_reading(pool, reading, context)
    is_unclear = pool.wait is not None and pool.wait.reason is Reason.DELIVERY_UNCLEAR
    keeps_hold = used_up or (is_assumed and is_unclear)
    return reassess(informed if keeps_hold else _without_goods_hold(informed), context)


def stock_counted(pool: Pool, shelf: int, context: Context) -> Decision:
    """Record the shelf's new balance; a repeated balance changes nothing."""
    if shelf == pool.shelf and pool.shelf_event is not None:
        return Decision(pool)
    return reassess(_without_goods_hold(replace(pool, shelf=shelf, shelf_event=context.cause)), context)


def stock_arrived(  # noqa: PLR0913  # what arrived, and of which order
    pool: Pool,
    order_id: str,
    quantity: int,
    shelf: int,
    context: Context,
    line_id: str | None = None,
    *,
    is_unclear: bool = False,
) -> Decision:
    """Record goods on the shelf and close the pool's line of the order they belong to.

    If the quantity is 0 (a lost parcel, a test order), the pool backs off as after a failure. If it is unclear, nothing
    is ordered until a level or a count shows what arrived.
    """
    pool = replace(pool, shelf=shelf, shelf_event=context.cause)
    if pool.order is None or not pool.order.is_part_of(order_id, line_id):
        return reassess(_without_goods_hold(pool), context)
    if not quantity:
        return _back_off(replace(pool, order=None), order_id, context, by_customer=False)
    wait = after_unclear_delivery(context.now, context.rules) if is_unclear else None
    return reassess(replace(pool, order=None, wait=wait, cancels=0, failures=0, avoided=()), context)


def order_ended(pool: Pool, order_id: str, context: Context, *, by_customer: bool, blamed: bool = True) -> Decision:
    """Close the pool's line of the open order after it failed: switch to an accepted alternative provider, or back off.

    The end of the order is certain, so no second order is placed while the first may still arrive. If the provider is
    not at fault (payment, fraud, operator), the provider is not avoided.
    """
    if pool.order is None or pool.order.order_id != order_id:
        return Decision(pool)
    failed = pool.order.provider_id if blamed and not by_customer else None
    avoided = tuple(sorted({*pool.avoided, failed})) if failed else ()
    return _back_off(replace(pool, order=None, avoided=avoided), order_id, context, by_customer=by_customer)


def order_dropped(pool: Pool, order_id: str, context: Context) -> Decision:
    """Close the open order after its device was deregistered: no failure, so no back-off."""
    if pool.order is None or pool.order.order_id != order_id:
        return Decision(pool)
    return reassess(replace(pool, order=None), context, ended=order_id)


def order_blocked(pool: Pool, order_id: str, context: Context) -> Decision:
    """Close the open order that was not submitted, because the slot is paused or not linked at the provider.

    That is no failure, so no back-off, unless the slot can be ordered for: it was resumed meanwhile, or the events
    about it were not received. The back-off then prevents orders in quick succession.
    """
    if pool.order is None or pool.order.order_id != order_id:
        return Decision(pool)
    if _is_blocked_at_provider(pool):
        return order_dropped(pool, order_id, context)
    return order_ended(pool, order_id, context, by_customer=False, blamed=False)


def subscription_changed(pool: Pool, subscription: Subscription, context: Context) -> Decision:
    """Apply a new or changed subscription; an open proposal is withdrawn, and a collecting pool is decided again."""
    before = pool.subscription
    event = SubscriptionChanged(
        customer_id=pool.customer_id,
        subscription_id=subscription.subscription_id,
        product_id=pool.product_id,
        pool_id=pool.pool_id,
        provider_id=subscription.provider_id,
        packs=subscription.packs,
        pack_size=subscription.pack_size,
        mode=subscription.mode,
        status=subscription.status,
    )
    decision = Decision(pool, (event,)).then(proposal_withdrawn(pool, "the subscription changed", context))
    over = subscription.status is SubscriptionStatus.ENDED
    pool = replace(decision.pool, subscription=None if over else subscription)
    if pool.situation is Situation.COLLECTING:
        pool = replace(pool, trigger=None)
    if pool.hold is not None and pool.hold.reason in AT_PROVIDER:
        pool = replace(pool, hold=None)  # it may be for another provider now
    return decision.then(reassess(_without_ended_backoff(pool, before, subscription), context))


def holiday_changed(pool: Pool, holiday: Holiday | None, context: Context) -> Decision:
    """Set or clear the holiday; a hold caused by the previous one ends."""
    waited = pool.wait is not None and pool.wait.reason is Reason.AWAY
    return reassess(replace(pool, holiday=holiday, wait=None if waited else pool.wait), context)


def slots_changed(pool: Pool, slots: tuple[Slot, ...], context: Context) -> Decision:
    """Apply the pool's current slots after a device was registered, replaced or deregistered.

    Always opens a new epoch: a slot that was registered again under the same name has no trigger yet.
    An open proposal is withdrawn with the last slot, because it can no longer be approved.
    """
    pool = replace(pool, slots=slots, trigger=None)
    decision = Decision(pool) if slots else proposal_withdrawn(pool, "no device holds the product any more", context)
    return decision.then(reassess(decision.pool, context))


def links_changed(before: Pool, pool: Pool, context: Context) -> Decision:
    """Apply a change of the customer's accounts at linked providers; `before` is the pool without it.

    A proposal is withdrawn if it cannot be ordered any more or if the provider would deliver other products. If the
    pool can be ordered for again, or the products are others, back-offs end.
    """
    if pool.subscription is None or before.slots == pool.slots:
        return Decision(pool)
    was_blocked, is_blocked = (_is_blocked_at_provider(state) for state in (before, pool))
    provider_id = provider_of(pool.subscription, source_of(pool))
    chosen_before, chosen = (products_at(state.slots, provider_id) for state in (before, pool))
    is_other = any(place in chosen_before and chosen_before[place] != items for place, items in chosen.items())
    decision = Decision(pool)
    if is_blocked:
        decision = proposal_withdrawn(pool, "the slot is paused or not linked at the provider", context)
    elif is_other:
        decision = proposal_withdrawn(pool, "other products were chosen at the provider", context)
    pool = decision.pool
    if was_blocked and not is_blocked:
        pool = replace(pool, wait=None, cancels=0, failures=0, avoided=())
    elif is_other and pool.wait and pool.wait.reason is Reason.NOT_DELIVERED:
        pool = replace(pool, wait=None, failures=0, avoided=())
    return decision.then(reassess(pool, context))


def _is_blocked_at_provider(pool: Pool) -> bool:
    offer = source_of(pool)
    return bool(pool.subscription and find_account_obstacle(pool.slots, provider_of(pool.subscription, offer), offer))


def proposal_approved(pool: Pool, by: str, context: Context) -> Decision:
    """Place the proposed order; the caller has checked that there is one and that no obstacle exists."""
    return take_decision(pool, Why.APPROVED, context, by=by)


def proposal_declined(pool: Pool, by: str, context: Context) -> Decision:
    """Drop the proposal; it counts as a cancellation by the customer."""
    order_id = pool.order.order_id if pool.order else ""
    decision = take_decision(pool, Why.DECLINED, context, by=by)
    return decision.then(_back_off(decision.pool, order_id, context, by_customer=True))


def proposal_withdrawn(pool: Pool, by: str, context: Context) -> Decision:
    """Drop the proposal, if there is one, without a back-off."""
    if pool.order is None or not pool.order.proposed:
        return Decision(pool)
    return take_decision(pool, Why.WITHDRAWN, context, by=by)


def _decide_all_answered(pool: Pool, context: Context) -> Decision:
    if is_due(pool):
        return take_decision(pool, Why.CROSSED, context)
    return open_epoch(
        pool if is_low(pool) else replace(pool, low_reports=0), following_trigger(pool), Situation.FOLLOWED
    )


def _back_off(pool: Pool, order_id: str, context: Context, *, by_customer: bool) -> Decision:
    if by_customer:
        pool = replace(pool, cancels=pool.cancels + 1)
        wait, why = after_cancel(pool.cancels, context.now, context.rules), Why.CANCELLED
    else:
        pool = replace(pool, failures=pool.failures + 1)
        wait, why = after_failure(pool.failures, context.now, context.rules), Why.FAILED
    return reassess(replace(pool, wait=wait), context, why, order_id)


def _without_ended_backoff(pool: Pool, before: Subscription | None, after: Subscription) -> Pool:
    """Clear back-offs when the customer resumes, or chooses another provider after a failure."""
    resumed = before is None or before.status is not SubscriptionStatus.ACTIVE
    moved = before is not None and before.provider_id != after.provider_id
    if after.status is SubscriptionStatus.ACTIVE and resumed:
        return replace(pool, wait=None, cancels=0, failures=0, avoided=())
    if moved and pool.wait and pool.wait.reason is Reason.NOT_DELIVERED:
        return replace(pool, wait=None, failures=0, avoided=())
    return _without_goods_hold(pool)


def _without_unclear_delivery(pool: Pool, reading: Reading, context: Context) -> Pool:
    """End the hold after an unclear delivery with a level from after it."""
    wait = pool.wait
    if wait is None or wait.reason is not Reason.DELIVERY_UNCLEAR or wait.until is None:
        return pool
    delivered_at = wait.until - timedelta(days=context.rules.unclear_backoff_days)
    return replace(pool, wait=None) if reading.occurred_at >= delivered_at else pool


def _without_goods_hold(pool: Pool) -> Pool:
    return replace(pool, wait=None) if pool.wait and pool.wait.reason in UNTIL_GOODS_MOVE else pool


def _find_slot(pool: Pool, reading: Reading) -> Slot | None:
    return next((slot for slot in pool.slots if slot.place == (reading.device_id, reading.slot)), None)


def _with_reading(pool: Pool, reading: Reading, context: Context, answered: int | None = None) -> Pool:
    slot = _find_slot(pool, reading)
    if slot is None:
        return pool
    return pool.with_slot(
        replace(
            slot,
            level=reading.level,
            level_at=reading.occurred_at,
            level_event=context.cause,
            uncertainty=slot.uncertainty if reading.uncertainty is None else reading.uncertainty,
            rate_per_day=slot.rate_per_day if reading.rate_per_day is None else reading.rate_per_day,
            answered=slot.answered if answered is None else answered,
        )
    )
