"""What each fact does to a pool. None of them orders on its own word: only the answer to the open epoch does."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from libs.contracts.events import SubscriptionChanged, SubscriptionStatus
from services.reorder_decision.domain.arming import following, is_due, is_low
from services.reorder_decision.domain.deciding import UNTIL_GOODS_MOVE, Turn, When, ask, conclude, reassess
from services.reorder_decision.domain.decision import Why
from services.reorder_decision.domain.policy import after_cancel, after_failure
from services.reorder_decision.domain.pool import Holiday, Pool, Reason, Situation, Slot, Subscription


class Heard(NamedTuple):
    """What an event told about one slot's level; rate and doubt where it told them."""

    device_id: str
    slot: str
    level: int
    at: datetime
    doubt: float | None = None
    rate_per_day: float | None = None


def crossed(pool: Pool, heard: Heard, epoch: int, when: When) -> Turn:
    """Decide, if this answers the open epoch; an older answer only tells the level.

    The pool is looked at then too: whoever marked it as due for that has its mark overwritten with the turn.
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
    """Follow one of several slots; once all together are low, ask them all."""
    pool = _informed(pool, heard, when)
    pool = replace(pool, low_reports=pool.low_reports + 1 if is_low(pool) else 0)
    return reassess(pool, when)


def filled(pool: Pool, heard: Heard, when: When, *, used_up: bool = False) -> Turn:
    """Note a rise or a correction: holds that last until then end with it, unless what came was used up at once."""
    informed = _informed(pool, heard, when)
    return reassess(informed if used_up else _goods_moved(informed), when)


def counted(pool: Pool, shelf: int, when: When) -> Turn:
    """Note the shelf's new balance."""
    if shelf == pool.shelf and pool.shelf_event is not None:
        return Turn(pool)
    return reassess(_goods_moved(replace(pool, shelf=shelf, shelf_event=when.cause)), when)


def arrived(pool: Pool, order_id: str, quantity: int, shelf: int, when: When) -> Turn:
    """Note goods on the shelf; the order they came from is no longer on order.

    Where none came, as of a lost parcel or a rehearsal, the next order waits as after a failure.
    """
    pool = replace(pool, shelf=shelf, shelf_event=when.cause)
    if pool.order is None or pool.order.order_id != order_id:
        return reassess(_goods_moved(pool), when)
    if not quantity:
        return _backing_off(replace(pool, order=None), order_id, when, by_customer=False)
    return reassess(_goods_moved(replace(pool, order=None, wait=None, cancels=0, failures=0, avoided=())), when)


def ended(pool: Pool, order_id: str, when: When, *, by_customer: bool, blamed: bool = True) -> Turn:
    """Note that the open order came to nothing: ask another provider if the customer accepts one, or back off.

    Only an end that is known comes here, so nobody else is asked while the first order may still come. Where the
    provider is not to blame (a payment, a fraud, an operator), another one would do no better.
    """
    if pool.order is None or pool.order.order_id != order_id:
        return Turn(pool)
    failed = pool.order.provider_id if blamed and not by_customer else None
    avoided = tuple(sorted({*pool.avoided, failed})) if failed else ()
    return _backing_off(replace(pool, order=None, avoided=avoided), order_id, when, by_customer=by_customer)


def taken_back(pool: Pool, order_id: str, when: When) -> Turn:
    """Note that the open order was taken back because its device left: nobody failed, so nothing is waited for."""
    if pool.order is None or pool.order.order_id != order_id:
        return Turn(pool)
    return reassess(replace(pool, order=None), when, ended=order_id)


def subscribed(pool: Pool, subscription: Subscription, when: When) -> Turn:
    """Take over what the customer wants now; a proposal made under other wishes is withdrawn."""
    before = pool.subscription
    said = SubscriptionChanged(
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
    turn = Turn(pool, (said,)).then(withdrawn(pool, "the subscription changed", when))
    over = subscription.status is SubscriptionStatus.ENDED
    pool = replace(turn.pool, subscription=None if over else subscription)
    return turn.then(reassess(_fresh_start(pool, before, subscription), when))


def went_away(pool: Pool, holiday: Holiday | None, when: When) -> Turn:
    """Take over when the customer is away; what waited because of another holiday is looked at again."""
    waited = pool.wait is not None and pool.wait.reason is Reason.AWAY
    return reassess(replace(pool, holiday=holiday, wait=None if waited else pool.wait), when)


def fitted(pool: Pool, slots: tuple[Slot, ...], when: When) -> Turn:
    """Take over the pool's slots of now: a device came, went, or was replaced.

    They are always asked anew: a slot that was registered again, under the same name, was asked nothing yet.
    With the last slot goes what was proposed for it: nobody could say yes to it any more.
    """
    pool = replace(pool, slots=slots, trigger=None)
    turn = Turn(pool) if slots else withdrawn(pool, "no device holds the product any more", when)
    return turn.then(reassess(turn.pool, when))


def approved(pool: Pool, by: str, when: When) -> Turn:
    """Order what was proposed; the caller has made sure that it is proposed and can be ordered."""
    return conclude(pool, Why.APPROVED, when, by=by)


def declined(pool: Pool, by: str, when: When) -> Turn:
    """Drop the proposal; saying no is a customer's cancel."""
    order_id = pool.order.order_id if pool.order else ""
    turn = conclude(pool, Why.DECLINED, when, by=by)
    return turn.then(_backing_off(turn.pool, order_id, when, by_customer=True))


def withdrawn(pool: Pool, by: str, when: When) -> Turn:
    """Drop the proposal, if there is one, without holding it against anybody."""
    if pool.order is None or not pool.order.proposed:
        return Turn(pool)
    return conclude(pool, Why.WITHDRAWN, when, by=by)


def reconsidered(pool: Pool, when: When) -> Turn:
    """Look again because it is time to: a back-off is over."""
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
    """Forget back-offs that the customer's own doing overtakes: resuming, or another provider."""
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
            level_at=heard.at,
            level_event=when.cause,
            doubt=slot.doubt if heard.doubt is None else heard.doubt,
            rate_per_day=slot.rate_per_day if heard.rate_per_day is None else heard.rate_per_day,
            answered=slot.answered if answered is None else answered,
        )
    )
