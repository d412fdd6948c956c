"""Reassesses pools: opens epochs, takes decisions, and writes a receipt for each decision."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from replenish_contracts.catalogue import Event
from replenish_contracts.events import FIRST_LINE, ReorderApproved, ReorderDeclined, ReorderHeld, ReorderLine
from services.reorder_decision.domain.accounts import AT_PROVIDER, find_block_of_all
from services.reorder_decision.domain.collecting import is_urgent
from services.reorder_decision.domain.policy import decide, find_obstacle, lead_days_of, remaining_backoff
from services.reorder_decision.domain.policy_decision import Inputs, Outcome, PolicyDecision, Rules, Why
from services.reorder_decision.domain.pool import EPOCH_IS_OPEN, Hold, Order, Pool, Reason, Situation, Trigger
from services.reorder_decision.domain.sourcing import choose_offer, provider_of
from services.reorder_decision.domain.triggers import (
    figures_of,
    is_still_set,
    source_of,
    trigger_events,
    trigger_for,
    urgency_trigger,
)

#: Namespace of order and receipt ids, which derive from pool and epoch: repeating a decision gives the same order.
NAMESPACE = UUID("8f9d9a52-7c0e-4c55-9a41-1f0e3b7f6f2d")
#: Holds that end when goods arrive or are counted.
UNTIL_GOODS_MOVE = (Reason.NOTIFY_ONLY, Reason.ENOUGH, Reason.AWAY, Reason.DELIVERY_UNCLEAR)
#: `Inputs.by` of a pool that stops collecting, unless another pool's order includes it.
TIME_IS_OVER = "the waiting time was over"
URGENT = "the supply would have run out first"


@dataclass(frozen=True, slots=True)
class Context:
    """Time, causing event and rules of a state transition."""

    now: datetime
    cause: str | None = None
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A decision with all its inputs."""

    receipt_id: str
    inputs: Inputs
    decision: PolicyDecision


@dataclass(frozen=True, slots=True)
class Decision:
    """The new state of the pool, the events to publish, and the receipts of decisions."""

    pool: Pool
    events: tuple[Event, ...] = ()
    receipts: tuple[Receipt, ...] = ()

    def then(self, following: "Decision") -> "Decision":
        """Return both as one; `following` was computed from this one's pool."""
        return Decision(following.pool, self.events + following.events, self.receipts + following.receipts)


def order_id_of(pool_id: str, epoch: int) -> str:
    return str(uuid5(NAMESPACE, f"{pool_id}:{epoch}"))


def reassess(pool: Pool, context: Context, why: Why = Why.CHANGED, ended: str | None = None) -> Decision:
    """Make the pool wait for the right thing: its order, the end of a hold, or a low level.

    Publishes nothing if it already does. `ended` is the order that ended without delivery.
    """
    if pool.order:
        return Decision(pool)
    pool = _without_ended_wait(pool, context.now)
    offer = source_of(pool)
    hold = find_obstacle(pool.slots, pool.subscription, offer) or remaining_backoff(
        pool.wait, pool.subscription, offer, pool.avoided
    )
    if hold or pool.subscription is None:
        return _hold(pool, hold, context, why, ended)
    if pool.situation is Situation.COLLECTING and pool.trigger is not None and figures_of(pool).low:
        return _continue_collecting(pool, context)
    trigger = trigger_for(pool, pool.subscription, offer)
    if is_still_set(pool, trigger):
        return Decision(pool)
    return open_epoch(pool, trigger, Situation.ASKING if len(pool.slots) > 1 else Situation.ARMED)


def open_epoch(pool: Pool, trigger: Trigger, situation: Situation, hold: Hold | None = None) -> Decision:
    pool = replace(pool, epoch=pool.epoch + 1, situation=situation, hold=hold, trigger=trigger)
    return Decision(pool, tuple(trigger_events(pool, trigger)))


def take_decision(
    pool: Pool,
    why: Why,
    context: Context,
    *,
    by: str | None = None,
    ended: str | None = None,
    order_id: str | None = None,
) -> Decision:
    """Take a decision, which ends the pool's epoch; `order_id` is the order of another pool that includes it."""
    order_id = order_id or order_id_of(pool.pool_id, pool.epoch)
    inputs = Inputs(
        pool_id=pool.pool_id,
        customer_id=pool.customer_id,
        product_id=pool.product_id,
        epoch=pool.epoch,
        order_id=order_id,
        why=why,
        occurred_at=context.now,
        cause=context.cause,
        shelf_event=pool.shelf_event,
        slots=pool.slots,
        shelf=pool.shelf,
        on_order=pool.on_order,
        subscription=pool.subscription,
        offer=pool.offer,
        wait=pool.wait,
        cancels=pool.cancels,
        failures=pool.failures,
        rules=context.rules,
        by=by,
        rivals=pool.rivals,
        avoided=pool.avoided,
        holiday=pool.holiday,
    )
    decision = decide(inputs)
    receipt = Receipt(str(uuid5(NAMESPACE, f"{pool.pool_id}:{pool.epoch}:{decision.outcome}")), inputs, decision)
    after, event = _after(pool, inputs, decision), _event_of(receipt, ended)
    if decision.reason is Reason.COLLECTING:
        opened = _watch_urgency(after, context)
        return Decision(opened.pool, (*opened.events, event), (receipt,))
    return Decision(after, (event,), (receipt,))


def _continue_collecting(pool: Pool, context: Context) -> Decision:
    """Order if the time is over or the supply is urgent; otherwise keep the urgency trigger current."""
    until = pool.collect_until or context.now
    if until <= context.now:
        return take_decision(pool, Why.COLLECTED, context, by=TIME_IS_OVER)
    if is_urgent(figures_of(pool), lead_days_of(source_of(pool), context.rules), until - context.now):
        return take_decision(pool, Why.COLLECTED, context, by=URGENT)
    watched = _watch_urgency(pool, context)
    return Decision(pool) if watched.pool.trigger == pool.trigger else watched


def _watch_urgency(pool: Pool, context: Context) -> Decision:
    trigger = urgency_trigger(pool, lead_days_of(source_of(pool), context.rules))
    return open_epoch(pool, trigger, Situation.COLLECTING, pool.hold)


def _without_ended_wait(pool: Pool, now: datetime) -> Pool:
    wait = pool.wait
    if wait is None:
        return pool
    if wait.reason is Reason.CANCELLED_AGAIN and pool.is_full:
        return replace(pool, wait=None, cancels=0)
    if wait.until is not None and wait.until <= now:
        # After the back-off the chosen provider is tried first again.
        avoided = () if wait.reason is Reason.NOT_DELIVERED else pool.avoided
        return replace(pool, wait=None, avoided=avoided)
    return pool


def _hold(pool: Pool, hold: Hold | None, context: Context, why: Why, ended: str | None) -> Decision:
    if pool.situation is Situation.HELD and pool.hold == hold:
        return Decision(pool)
    if pool.subscription is None:
        # Without a subscription there is no decision and no event.
        return Decision(replace(pool, situation=Situation.HELD, hold=hold, trigger=None))
    if pool.situation not in EPOCH_IS_OPEN:
        pool = replace(pool, epoch=pool.epoch + 1)
    return take_decision(pool, why, context, ended=ended)


def _after(pool: Pool, inputs: Inputs, decision: PolicyDecision) -> Pool:
    ended = replace(pool, situation=Situation.HELD, hold=None, trigger=None)
    if decision.outcome is Outcome.DECLINE:
        return replace(ended, order=None)
    if decision.outcome is Outcome.HOLD:
        lasting = decision.hold if decision.reason in UNTIL_GOODS_MOVE else pool.wait
        return replace(ended, hold=decision.hold, wait=lasting)
    proposed = decision.outcome is Outcome.PROPOSE
    order = Order(inputs.order_id, inputs.epoch, decision.quantity, proposed, decision.provider_id)
    if proposed:
        return replace(ended, hold=decision.hold, order=order)
    return replace(ended, situation=Situation.ORDERED, order=order)


def _event_of(receipt: Receipt, ended: str | None) -> Event:
    inputs, decision = receipt.inputs, receipt.decision
    fields: dict[str, Any] = {
        "customer_id": inputs.customer_id,
        "product_id": inputs.product_id,
        "pool_id": inputs.pool_id,
        "epoch": inputs.epoch,
        "order_id": inputs.order_id,
        "receipt_id": receipt.receipt_id,
        "decided_at": inputs.occurred_at,
        "reason": decision.reason.value,
    }
    if decision.outcome is Outcome.ORDER:
        names = ("provider_id", "device_id", "slot", "packs", "pack_size", "quantity", "needed_by")
        fields |= {"unit": inputs.slots[0].unit, "scale": inputs.slots[0].scale, "line_id": FIRST_LINE}
        fields |= {name: getattr(decision, name) for name in names}
        return ReorderApproved.model_validate(fields | {"lines": (ReorderLine.model_validate(fields),)})
    if decision.outcome is Outcome.DECLINE:
        reason = inputs.by if inputs.why is Why.WITHDRAWN and inputs.by else fields["reason"]
        return ReorderDeclined.model_validate(fields | {"reason": reason})
    if decision.outcome is Outcome.HOLD:
        fields["order_id"] = ended
    fields |= {"wake_up": decision.wake_up, "reconsider_at": decision.reconsider_at}
    return ReorderHeld.model_validate(fields | _source_fields(inputs, decision))


def _source_fields(inputs: Inputs, decision: PolicyDecision) -> dict[str, Any]:
    """Return the provider of the held order, and since when the customer's account there prevents it."""
    if inputs.subscription is None:
        return {}
    offer = choose_offer(inputs.slots, inputs.subscription, inputs.offer, inputs.rivals, inputs.avoided)
    provider_id = provider_of(inputs.subscription, offer)
    block = find_block_of_all(inputs.slots, provider_id, offer) if decision.reason in AT_PROVIDER else None
    return {
        "provider_id": provider_id,
        "since": None if block is None else block.since,
        "test": offer is not None and offer.test,
    }
