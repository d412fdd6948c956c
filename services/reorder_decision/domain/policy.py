"""The rule by which something is ordered: when what is there no longer lasts for so many days."""

from datetime import datetime, timedelta
from math import isclose

from libs.contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain.decision import Decision, Figures, Inputs, Outcome, Rules, Why
from services.reorder_decision.domain.pool import TIME, Hold, Offer, Reason, Slot, Subscription

#: Consumption multiplies the same numbers in another order, so its last binary digits may differ from ours.
ROUNDING = 1e-9
#: A run-out date further away than this is nobody's deadline.
LONGEST_RUN_DAYS = 3650


def weigh(slots: tuple[Slot, ...], shelf: int, on_order: int, subscription: Subscription | None) -> Figures:
    """Return position and threshold: low is position <= max(at_level, days * rate), equality included.

    The seven-day rule of the seed: 2.5 a day for 7 days is 17.5, and 17 pods are low.
    """
    days, at_level = (subscription.days, subscription.at_level) if subscription else (0.0, 0)
    levels, rate = sum(slot.level for slot in slots), sum((slot.rate_per_day for slot in slots), 0.0)
    position = levels + shelf + on_order
    for_days = days * rate
    threshold = max(float(at_level), for_days)
    low = position <= threshold or isclose(position, threshold, rel_tol=ROUNDING)
    lasts = max(0, position) / rate if rate > 0 else None
    return Figures(levels, shelf, on_order, position, rate, days, for_days, at_level, threshold, low, lasts)


def find_obstacle(slots: tuple[Slot, ...], subscription: Subscription | None, offer: Offer | None) -> Hold | None:
    """Return why nothing can be ordered at present whatever the level is, and which event would end that."""
    if subscription is None:
        return Hold(Reason.NO_SUBSCRIPTION, "SubscriptionChanged")
    if subscription.status is not SubscriptionStatus.ACTIVE:
        return Hold(Reason.PAUSED, "SubscriptionChanged")
    if not slots:
        return Hold(Reason.NO_SLOTS, "DeviceRegistered")
    if len({(slot.unit, slot.scale) for slot in slots}) > 1:
        return Hold(Reason.UNITS_DIFFER, "DeviceDeregistered")
    return None if subscription.mode is Mode.NOTIFY else _unorderable(slots[0], subscription, offer)


def _unorderable(slot: Slot, subscription: Subscription, offer: Offer | None) -> Hold | None:
    if offer is None:
        return Hold(Reason.NO_OFFER, "OfferChanged")
    if not offer.provider_active:
        return Hold(Reason.PROVIDER_INACTIVE, "ProviderChanged")
    if not offer.available:
        return Hold(Reason.OFFER_UNAVAILABLE, "OfferChanged")
    if offer.unit not in {None, slot.unit}:
        return Hold(Reason.PACK_UNIT_DIFFERS, "OfferChanged")
    if not _is_same_pack(slot, subscription.pack_size, offer):
        return Hold(Reason.PACK_SIZE_DIFFERS, "SubscriptionChanged")
    return None


def _is_same_pack(slot: Slot, wanted: int, offer: Offer) -> bool:
    """Tell whether as much is in it: 1000 g are 10,000 steps of a slot that counts tenths."""
    offered_scale = slot.scale if offer.unit is None else offer.scale
    return bool(wanted * 10**offered_scale == offer.pack_size * 10**slot.scale)


def after_cancel(cancels: int, now: datetime, rules: Rules) -> Hold:
    """Return the pause after a customer's cancel: some days, then until the slot has been full again."""
    if cancels > 1:
        return Hold(Reason.CANCELLED_AGAIN, "SlotFilled")
    return Hold(Reason.CANCELLED_ONCE, TIME, now + timedelta(days=rules.cancel_backoff_days))


def after_failure(failures: int, now: datetime, rules: Rules) -> Hold:
    """Return the pause after an order that nobody carried out: a day, then twice as long each time."""
    days = min(rules.failure_backoff_days * 2 ** min(failures - 1, 30), rules.failure_backoff_limit_days)
    return Hold(Reason.NOT_DELIVERED, TIME, now + timedelta(days=days))


def decide(inputs: Inputs) -> Decision:
    """Decide; the same inputs always give the same decision, which is what `replay` shows."""
    figures = weigh(inputs.slots, inputs.shelf, inputs.on_order, inputs.subscription)
    if inputs.why in {Why.DECLINED, Why.WITHDRAWN}:
        return Decision(Outcome.DECLINE, Reason(inputs.why.value), figures)
    hold = find_obstacle(inputs.slots, inputs.subscription, inputs.offer) or _own_hold(inputs, figures)
    if hold or inputs.subscription is None:
        hold = hold or Hold(Reason.NO_SUBSCRIPTION, "SubscriptionChanged")
        return Decision(Outcome.HOLD, hold.reason, figures, hold.wake_up, hold.until)
    return _orderly(inputs, inputs.subscription, figures)


def _own_hold(inputs: Inputs, figures: Figures) -> Hold | None:
    """Return what keeps an orderable pool from ordering; a person's approval overrules it."""
    if inputs.why is Why.CANCELLED:
        return after_cancel(inputs.cancels, inputs.at, inputs.rules)
    if inputs.why is Why.FAILED:
        return after_failure(inputs.failures, inputs.at, inputs.rules)
    if inputs.why is Why.APPROVED or inputs.wait:
        return None if inputs.why is Why.APPROVED else inputs.wait
    if not figures.low:
        return Hold(Reason.ENOUGH, TIME, inputs.at + timedelta(days=inputs.rules.enough_backoff_days))
    notify_only = inputs.subscription and inputs.subscription.mode is Mode.NOTIFY
    return Hold(Reason.NOTIFY_ONLY, "SlotFilled") if notify_only else None


def _orderly(inputs: Inputs, subscription: Subscription, figures: Figures) -> Decision:
    proposing = subscription.mode is Mode.APPROVE and inputs.why is not Why.APPROVED
    emptiest = min(inputs.slots, key=lambda slot: (slot.level / slot.capacity, slot.place))
    return Decision(
        Outcome.PROPOSE if proposing else Outcome.ORDER,
        Reason.AWAITING_APPROVAL if proposing else Reason.APPROVED if inputs.why is Why.APPROVED else Reason.LOW,
        figures,
        "approval" if proposing else None,
        None,
        subscription.provider_id,
        subscription.packs,
        subscription.pack_size,
        emptiest.device_id,
        emptiest.slot,
        _needed_by(inputs.at, figures.lasts_days),
    )


def _needed_by(now: datetime, lasts_days: float | None) -> datetime | None:
    if lasts_days is None or lasts_days > LONGEST_RUN_DAYS:
        return None
    return now + timedelta(days=lasts_days)
