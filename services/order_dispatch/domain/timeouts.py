"""Decisions that only time triggers: reminders, deadlines, status requests, estimated deliveries."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.events import Evidence, OrderCancelled, OrderUnknown
from services.order_dispatch.domain.cancellation import withdraw
from services.order_dispatch.domain.delivery import record_delivery, record_shipment
from services.order_dispatch.domain.order import Cancellation, Decision, Order, ProviderRequest, Responder
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
    if order.responder is Responder.SHOP and order.state is State.PLACED and order.cancellation is not None:
        return _await_cancellation(order, order.cancellation, timeouts, at)
    if order.responder is Responder.CUSTOMER and order.state is State.PLACED:  # the shop sends no updates
        shipped = Decision(order).move_to(State.SHIPPED, at, f"implied: {DATE_REACHED}")
        return record_delivery(record_shipment(shipped, at), Evidence.ESTIMATED, at, DATE_REACHED)
    return _check_with_provider(order, timeouts, at)


def _check_with_provider(order: Order, timeouts: Timeouts, at: datetime) -> Decision:
    if order.resolve_by is not None and order.resolve_by <= at and order.state in (State.PLACING, State.UNKNOWN):
        return _cancel_unresolved(order, at)
    if order.state is State.SHIPPED:
        return record_delivery(Decision(order), Evidence.ESTIMATED, at, DATE_REACHED)
    if order.state is State.PLACING and order.sent_at is not None:
        return _become_unknown(order, f"no answer for {timeouts.answer_hours:g} hours", timeouts, at)
    if order.state in (State.UNKNOWN, State.PLACED):
        return request_status(Decision(order), timeouts, at)
    # An order that was never sent ends in its provider_call task.
    return Decision(replace(order, check_at=None))


def mark_unknown(order: Order, reason: str, timeouts: Timeouts, at: datetime) -> Decision:
    """Record that a submission has no known outcome; the status is requested and the order is not sent again."""
    until = at + timedelta(minutes=timeouts.in_flight_minutes)
    return _become_unknown(replace(order, sent_at=at, in_flight_until=until), reason, timeouts, at)


def _become_unknown(order: Order, reason: str, timeouts: Timeouts, at: datetime) -> Decision:
    decision = Decision(order).move_to(State.UNKNOWN, at, reason)
    return request_status(decision.publish(OrderUnknown(**order.fields(at), reason=reason)), timeouts, at)


def request_status(decision: Decision, timeouts: Timeouts, at: datetime) -> Decision:
    """Request the status from the provider and schedule the next check, at the resolution deadline at the latest."""
    requests = decision.order.status_requests + 1
    next_at = at + timeouts.pause_after(requests)
    order = replace(
        decision.order, status_requests=requests, check_at=min(next_at, decision.order.resolve_by or next_at)
    )
    return replace(decision, order=order).request(ProviderRequest.STATUS)


def _cancel_unresolved(order: Order, at: datetime) -> Decision:
    """Cancel an order whose problem was not resolved in time; the provider should do so too and is sent a request."""
    cancellation = order.cancellation or Cancellation("resolution", "the problem was not resolved in time", at)
    decision = Decision(replace(order, cancellation=cancellation, check_at=None)).move_to(
        State.CANCELLED, at, "problem not resolved in time"
    )
    cancelled = OrderCancelled(**order.fields(at), by=cancellation.by, reason=cancellation.reason)
    return decision.publish(cancelled).request(ProviderRequest.CANCEL)


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


def _await_cancellation(order: Order, cancellation: Cancellation, timeouts: Timeouts, at: datetime) -> Decision:
    """Withdraw an order if the shop ignores a cancellation request; it can no longer ship it."""
    until = cancellation.occurred_at + timedelta(hours=timeouts.deadline_hours)
    return withdraw(order, cancellation) if until <= at else Decision(replace(order, check_at=until))
