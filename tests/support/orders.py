"""Builders of orders, providers, offers and updates."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from replenish_contracts.events import OrderUpdated, ReorderApproved, ReorderLine, UpdateLine, UpdateStatus
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain import (
    Decision,
    DeviceStatus,
    DraftLine,
    LineState,
    Offer,
    Order,
    OrderLine,
    Provider,
    Slot,
    State,
    Timeouts,
    check_due_order,
    decide_update,
    submit,
)
from services.order_dispatch.domain import draft as draft_lines
from services.order_dispatch.domain.updates import UpdateDecision

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


def draft(
    approved: ReorderApproved,
    slot: Slot,
    provider: Provider | None,
    offer: Offer | None,
    at: datetime,
    flagged_order_id: str | None = None,
) -> Decision:
    """Draft an order of one line."""
    lines = [DraftLine(approved.all_lines[0], slot, offer, flagged_order_id)]
    return draft_lines(approved, approved.order_id, lines, provider, at)


def drafted(**changes) -> Order:
    return draft(approved(**changes), slot(), ACME, offer(), NOON).order


def with_line(order: Order, line_id: str = "1", **changes) -> Order:
    """Return the order with one line changed."""
    return order.with_lines([replace(order.find_line(line_id), **changes)])


#: Lines of `basket`: product, packs, pack size and price of a pack.
BASKET = (("pods", 2, 20, 499), ("filters", 1, 100, 350), ("milk", 3, 1, 129))


def basket(state: State = State.DRAFTED, *, lines: int = 2, fee: int = 0, provider: Provider = ACME) -> Order:
    """Return an order of several lines for different slots; it reached the state by submission and updates."""
    order = basket_decision(lines=lines, fee=fee, provider=provider).order
    return order if state is State.DRAFTED else advance(order, state)


def basket_decision(*, lines: int = 2, fee: int = 0, provider: Provider = ACME) -> Decision:
    drafts = [
        DraftLine(
            ReorderLine(
                line_id=str(number),
                product_id=product,
                pool_id=f"ann/{product}",
                device_id="brewer",
                slot=str(number),
                epoch=1,
                packs=packs,
                pack_size=size,
                quantity=packs * size,
                receipt_id=f"r{number}",
            ),
            slot(slot=str(number)),
            offer(product_id=product, pack_size=size, price=price),
        )
        for number, (product, packs, size, price) in enumerate(BASKET[:lines], start=1)
    ]
    event = approved(lines=tuple(drafted.line for drafted in drafts))
    return draft_lines(event, "o1", drafts, provider, NOON, lambda price, currency: fee)


def about(line_id: str, **changes) -> UpdateLine:
    return UpdateLine(line_id=line_id, **changes)


def states(order: Order) -> list[LineState]:
    return [line.state for line in order.lines]


def only(order: Order) -> OrderLine:
    return order.find_line(None)


def order(state: State) -> Order:
    """Return an order of one line that reached this state by submission and updates."""
    return advance(drafted(), state)


def advance(order: Order, state: State) -> Order:
    """Return a drafted order after its submission and the updates up to this state."""
    decision = submit(order, TIMEOUTS, NOON)
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


def decide(order: Order, update: OrderUpdated, at: datetime = NOON) -> UpdateDecision:
    return decide_update(order, update, ACME, TIMEOUTS, at)


def apply(order: Order, update: OrderUpdated, at: datetime = NOON) -> Decision:
    """Return the decision of an update that must be applied."""
    decided = decide(order, update, at)
    assert decided.decision is not None, decided.reason
    return decided.decision
