"""Changes that people make to an order: packs before submission, fraud, the received count, returns."""

from dataclasses import replace
from datetime import datetime, timedelta

from replenish_contracts.events import Evidence, FraudCleared, FraudFlagged, OrderModified, OrderReturned
from replenish_contracts.units import MOST_STEPS
from services.order_dispatch.domain.cancellation import TooLateError, request_cancellation, withdraw
from services.order_dispatch.domain.delivery import claims, record_delivery
from services.order_dispatch.domain.lines import ARRIVED, Cancellation, LineState, OrderLine
from services.order_dispatch.domain.money import overpayment, refund_all, refund_for, refund_line
from services.order_dispatch.domain.order import Decision, Order
from services.order_dispatch.domain.states import NOT_SUBMITTED, SUBMITTED, State


class ExcessQuantityError(Exception):
    """The quantity or the price exceeds MOST_STEPS."""


class AlreadyCountedError(Exception):
    """The customer has already counted the goods and claimed the difference."""


class NotDeliveredError(Exception):
    """The quantity exceeds what was shipped or received; `left` is the largest possible one, in base steps."""

    def __init__(self, message: str, left: int) -> None:
        super().__init__(message)
        self.left = left


def modify(order: Order, packs: int, window_hours: float | None, at: datetime, line_id: str | None = None) -> Decision:
    """Change the number of packs of a line of a drafted order.

    `window_hours` counts from the draft. Raises TooLateError, NoSuchLineError or ExcessQuantityError.
    """
    line = order.find_line(line_id)
    if order.state is not State.DRAFTED:
        raise TooLateError(order.state)
    if not line.is_open:
        raise TooLateError(line.state, f"line {line.line_id} is already {line.state}")
    closes_at = None if window_hours is None else order.drafted_at + timedelta(hours=window_hours)
    if closes_at is not None and closes_at <= at:
        raise TooLateError(order.state, f"changes were possible until {closes_at:%Y-%m-%d %H:%M} UTC")
    if packs == line.packs:
        return Decision(order)
    changed = replace(line, packs=packs, quantity=packs * line.pack_size)
    price = None if order.price is None else order.price - (line.price or 0) + (changed.price or 0)
    if max(changed.quantity, price or 0) > MOST_STEPS:
        raise ExcessQuantityError
    order = replace(order.with_lines([changed]), price=price)
    modified = OrderModified(
        **order.agreed_fields(at, order.open_lines), price=price, currency=order.currency, fee=order.fee or None
    )
    return Decision(order).publish(modified)


def flag_fraud(order: Order, reason: str, at: datetime) -> Decision:
    """Flag an order as fraud: cancel it if possible, refund it if not; later orders of its pools fail until cleared."""
    if order.is_flagged:
        return Decision(order)
    decision = Decision(replace(order, fraud_at=at, fraud_cleared_at=None))
    flagged = FraudFlagged(**order.fields(at), reason=reason)
    cancellation = Cancellation("fraud", reason, at)
    if order.state in NOT_SUBMITTED or order.is_unanswered:
        withdrawn = withdraw(decision.order, cancellation)
        return replace(withdrawn, events=(flagged, *withdrawn.events))
    if not order.has_all_left and order.cancellation is None and order.state in (*SUBMITTED, State.SHIPPED):
        decision = request_cancellation(decision.order, cancellation)
    if order.state in (State.SHIPPED, State.DELIVERED, State.RETURNED):
        decision = refund_all(decision)
    return decision.publish(flagged)


def clear_fraud(order: Order, at: datetime) -> Decision:
    if not order.is_flagged:
        return Decision(order)
    return Decision(replace(order, fraud_cleared_at=at)).publish(FraudCleared(**order.fields(at)))


def record_count(order: Order, quantity: int, at: datetime, line_id: str | None = None) -> Decision:
    """Record the quantity of a line that the customer counted; a line in transit is delivered with it.

    Less than ordered raises a claim and refunds the difference. Raises AlreadyCountedError for a second, different
    count, NotDeliveredError if nothing was shipped, a part is to be shipped later or more was counted than shipped,
    and NoSuchLineError.
    """
    line = order.find_line(line_id)
    if line.state is not LineState.SHIPPED and line.state not in ARRIVED:
        raise NotDeliveredError(f"{order.subject(line)} is {_state_of(order, line)}", 0)
    if line.remaining_quantity:
        rest = line.show(line.remaining_quantity)
        raise NotDeliveredError(f"{rest} of it is still to be shipped; count the goods when all have arrived", 0)
    shipped = line.shipped_or_ordered_quantity
    if quantity > shipped:
        raise NotDeliveredError(f"only {line.show(shipped)} was shipped", shipped)
    line = replace(line, is_unclear=False)
    counted = replace(line, counted_quantity=quantity) if quantity < shipped else line
    if line.state is LineState.SHIPPED:
        arrived = order.with_lines([replace(counted, shipped_quantity=quantity)])
        return record_delivery(Decision(arrived), {line.line_id}, Evidence.REPORTED, at, "counted by the customer")
    if quantity == line.received_quantity:
        return Decision(order.with_lines([line]))
    if line.counted_quantity is not None:
        raise AlreadyCountedError
    if quantity >= line.quantity:  # fewer than shipped, but all that was ordered
        return Decision(order.with_lines([counted]))
    counted = counted.move_to(LineState.SHORT)
    decision = Decision(order.with_lines([counted])).publish(*claims(order, [counted], at))
    return refund_line(decision, line.line_id, overpayment(counted))


def return_goods(order: Order, quantity: int, cancellation: Cancellation, line_id: str | None = None) -> Decision:
    """Return delivered goods, once per line; raises NotDeliveredError or NoSuchLineError."""
    line = order.find_line(line_id)
    if line.state not in ARRIVED:
        raise NotDeliveredError(f"{order.subject(line)} is {_state_of(order, line)}", 0)
    if not 0 < quantity <= line.received_quantity:
        raise NotDeliveredError(f"only {line.show(line.received_quantity)} was received", line.received_quantity)
    at = cancellation.occurred_at
    changed = replace(line.move_to(LineState.RETURNED), returned_quantity=quantity)
    decision = Decision(order.with_lines([changed])).follow_lines(at, f"returned: {cancellation.by}")
    returned = OrderReturned(
        **order.fields(at, [line.as_event_line(quantity)]),
        device_id=line.device_id,
        slot=line.slot,
        quantity=quantity,
        reason=cancellation.reason,
        by=cancellation.by,
    )
    return refund_line(decision.publish(returned), line.line_id, refund_for(line, quantity))


def _state_of(order: Order, line: OrderLine) -> str:
    return order.state if len(order.lines) == 1 else line.state
