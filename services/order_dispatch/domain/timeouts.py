"""What time alone does to an order: reminders, deadlines, status requests, estimated deliveries."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.events import Evidence, OrderCancelled, OrderUnknown
from services.order_dispatch.domain.cancellation import withdraw
from services.order_dispatch.domain.delivery import record_delivery, record_shipment
from services.order_dispatch.domain.order import Cancellation, Decision, Order, ProviderRequest, Responder
from services.order_dispatch.domain.states import State


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long is waited for what."""

    answer_hours: float
    #: The first pause between two questions about the same order; it doubles from there.
    status_request_hours: float
    max_status_request_hours: float
    #: Days from order to door where neither the order nor the provider names a date.
    lead_time_days: float
    #: A date further away than this is no promise.
    longest_promise_days: float
    #: A call whose end nobody saw may still be at work for so long.
    in_flight_minutes: float = 10
    #: A person who was asked is reminded once, and loses the order after the second time.
    reminder_hours: float = 24
    deadline_hours: float = 48

    def pause_after(self, asks: int) -> timedelta:
        """Return the pause after the given number of questions."""
        doubled = self.status_request_hours * 2.0 ** min(asks - 1, 32)
        return timedelta(hours=min(doubled, self.max_status_request_hours))


def _check_with_provider(order: Order, timeouts: Timeouts, at: datetime) -> Decision:
    """Decide what becomes of an order nothing was heard about until its `check_at`."""
    if order.resolve_by is not None and order.resolve_by <= at and order.state in (State.PLACING, State.UNKNOWN):
        return _cancel_unresolved(order, at)
    if order.state is State.SHIPPED:
        return record_delivery(Decision(order), Evidence.ESTIMATED, at, because="its expected date came")
    if order.state is State.PLACING and order.sent_at is None:  # nothing was sent: whoever tries to may stop now
        return Decision(replace(order, check_at=None))
    if order.state is State.PLACING:
        reason = f"no answer for {timeouts.answer_hours:g} hours"
        decision = (
            Decision(order).move_to(State.UNKNOWN, at, reason).publish(OrderUnknown(**order.fields(at), reason=reason))
        )
        return request_status(decision, timeouts, at)
    if order.state in (State.UNKNOWN, State.PLACED):
        return request_status(Decision(order), timeouts, at)
    return Decision(replace(order, check_at=None))


def request_status(decision: Decision, timeouts: Timeouts, at: datetime) -> Decision:
    asks = decision.order.status_requests + 1
    again = at + timeouts.pause_after(asks)
    asked = replace(decision.order, status_requests=asks, check_at=min(again, decision.order.resolve_by or again))
    return replace(decision, order=asked).request(ProviderRequest.STATUS)


def mark_unknown(order: Order, reason: str, timeouts: Timeouts, at: datetime) -> Decision:
    """Note that nobody knows whether the provider got an order it was called for, and ask; never send it again."""
    until = at + timedelta(minutes=timeouts.in_flight_minutes)
    decision = Decision(replace(order, sent_at=at, in_flight_until=until)).move_to(State.UNKNOWN, at, reason)
    return request_status(decision.publish(OrderUnknown(**order.fields(at), reason=reason)), timeouts, at)


def _cancel_unresolved(order: Order, at: datetime) -> Decision:
    """Cancel an order whose problem was not settled in time, as the provider does; it is told, to be sure."""
    wish = order.cancellation or Cancellation("resolution", "the problem was not settled in time", at)
    decision = Decision(replace(order, cancellation=wish, check_at=None)).move_to(
        State.CANCELLED, at, "not settled in time"
    )
    return decision.publish(OrderCancelled(**order.fields(at), by=wish.by, reason=wish.reason)).request(
        ProviderRequest.CANCEL
    )


#: `by` of OrderCancelled after an expired deadline; after a shop, the next provider is tried.
EXPIRED_BY = {Responder.SHOP: "deadline", Responder.CUSTOMER: "expired"}


def check_due_order(order: Order, timeouts: Timeouts, at: datetime) -> Decision:
    """Decide the next step of an order without an update until its `check_at`."""
    if order.is_unanswered:
        return _remind_or_withdraw(order, timeouts, at)
    if order.responder is Responder.SHOP and order.state is State.PLACED and order.cancellation is not None:
        return _await_cancellation(order, order.cancellation, timeouts, at)
    if order.responder is Responder.CUSTOMER and order.state is State.PLACED:
        return _estimate_delivery(order, at, because="its expected date came")
    return _check_with_provider(order, timeouts, at)


def extend_deadline(order: Order, timeouts: Timeouts, at: datetime) -> Decision:
    """Restart the deadline and its reminder; no change once the order was accepted."""
    later = at + timedelta(hours=timeouts.deadline_hours)
    again = at + timedelta(hours=min(timeouts.reminder_hours, timeouts.deadline_hours))
    return Decision(replace(order, answer_by=later, check_at=again)) if order.is_unanswered else Decision(order)


def _remind_or_withdraw(order: Order, timeouts: Timeouts, at: datetime) -> Decision:
    """Remind once; withdraw after the deadline, so that a late acceptance has no effect."""
    if order.answer_by is not None and at < order.answer_by:
        reminded = Decision(replace(order, status_requests=order.status_requests + 1, check_at=order.answer_by))
        return reminded if order.status_requests else reminded.request(ProviderRequest.STATUS)
    responder = order.responder or Responder.SHOP
    reason = f"the {responder} did not answer in {timeouts.deadline_hours:g} hours"
    return withdraw(order, Cancellation(EXPIRED_BY[responder], reason, at))


def _await_cancellation(order: Order, wish: Cancellation, timeouts: Timeouts, at: datetime) -> Decision:
    """Withdraw an order if the shop ignores a cancellation request; it can no longer ship it."""
    until = wish.occurred_at + timedelta(hours=timeouts.deadline_hours)
    return withdraw(order, wish) if until <= at else Decision(replace(order, check_at=until))


def _estimate_delivery(order: Order, at: datetime, because: str) -> Decision:
    """Mark a placed order as shipped and delivered, because its provider sends no updates."""
    decision = Decision(order).move_to(State.SHIPPED, at, f"implied: {because}")
    return record_delivery(record_shipment(decision, at), Evidence.ESTIMATED, at, because)
