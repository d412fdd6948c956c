"""Builders of pools, slots, subscriptions and offers."""

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
#: Fields of a subscription that collects for two days; its pool is low when the supply lasts 14 days.
COLLECTS = {"days": 14.0, "collect_hours": 48.0}


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
    """A pool with one slot and an offer, without a subscription."""
    return replace(Pool(POOL, "ann", "pods", slots=(slot(),), offer=offer()), **changes)


def armed(**changes) -> Pool:
    """A subscribed pool with a trigger for its only slot."""
    wish = changes.pop("subscription", subscription())
    return subscription_changed(pool(**changes), wish, when()).pool


def heard(level: int = 6, rate: float = 2.0, device_id: str = "brewer") -> Reading:
    return Reading(device_id, "1", level, NOON, uncertainty=0.5, rate_per_day=rate)


def ordered(**changes) -> Pool:
    """A pool with an open order for its only slot."""
    watched = armed(**changes)
    return threshold_crossed(watched, heard(), watched.epoch, when()).pool


def names(turn) -> list[str]:
    return names_of(turn.events)


def names_of(events) -> list[str]:
    return [type(event).__name__ for event in events]


def offered(pool, offer, when):
    """The decision of a pool whose provider changed its offer."""
    return reassess(replace(pool, offer=offer), when)
