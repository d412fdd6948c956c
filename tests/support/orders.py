"""Builders of orders, providers, offers and updates."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from replenish_contracts.events import OrderUpdated, ReorderApproved, UpdateStatus
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain import (
    Decision,
    DeviceStatus,
    Offer,
    Order,
    Provider,
    Slot,
    State,
    Timeouts,
    check_due_order,
    decide_update,
    draft,
    submit,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMEOUTS = Timeouts(
    answer_hours=24, status_request_hours=2, max_status_request_hours=24, lead_time_days=5, longest_promise_days=400
)
ACME = Provider("acme", "Acme", "kafka", lead_time_days=3)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def approved(**changes) -> ReorderApproved:
    fields: dict[str, Any] = {
        "order_id": "o1",
        "customer_id": "ann",
        "product_id": "pods",
        "pool_id": "ann/pods",
        "provider_id": "acme",
        "device_id": "brewer",
        "slot": "1",
        "epoch": 1,
        "packs": 2,
        "pack_size": 20,
        "quantity": 40,
        "needed_by": NOON + days(7),
        "receipt_id": "r1",
        "decided_at": NOON,
    }
    return ReorderApproved(**(fields | changes))


def slot(**changes) -> Slot:
    return replace(Slot("brewer", "1", "ann", BaseUnit.EACH, 0, DeviceStatus.ACTIVE), **changes)


def offer(**changes) -> Offer:
    return replace(Offer("acme", "pods", "Coffee pods", 20, BaseUnit.EACH, 0, 499, "USD"), **changes)


def drafted(**changes) -> Order:
    return draft(approved(**changes), slot(), ACME, offer(), NOON).order


def order(state: State) -> Order:
    """Return an order that reached this state by submission and updates."""
    decision = submit(drafted(), TIMEOUTS, NOON)
    if state is State.UNKNOWN:
        return check_due_order(decision.order, TIMEOUTS, NOON + days(1)).order
    for to_state, status in ((State.PLACED, "accepted"), (State.SHIPPED, "shipped"), (State.DELIVERED, "delivered")):
        if decision.order.state is state:
            break
        decision = apply(decision.order, update(status))
        assert decision.order.state is to_state
    assert decision.order.state is state
    return decision.order


def update(status: UpdateStatus | str, **changes) -> OrderUpdated:
    fields: dict[str, Any] = {
        "provider_id": "acme",
        "update_id": f"u-{status}",
        "order_id": "o1",
        "status": status,
        "occurred_at": NOON,
    }
    return OrderUpdated(**(fields | changes))


def apply(order: Order, update: OrderUpdated, at: datetime = NOON) -> Decision:
    """Return the decision of an update that must be applied."""
    decided = decide_update(order, update, ACME, TIMEOUTS, at)
    assert decided.decision is not None, decided.reason
    return decided.decision
