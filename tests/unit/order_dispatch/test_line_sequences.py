"""Random sequences of updates, checks and people's requests to orders of several lines, and what must always hold."""

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from replenish_contracts.events import UpdateStatus, lines_of
from services.order_dispatch.domain import (
    CLOSED,
    LINE_TRANSITIONS,
    STATES_BY_SUMMARY,
    TRANSITIONS,
    AlreadyCountedError,
    Cancellation,
    NotDeliveredError,
    Order,
    State,
    TooLateError,
    cancel,
    check_due_order,
    decide_update,
    record_count,
    return_goods,
    summarize,
)
from tests.support import orders as a

LINE_IDS = ("1", "2", "3")
line_reports = st.builds(
    a.about,
    st.sampled_from(LINE_IDS),
    status=st.none() | st.sampled_from([status for status in UpdateStatus if status not in ("resolving", "not_found")]),
    quantity=st.none() | st.integers(0, 60),
    remaining=st.none() | st.integers(0, 20),
    price=st.none() | st.integers(0, 2000),
)
updates = st.builds(
    a.update,
    st.sampled_from(UpdateStatus),
    lines=st.lists(line_reports, max_size=3, unique_by=lambda line: line.line_id).map(tuple),
    shipment_id=st.none() | st.sampled_from(["A", "B", "C"]),
    expected_at=st.none() | st.integers(-5, 60).map(lambda day: a.NOON + a.days(day)),
    price=st.none() | st.integers(0, 3000),
)
checks = st.integers(0, 20)
requests = st.tuples(st.sampled_from(["cancel", "count", "return"]), st.sampled_from(LINE_IDS), st.integers(0, 60))


@dataclass
class History:
    """What the events of an order said so far."""

    shipped: Counter[str] = field(default_factory=Counter)
    credited: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    due: int = 0
    refunded: int = 0
    final_captures: int = 0

    def add(self, decision):
        for event in decision.events:
            name = type(event).__name__
            for line in lines_of(event):
                if name == "OrderShipped":
                    self.shipped[line.line_id] += line.quantity
                elif name == "OrderDelivered":
                    self.credited[line.line_id] += 1
                elif name in (
                    "OrderCancelled",
                    "OrderRefused",
                    "OrderFailed",
                    "OrderLinesCancelled",
                    "OrderLinesRefused",
                ):
                    self.ended[line.line_id] += 1
        if decision.capture is not None:
            assert decision.capture.due >= self.due, "what is due never shrinks"
            self.due = decision.capture.due
            self.final_captures += decision.capture.final
        self.refunded += decision.refund


def take(order: Order, step, now):
    """Return the decision of one step, or None if it has no effect."""
    if isinstance(step, int):
        is_due = order.check_at is not None and order.check_at <= now
        return check_due_order(order, a.TIMEOUTS, now) if is_due else None
    if not isinstance(step, tuple):
        return decide_update(order, step, a.ACME, a.TIMEOUTS, now).decision
    kind, line_id, quantity = step
    request = Cancellation("customer", "", now)
    try:
        if kind == "cancel":
            return cancel(order, request, [line_id])
        if kind == "count":
            return record_count(order, quantity, now, line_id)
        return return_goods(order, quantity, request, line_id)
    except (TooLateError, NotDeliveredError, AlreadyCountedError):
        return None


@given(st.lists(updates | checks | requests, max_size=16))
def test_every_sequence_keeps_orders_lines_and_money_consistent(steps):
    order = replace(a.basket(State.PLACING, lines=3, fee=250), authorized_at=a.NOON)
    history, now, ends = History(), a.NOON, 0
    for step in steps:
        now += a.days(step if isinstance(step, int) else 0)
        decision = take(order, step, now)
        if decision is None:
            continue
        _check_transitions(order, decision)
        ends += sum(moved.to_state in CLOSED - {State.RETURNED} for moved in decision.transitions)
        order = decision.order
        history.add(decision)
        assert order.state in STATES_BY_SUMMARY[summarize(order.lines)]
        assert (order.check_at is not None) != (order.state in CLOSED), "an open order always has a next check"
        assert order.price is not None
        assert 0 <= order.refunded <= order.captured <= order.price
        assert (order.captured, order.refunded) == (history.due, history.refunded)

    assert ends == (order.state in CLOSED)
    for line in order.lines:
        assert history.credited[line.line_id] == (line.delivered_at is not None)
        assert history.ended[line.line_id] == (line.state in ("cancelled", "refused"))
        # A delivered parcel holds the quantity that was reported on arrival.
        if line.has_left and line.is_open and not any(parcel.arrived for parcel in order.shipments):
            assert history.shipped[line.line_id] == line.shipped_quantity


def _check_transitions(order, decision):
    assert all((step.from_state, step.to_state) in TRANSITIONS for step in decision.transitions)
    assert [step.number for step in decision.transitions] == list(range(order.step + 1, decision.order.step + 1))
    for before, after in zip(order.lines, decision.order.lines, strict=True):
        path = {(before.state, after.state), (before.state, "shipped"), ("shipped", after.state)}
        assert before.state is after.state or path & LINE_TRANSITIONS


@given(st.lists(st.tuples(st.sampled_from(LINE_IDS), st.integers(1, 30)), max_size=20))
def test_parts_of_every_size_sum_to_the_price(parts):
    order, price = replace(a.basket(State.PLACED, lines=3, fee=250), authorized_at=a.NOON), 998 + 350 + 387 + 250
    for number, (line_id, quantity) in enumerate(parts):
        update = a.update(
            "shipped", lines=(a.about(line_id, quantity=quantity),), shipment_id=f"p{number}", update_id=f"u{number}"
        )
        decision = decide_update(order, update, a.ACME, a.TIMEOUTS, a.NOON).decision
        order = decision.order if decision is not None else order
        assert order.captured <= price

    order = a.apply(order, a.update("shipped", update_id="last")).order
    assert order.captured == price
