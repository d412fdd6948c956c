"""State transitions of a pool, one function per event or command. Only an answer to the open epoch places an order."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from replenish_contracts.events import SubscriptionChanged, SubscriptionStatus
from services.reorder_decision.domain.arming import following, is_due, is_low
from services.reorder_decision.domain.deciding import UNTIL_GOODS_MOVE, Turn, When, ask, conclude, reassess
from services.reorder_decision.domain.decision import Why
from services.reorder_decision.domain.policy import after_cancel, after_failure
from services.reorder_decision.domain.pool import Holiday, Pool, Reason, Situation, Slot, Subscription


class Heard(NamedTuple):
    """The level of one slot from an event; uncertainty and rate if the event contains them."""

    device_id: str
    slot: str
    level: int
    occurred_at: datetime
    uncertainty: float | None = None
    rate_per_day: float | None = None


def crossed(pool: Pool, heard: Heard, epoch: int, when: When) -> Turn:
    """Decide if the event answers the open epoch; an answer to an older epoch only updates the level.

    The pool is reassessed even then, because saving it overwrites a due mark set by an offer change.
    """
    slot = _find(pool, heard)
    current = pool.situation in {Situation.ARMED, Situation.ASKING} and epoch == pool.epoch
    if slot is None or not current:
        return reassess(replace(_informed(pool, heard, when), stale_crossings=pool.stale_crossings + 1), when)
    pool = _informed(pool, heard, when, answered=epoch)
    if pool.situation is Situation.ARMED:
        return conclude(pool, Why.CROSSED, when)
    return _all_answered(pool, when) if all(slot.answered == epoch for slot in pool.slots) else Turn(pool)


def level_changed(pool: Pool, heard: Heard, when: When) -> Turn:
    """Update one of several slots; if their sum is low, request the current level of all."""
    pool = _informed(pool, heard, when)
    pool = replace(pool, low_reports=pool.low_reports + 1 if is_low(pool) else 0)
    return reassess(pool, when)


def filled(pool: Pool, heard: Heard, when: When, *, used_up: bool = False) -> Turn:
    """Record a refill or correction; ends holds that wait for goods to move, unless the refill is already used up."""
    informed = _informed(pool, heard, when)
    return reassess(informed if used_up else _goods_moved(informed), when)


def counted(pool: Pool, shelf: int, when: When) -> Turn:
    """Record the shelf's new balance; a repeated balance changes nothing."""
    if shelf == pool.shelf and pool.shelf_event is not None:
        return Turn(pool)
    return reassess(_goods_moved(replace(pool, shelf=shelf, shelf_event=when.cause)), when)


def arrived(pool: Pool, order_id: str, quantity: int, shelf: int, when: When) -> Turn:
    """Record goods on the shelf and close the order they belong to.

    If the quantity is 0 (a lost parcel, a test order), the pool backs off as after a failure.
    """
    pool = replace(pool, shelf=shelf, shelf_event=when.cause)
    if pool.order is None or pool.order.order_id != order_id:
        return reassess(_goods_moved(pool), when)
    if not quantity:
        return _backing_off(replace(pool, order=None), order_id, when, by_customer=False)
    return reassess(_goods_moved(replace(pool, order=None, wait=None, cancels=0, failures=0, avoided=())), when)


def ended(pool: Pool, order_id: str, when: When, *, by_customer: bool, blamed: bool = True) -> Turn:
    """Close the open order after it failed: switch to an accepted alternative provider, or back off.

    The end of the order is certain, so no second order is placed while the first may still arrive. If the provider is
    not at fault (payment, fraud, operator), the provider is not avoided.
    """
    if pool.order is None or pool.order.order_id != order_id:
        return Turn(pool)
    failed = pool.order.provider_id if blamed and not by_customer else None
    avoided = tuple(sorted({*pool.avoided, failed})) if failed else ()
    return _backing_off(replace(pool, order=None, avoided=avoided), order_id, when, by_customer=by_customer)


def taken_back(pool: Pool, order_id: str, when: When) -> Turn:
    """Close the open order after its device was deregistered: no failure, so no back-off."""
    if pool.order is None or pool.order.order_id != order_id:
        return Turn(pool)
    return reassess(replace(pool, order=None), when, ended=order_id)


def subscribed(pool: Pool, subscription: Subscription, when: When) -> Turn:
    """Apply a new or changed subscription; an open proposal is withdrawn."""
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
    turn = Turn(pool, (event,)).then(withdrawn(pool, "the subscription changed", when))
    over = subscription.status is SubscriptionStatus.ENDED
    pool = replace(turn.pool, subscription=None if over else subscription)
    return turn.then(reassess(_fresh_start(pool, before, subscription), when))


def went_away(pool: Pool, holiday: Holiday | None, when: When) -> Turn:
    """Set or clear the holiday; a hold caused by the previous one ends."""
    waited = pool.wait is not None and pool.wait.reason is Reason.AWAY
    return reassess(replace(pool, holiday=holiday, wait=None if waited else pool.wait), when)


def fitted(pool: Pool, slots: tuple[Slot, ...], when: When) -> Turn:
    """Apply the pool's current slots after a device was registered, replaced or deregistered.

    Always opens a new epoch: a slot that was registered again under the same name has no trigger yet.
    An open proposal is withdrawn with the last slot, because it can no longer be approved.
    """
    pool = replace(pool, slots=slots, trigger=None)
    turn = Turn(pool) if slots else withdrawn(pool, "no device holds the product any more", when)
    return turn.then(reassess(turn.pool, when))


def approved(pool: Pool, by: str, when: When) -> Turn:
    """Place the proposed order; the caller has checked that there is one and that no obstacle exists."""
    return conclude(pool, Why.APPROVED, when, by=by)


def declined(pool: Pool, by: str, when: When) -> Turn:
    """Drop the proposal; it counts as a cancellation by the customer."""
    order_id = pool.order.order_id if pool.order else ""
    turn = conclude(pool, Why.DECLINED, when, by=by)
    return turn.then(_backing_off(turn.pool, order_id, when, by_customer=True))


def withdrawn(pool: Pool, by: str, when: When) -> Turn:
    """Drop the proposal, if there is one, without a back-off."""
    if pool.order is None or not pool.order.proposed:
        return Turn(pool)
    return conclude(pool, Why.WITHDRAWN, when, by=by)


def reconsidered(pool: Pool, when: When) -> Turn:
    """Reassess the pool when its back-off ends or its offer changed."""
    return reassess(pool, when)


def _all_answered(pool: Pool, when: When) -> Turn:
    if is_due(pool):
        return conclude(pool, Why.CROSSED, when)
    return ask(pool if is_low(pool) else replace(pool, low_reports=0), following(pool), Situation.FOLLOWED)


def _backing_off(pool: Pool, order_id: str, when: When, *, by_customer: bool) -> Turn:
    if by_customer:
        pool = replace(pool, cancels=pool.cancels + 1)
        wait, why = after_cancel(pool.cancels, when.now, when.rules), Why.CANCELLED
    else:
        pool = replace(pool, failures=pool.failures + 1)
        wait, why = after_failure(pool.failures, when.now, when.rules), Why.FAILED
    return reassess(replace(pool, wait=wait), when, why, order_id)


def _fresh_start(pool: Pool, before: Subscription | None, after: Subscription) -> Pool:
    """Clear back-offs when the customer resumes, or chooses another provider after a failure."""
    resumed = before is None or before.status is not SubscriptionStatus.ACTIVE
    moved = before is not None and before.provider_id != after.provider_id
    if after.status is SubscriptionStatus.ACTIVE and resumed:
        return replace(pool, wait=None, cancels=0, failures=0, avoided=())
    if moved and pool.wait and pool.wait.reason is Reason.NOT_DELIVERED:
        return replace(pool, wait=None, failures=0, avoided=())
    return _goods_moved(pool)


def _goods_moved(pool: Pool) -> Pool:
    return replace(pool, wait=None) if pool.wait and pool.wait.reason in UNTIL_GOODS_MOVE else pool


def _find(pool: Pool, heard: Heard) -> Slot | None:
    return next((slot for slot in pool.slots if slot.place == (heard.device_id, heard.slot)), None)


def _informed(pool: Pool, heard: Heard, when: When, answered: int | None = None) -> Pool:
    slot = _find(pool, heard)
    if slot is None:
        return pool
    return pool.with_slot(
        replace(
            slot,
            level=heard.level,
            level_at=heard.occurred_at,
            level_event=when.cause,
            uncertainty=slot.uncertainty if heard.uncertainty is None else heard.uncertainty,
            rate_per_day=slot.rate_per_day if heard.rate_per_day is None else heard.rate_per_day,
            answered=slot.answered if answered is None else answered,
        )
    )
