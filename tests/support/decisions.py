"""Builders of what the tests talk about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from replenish_contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain import (
    Context,
    Offer,
    Pool,
    Reading,
    Slot,
    Subscription,
    reassess,
    subscription_changed,
    threshold_crossed,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POOL = "ann/pods"


def days(count: float) -> timedelta:
    return timedelta(days=count)


def when(now: datetime = NOON, cause: str | None = "event-1") -> Context:
    return Context(now, cause)


def slot(device_id: str = "brewer", **changes) -> Slot:
    return replace(Slot(device_id, "1", "C62", 0, capacity=50, level=30), **changes)


def subscription(**changes) -> Subscription:
    wish = Subscription("s1", "acme", 1, 40, Mode.AUTO, SubscriptionStatus.ACTIVE, days=7.0, at_level=0, reports=1)
    return replace(wish, **changes)


def offer(**changes) -> Offer:
    return replace(Offer(40, 499, "USD", available=True, provider_active=True, event="offer-1"), **changes)


def pool(**changes) -> Pool:
    """A pool with one slot and an offer that nobody has subscribed to yet."""
    return replace(Pool(POOL, "ann", "pods", slots=(slot(),), offer=offer()), **changes)


def armed(**changes) -> Pool:
    """A subscribed pool whose only slot is being watched."""
    wish = changes.pop("subscription", subscription())
    return subscription_changed(pool(**changes), wish, when()).pool


def heard(level: int = 6, rate: float = 2.0, device_id: str = "brewer") -> Reading:
    return Reading(device_id, "1", level, NOON, uncertainty=0.5, rate_per_day=rate)


def ordered(**changes) -> Pool:
    """A pool whose only slot was low, with an order under way."""
    watched = armed(**changes)
    return threshold_crossed(watched, heard(), watched.epoch, when()).pool


def names(turn) -> list[str]:
    return names_of(turn.events)


def names_of(events) -> list[str]:
    return [type(event).__name__ for event in events]


def offered(pool, offer, when):
    """The turn of a pool whose provider sells this now."""
    return reassess(replace(pool, offer=offer), when)
