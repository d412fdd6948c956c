"""Decisions that only time triggers: reminders, deadlines, status requests, estimated deliveries."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.events import Evidence, OrderUnknown
from services.order_dispatch.domain.cancellation import end_lines, withdraw
from services.order_dispatch.domain.delivery import record_delivery, record_shipment
from services.order_dispatch.domain.lines import Cancellation, LineState, OrderLine
from services.order_dispatch.domain.order import Decision, Order, ProviderRequest, Responder
from services.order_dispatch.domain.states import State

#: `by` of OrderCancelled after an expired deadline; after a shop, the next provider is tried.
EXPIRED_BY = {Responder.SHOP: "deadline", Responder.CUSTOMER: "expired"}
DATE_REACHED = "expected delivery date reached"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Durations from the settings."""

    answer_hours: float
    #: Pause between the first two status requests; it doubles after each, up to the maximum.
    status_request_hours: float
    max_status_request_hours: float
    #: Days from order to delivery if neither provider nor order has a date.
    lead_time_days: float
    #: A reported delivery date further in the future is ignored.
    longest_promise_days: float
    #: Time after which an interrupted call has certainly ended at the provider.
    in_flight_minutes: float = 10
    #: A person is reminded once, and the order is withdrawn at the deadline.
    reminder_hours: float = 24
    deadline_hours: float = 48

    def pause_after(self, status_requests: int) -> timedelta:
        doubled = self.status_request_hours * 2.0 ** min(status_requests - 1, 32)
        return timedelta(hours=min(doubled, self.max_status_request_hours))


def check_due_order(order: Order, timeouts: Timeouts, at: datetime) -> Decision:
    if order.is_unanswered:
        return _remind_or_withdraw(order, timeouts, at)
    if order.responder is Responder.SHOP and (pending := _pending_cancellations(order)):
        return _await_cancellation(order, pending, timeouts, at)
    if order.responder is Responder.CUSTOMER and order.state is State.PLACED:  # the shop sends no updates
        quantities = {line.line_id: line.quantity for line in order.open_lines}
        because = f"implied: {DATE_REACHED}"
        shipped = record_shipment(Decision(order), quantities, at, because, tracking=order.tracking)
        return record_delivery(shipped, quantities, Evidence.ESTIMATED, at, DATE_REACHED)
    return _check_with_provider(order, timeouts, at)


def _check_with_provider(order: Order, timeouts: Timeouts, at: datetime) -> Decision:
    if order.resolve_by is not None and order.resolve_by <= at and order.state in (State.PLACING, State.UNKNOWN):
        return _cancel_unresolved(order, at)
    if order.state is State.PLACING and order.sent_at is not None:
        return _become_unknown(order, f"no answer for {timeouts.answer_hours:g} hours", timeouts, at)
    if order.state is State.UNKNOWN:
        return request_status(Decision(order), timeouts, at)
    if order.state in (State.PLACED, State.SHIPPED):
        return _check_dates(order, timeouts, at)
    # An order that was never sent ends in its provider_call task.
    return Decision(replace(order, check_at=None))


def _check_dates(order: Order, timeouts: Timeouts, at: datetime) -> Decision:
    """Deliver the lines that are due to arrive; request the status of an order with lines that should have left."""
    decision = Decision(order)
    arrived = {line.line_id for line in order.open_lines if line.is_awaited and _is_due(line, at)}
    if arrived:
        decision = record_delivery(decision, arrived, Evidence.ESTIMATED, at, DATE_REACHED)
    if any(line.is_to_leave and _is_due(line, at) for line in decision.order.lines):
        return request_status(decision, timeouts, at)
    return replace(decision, order=schedule_check(decision.order, timeouts, at))


def _is_due(line: OrderLine, at: datetime) -> bool:
    return line.expected_at is None or line.expected_at <= at


def schedule_check(order: Order, timeouts: Timeouts, at: datetime) -> Order:
    """Set the next check to the first expected date of an open line.

    If a line that has not left is late already, its next status request counts instead of its date.
    """
    overdue = [line for line in order.lines if line.is_to_leave and line.expected_at and line.expected_at <= at]
    requests = max(order.status_requests, 1) if overdue else 0
    dates = [line.expected_at for line in order.open_lines if line.expected_at and line not in overdue]
    if overdue:
        dates.append(at + timeouts.pause_after(requests))
    return replace(order, status_requests=requests, check_at=min(dates, default=None))


def mark_unknown(order: Order, reason: str, timeouts: Timeouts, at: datetime) -> Decision:
    """Record that a submission has no known outcome; the status is requested and the order is not sent again."""
    until = at + timedelta(minutes=timeouts.in_flight_minutes)
    return _become_unknown(replace(order, sent_at=at, in_flight_until=until), reason, timeouts, at)


def _become_unknown(order: Order, reason: str, timeouts: Timeouts, at: datetime) -> Decision:
    decision = Decision(order).move_to(State.UNKNOWN, at, reason)
    return request_status(decision.publish(OrderUnknown(**order.fields(at), reason=reason)), timeouts, at)


def request_status(decision: Decision, timeouts: Timeouts, at: datetime) -> Decision:
    """Request the status from the provider and schedule the next check.

    That is at the latest at the resolution deadline or the next expected arrival.
    """
    requests = decision.order.status_requests + 1
    next_at = at + timeouts.pause_after(requests)
    arrivals = [line.expected_at for line in decision.order.lines if line.is_awaited and not _is_due(line, at)]
    check_at = min(next_at, decision.order.resolve_by or next_at, *(date for date in arrivals if date))
    return decision.change(status_requests=requests, check_at=check_at).request(ProviderRequest.STATUS)


def _cancel_unresolved(order: Order, at: datetime) -> Decision:
    """Cancel an order whose problem was not resolved in time; the provider should do so too and is sent a request."""
    requested = order.cancellation or Cancellation("resolution", "the problem was not resolved in time", at)
    cancellation = replace(requested, occurred_at=at)
    decision = Decision(replace(order, cancellation=requested))
    ended = end_lines(decision, order.open_lines, LineState.CANCELLED, cancellation, "problem not resolved in time")
    return ended.request(ProviderRequest.CANCEL)


def extend_deadline(order: Order, timeouts: Timeouts, at: datetime) -> Decision:
    answer_by = at + timedelta(hours=timeouts.deadline_hours)
    remind_at = at + timedelta(hours=min(timeouts.reminder_hours, timeouts.deadline_hours))
    return Decision(replace(order, answer_by=answer_by, check_at=remind_at) if order.is_unanswered else order)


def _remind_or_withdraw(order: Order, timeouts: Timeouts, at: datetime) -> Decision:
    """Remind once; withdraw after the deadline, so that a late acceptance has no effect."""
    if order.answer_by is not None and at < order.answer_by:
        reminded = Decision(replace(order, status_requests=order.status_requests + 1, check_at=order.answer_by))
        return reminded if order.status_requests else reminded.request(ProviderRequest.STATUS)
    responder = order.responder or Responder.SHOP
    reason = f"the {responder} did not answer within {timeouts.deadline_hours:g} hours"
    return withdraw(order, Cancellation(EXPIRED_BY[responder], reason, at))


def _pending_cancellations(order: Order) -> dict[str, Cancellation]:
    """Return the requests that the provider has not confirmed, by the ids of the lines that have not left."""
    waiting = (
        [line for line in order.lines if line.state is LineState.ORDERED] if order.state is not State.PLACING else []
    )
    requests = {line.line_id: line.cancellation or order.cancellation for line in waiting}
    return {line_id: request for line_id, request in requests.items() if request is not None}


def _await_cancellation(order: Order, pending: dict[str, Cancellation], timeouts: Timeouts, at: datetime) -> Decision:
    """Withdraw the lines whose cancellation the shop ignores until the deadline; it can no longer ship them."""
    deadline = timedelta(hours=timeouts.deadline_hours)
    late = [
        line for line in order.lines if line.line_id in pending and pending[line.line_id].occurred_at + deadline <= at
    ]
    if late:
        decision = withdraw(order, pending[late[0].line_id], late)
        return replace(decision, order=schedule_check(decision.order, timeouts, at))
    return Decision(replace(order, check_at=min(request.occurred_at for request in pending.values()) + deadline))
