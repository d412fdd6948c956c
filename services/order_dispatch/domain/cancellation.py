"""Ends of an order or of lines that start on our side: cancelled, withdrawn or failed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    Evidence,
    Fault,
    OrderCancelled,
    OrderFailed,
    OrderLinesCancelled,
    OrderLinesRefused,
    OrderRefused,
)
from services.order_dispatch.domain.delivery import record_delivery
from services.order_dispatch.domain.lines import Cancellation, LineState, OrderLine
from services.order_dispatch.domain.money import capture_shipments, refund_fee
from services.order_dispatch.domain.order import Decision, Order, ProviderRequest, Responder
from services.order_dispatch.domain.states import NOT_SUBMITTED, WITHOUT_GOODS, State


class TooLateError(Exception):
    """The order or line can no longer be cancelled or changed."""

    def __init__(self, state: State | LineState, message: str | None = None) -> None:
        super().__init__(message or f"the order is already {state}")
        self.state = state


class LineNotCancellableError(Exception):
    """The provider's protocol cannot cancel single lines."""


def cancel(
    order: Order, cancellation: Cancellation, line_ids: Sequence[str] = (), *, cancels_lines: bool = True
) -> Decision:
    """Cancel lines, by default all that have not left.

    They end at once if the provider cannot have the order, otherwise by one request to the provider. Idempotent.
    `cancels_lines` is false if the provider's protocol cannot express the cancellation of single lines.
    Raises TooLateError if the goods have left or the order is closed in another state, NoSuchLineError, or
    LineNotCancellableError.
    """
    chosen = [order.find_line(line_id) for line_id in dict.fromkeys(line_ids)] or order.open_lines
    is_whole = not line_ids or order.state is State.FAILED
    are_cancelled = all(line.state is LineState.CANCELLED for line in chosen)
    if order.state is State.CANCELLED if is_whole else are_cancelled:
        return Decision(order)
    to_cancel = [line for line in chosen if line.state is LineState.ORDERED]
    if not to_cancel:
        raise TooLateError(order.state if is_whole else chosen[0].state, _too_late_message(order, line_ids))
    # A customer who ordered at the shop cancels there, so no request is needed.
    is_own_purchase = (
        order.responder is Responder.CUSTOMER and order.state is State.PLACED and cancellation.by == Responder.CUSTOMER
    )
    if order.state in NOT_SUBMITTED or order.is_unanswered or is_own_purchase:
        return withdraw(order, cancellation, to_cancel)
    if len(to_cancel) == len(order.open_lines) and not order.has_left:
        return Decision(order) if order.cancellation is not None else request_cancellation(order, cancellation)
    if order.cancellation is not None or all(line.cancellation is not None for line in to_cancel):
        return Decision(order)
    if not cancels_lines:
        raise LineNotCancellableError(f"{order.provider_id} cannot cancel single lines of an order")
    return request_line_cancellation(order, cancellation, to_cancel)


def _too_late_message(order: Order, line_ids: Sequence[str]) -> str | None:
    if not line_ids or len(order.lines) == 1 or order.state is State.FAILED:
        return None
    return "; ".join(f"line {line_id} is already {order.find_line(line_id).state}" for line_id in line_ids)


def request_cancellation(order: Order, cancellation: Cancellation) -> Decision:
    """Send a cancel request to the provider; for a hosted shop, the next check sets the deadline of its answer."""
    check_at = _next_check(order, cancellation)
    return Decision(replace(order, cancellation=cancellation, check_at=check_at)).request(ProviderRequest.CANCEL)


def _next_check(order: Order, cancellation: Cancellation) -> datetime | None:
    return cancellation.occurred_at if order.responder is Responder.SHOP else order.check_at


def request_line_cancellation(order: Order, cancellation: Cancellation, lines: Sequence[OrderLine]) -> Decision:
    """Send a request to cancel some lines, and what was requested before and is not confirmed."""
    check_at = _next_check(order, cancellation)
    changed = [replace(line, cancellation=line.cancellation or cancellation) for line in lines]
    return Decision(replace(order.with_lines(changed), check_at=check_at)).request(ProviderRequest.CANCEL)


def withdraw(order: Order, cancellation: Cancellation, lines: Sequence[OrderLine] = ()) -> Decision:
    """Cancel lines, by default all open ones, without an answer of the provider."""
    ended = lines or order.open_lines
    if len(ended) == len(order.open_lines) and not order.has_left:
        order = replace(order, cancellation=cancellation)
    because = f"cancelled: {cancellation.by}"
    return end_lines(Decision(order), ended, LineState.CANCELLED, cancellation, because)


def end_lines(
    decision: Decision, ended: Sequence[OrderLine], to_state: LineState, end: Cancellation, because: str
) -> Decision:
    """Close lines without goods, `to_state` being cancelled or refused, and the order if none of its lines is open.

    Of a line that left in part, only the rest ends; the line is short as soon as its parcels have arrived.
    """
    at = end.occurred_at
    closed = [replace(line.move_to(to_state), cancellation=None) for line in ended if not line.has_left]
    rests = [replace(line, remaining_quantity=0, cancellation=None) for line in ended if line.has_left]
    decision = decision.change_lines([*closed, *rests]).follow_lines(at, because)
    order = decision.order
    if order.state in (State.DRAFTED, State.RESERVING) and order.price is not None:
        decision = decision.change(price=order.current_price)  # nothing is authorized yet
    if closed:
        decision = decision.publish(_end_event(decision.order, closed, to_state, end))
    if decision.order.state in WITHOUT_GOODS:
        return decision
    decision = capture_shipments(decision)
    # All parcels of a line may have arrived before its rest was cancelled.
    arrived = {line.line_id for line in rests if line.arrived_quantity >= line.shipped_or_ordered_quantity}
    if arrived:
        decision = record_delivery(decision, arrived, Evidence.REPORTED, at, because)
    return refund_fee(decision)


def _end_event(order: Order, closed: Sequence[OrderLine], to_state: LineState, end: Cancellation) -> Event:
    """Return the event of the order if it ended with these lines, otherwise that of the lines."""
    fields = order.fields(end.occurred_at, [line.as_event_line() for line in closed])
    if to_state is LineState.REFUSED:
        if order.state is State.REFUSED:
            return OrderRefused(**fields, reason=end.reason)
        return OrderLinesRefused(**fields, reason=end.reason, complete=order.is_complete)
    if order.state is State.CANCELLED:
        return OrderCancelled(**fields, by=end.by, reason=end.reason)
    return OrderLinesCancelled(**fields, by=end.by, reason=end.reason, complete=order.is_complete)


def fail(
    order: Order, reason: str, at: datetime, fault: Fault = Fault.PROVIDER, *, because: str | None = None
) -> Decision:
    """Fail an order of which nothing left; `because` is the cause in its history if it differs from the reason.

    Lines whose cancellation is requested are cancelled; if that ends the order, it is cancelled too.
    """
    decision = Decision(order)
    if cancelled := [line for line in order.open_lines if line.cancellation is not None]:
        requested = next(line.cancellation for line in cancelled if line.cancellation is not None)
        end = replace(requested, occurred_at=at)
        decision = end_lines(decision, cancelled, LineState.CANCELLED, end, because or reason)
        if decision.order.state in WITHOUT_GOODS:
            return decision
    order, ended = decision.order, decision.order.open_lines
    closed = [replace(line.move_to(LineState.CANCELLED), cancellation=None) for line in ended]
    decision = decision.change_lines(closed).change(check_at=None).move_to(State.FAILED, at, because or reason)
    fields = order.fields(at, [line.as_event_line() for line in ended])
    return decision.publish(OrderFailed(**fields, reason=reason, fault=fault))
