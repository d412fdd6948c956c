"""The ordering rule: order when the supply no longer lasts for the subscription's days."""

from datetime import datetime, timedelta
from math import isclose

from replenish_contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain.accounts import find_account_obstacle, find_block
from services.reorder_decision.domain.collecting import collecting_hold
from services.reorder_decision.domain.holidays import holiday_hold
from services.reorder_decision.domain.policy_decision import Figures, Inputs, Outcome, PolicyDecision, Rules, Why
from services.reorder_decision.domain.pool import TIME, Hold, Offer, Reason, Slot, Subscription
from services.reorder_decision.domain.sourcing import choose_offer, days_of_supply, find_offer_obstacle, provider_of

#: Relative tolerance: consumption multiplies the same numbers in another order.
ROUNDING = 1e-9
#: Later run-out dates are reported as unknown.
LONGEST_RUN_DAYS = 3650


def compute_figures(
    slots: tuple[Slot, ...], shelf: int, on_order: int, subscription: Subscription | None, offer: Offer | None = None
) -> Figures:
    """Return position and threshold: low is position <= max(at_level, days * rate), equality included.

    Example: 2.5 a day for 7 days is 17.5, so 17 pods are low. A lead time longer than the subscription's days
    replaces them.
    """
    days, at_level = days_of_supply(subscription, offer), subscription.at_level if subscription else 0
    levels, rate = sum(slot.level for slot in slots), sum((slot.rate_per_day for slot in slots), 0.0)
    position = levels + shelf + on_order
    for_days = days * rate
    threshold = max(float(at_level), for_days)
    low = position <= threshold or isclose(position, threshold, rel_tol=ROUNDING)
    lasts = max(0, position) / rate if rate > 0 else None
    return Figures(levels, shelf, on_order, position, rate, days, for_days, at_level, threshold, low, lasts)


def find_obstacle(slots: tuple[Slot, ...], subscription: Subscription | None, offer: Offer | None) -> Hold | None:
    """Return why nothing can be ordered at any level, and which event ends that; None if it can."""
    if subscription is None:
        return Hold(Reason.NO_SUBSCRIPTION, "SubscriptionChanged")
    if subscription.status is not SubscriptionStatus.ACTIVE:
        return Hold(Reason.PAUSED, "SubscriptionChanged")
    if not slots:
        return Hold(Reason.NO_SLOTS, "DeviceRegistered")
    if len({(slot.unit, slot.scale) for slot in slots}) > 1:
        return Hold(Reason.UNITS_DIFFER, "DeviceDeregistered")
    if subscription.mode is Mode.NOTIFY:
        return None
    return find_offer_obstacle(slots[0], subscription, offer) or find_account_obstacle(
        slots, provider_of(subscription, offer), offer
    )


def after_cancel(cancels: int, now: datetime, rules: Rules) -> Hold:
    """Return the back-off after a customer's cancellation: some days first, then until the slot has been full again."""
    if cancels > 1:
        return Hold(Reason.CANCELLED_AGAIN, "SlotFilled")
    return Hold(Reason.CANCELLED_ONCE, TIME, now + timedelta(days=rules.cancel_backoff_days))


def after_failure(failures: int, now: datetime, rules: Rules) -> Hold:
    """Return the back-off after an order without delivery, doubling with each failure up to the limit."""
    days = min(rules.failure_backoff_days * 2 ** min(failures - 1, 30), rules.failure_backoff_limit_days)
    return Hold(Reason.NOT_DELIVERED, TIME, now + timedelta(days=days))


def after_unclear_delivery(now: datetime, rules: Rules) -> Hold:
    """Return the hold until a level or a count shows what arrived, some days at most."""
    return Hold(Reason.DELIVERY_UNCLEAR, "SlotLevelChanged", now + timedelta(days=rules.unclear_backoff_days))


def decide(inputs: Inputs) -> PolicyDecision:
    """Decide deterministically, so that `replenish replay` can verify a receipt."""
    offer = choose_offer(inputs.slots, inputs.subscription, inputs.offer, inputs.rivals, inputs.avoided)
    figures = compute_figures(inputs.slots, inputs.shelf, inputs.on_order, inputs.subscription, offer)
    if inputs.why in {Why.DECLINED, Why.WITHDRAWN}:
        return PolicyDecision(Outcome.DECLINE, Reason(inputs.why.value), figures)
    hold = find_obstacle(inputs.slots, inputs.subscription, offer) or _hold_of(inputs, figures, offer)
    if hold or inputs.subscription is None:
        hold = hold or Hold(Reason.NO_SUBSCRIPTION, "SubscriptionChanged")
        return PolicyDecision(Outcome.HOLD, hold.reason, figures, hold.wake_up, hold.until)
    return _order(inputs, inputs.subscription, figures, offer)


def remaining_backoff(
    wait: Hold | None, subscription: Subscription | None, offer: Offer | None, avoided: tuple[str, ...]
) -> Hold | None:
    """Return the back-off, unless it follows failed providers and the offer is from another one."""
    failed = wait is not None and wait.reason is Reason.NOT_DELIVERED and avoided
    return None if failed and subscription and provider_of(subscription, offer) not in avoided else wait


def _hold_of(inputs: Inputs, figures: Figures, offer: Offer | None) -> Hold | None:
    """Return the hold of a pool that could be ordered; an approval overrides it."""
    if inputs.why is Why.CANCELLED:
        return after_cancel(inputs.cancels, inputs.occurred_at, inputs.rules)
    if inputs.why is Why.FAILED:
        return after_failure(inputs.failures, inputs.occurred_at, inputs.rules)
    if inputs.why is Why.APPROVED:
        return None
    return remaining_backoff(inputs.wait, inputs.subscription, offer, inputs.avoided) or _hold_until_needed(
        inputs, figures, offer
    )


def _hold_until_needed(inputs: Inputs, figures: Figures, offer: Offer | None) -> Hold | None:
    if not figures.low:
        return Hold(Reason.ENOUGH, TIME, inputs.occurred_at + timedelta(days=inputs.rules.enough_backoff_days))
    lead_days = lead_days_of(offer, inputs.rules)
    if hold := holiday_hold(inputs.holiday, inputs.occurred_at, lead_days, figures.lasts_days):
        return hold
    if inputs.subscription is None or inputs.why is Why.COLLECTED:
        return None
    if inputs.subscription.mode is Mode.NOTIFY:
        return Hold(Reason.NOTIFY_ONLY, "SlotFilled")
    # After an order that ended without delivery, the pool has waited long enough.
    if inputs.failures:
        return None
    return collecting_hold(inputs.subscription, figures, lead_days, inputs.occurred_at)


def lead_days_of(offer: Offer | None, rules: Rules) -> float:
    return offer.lead.days if offer and offer.lead else rules.lead_time_days


def _order(inputs: Inputs, subscription: Subscription, figures: Figures, offer: Offer | None) -> PolicyDecision:
    proposing = subscription.mode is Mode.APPROVE and inputs.why is not Why.APPROVED
    provider_id = provider_of(subscription, offer)
    # Slots that are paused at the provider come last: one that is not exists, except for a reminder.
    emptiest = min(
        inputs.slots,
        key=lambda slot: (
            find_block(slot, provider_id, offer) is not None,
            slot.level / slot.capacity,
            slot.place,
        ),
    )
    return PolicyDecision(
        Outcome.PROPOSE if proposing else Outcome.ORDER,
        Reason.AWAITING_APPROVAL if proposing else Reason.APPROVED if inputs.why is Why.APPROVED else Reason.LOW,
        figures,
        "approval" if proposing else None,
        None,
        provider_id,
        subscription.packs,
        subscription.pack_size,
        emptiest.device_id,
        emptiest.slot,
        _needed_by(inputs.occurred_at, figures.lasts_days),
    )


def _needed_by(now: datetime, lasts_days: float | None) -> datetime | None:
    if lasts_days is None or lasts_days > LONGEST_RUN_DAYS:
        return None
    return now + timedelta(days=lasts_days)
