"""Ends of an order that start on our side: cancelled, withdrawn or failed."""

from dataclasses import replace
from datetime import datetime

from replenish_contracts.events import Fault, OrderCancelled, OrderFailed
from services.order_dispatch.domain.order import Cancellation, Decision, Order, ProviderRequest, Responder
from services.order_dispatch.domain.states import CLOSED, NOT_SUBMITTED, State


class TooLateError(Exception):
    """The order can no longer be cancelled or changed."""

    def __init__(self, state: State, message: str | None = None) -> None:
        super().__init__(message or f"the order is already {state}")
        self.state = state


def cancel(order: Order, cancellation: Cancellation) -> Decision:
    """Cancel an order at once if the provider cannot have it, otherwise send the provider one cancel request.

    Idempotent. Raises TooLateError if the goods have left or the order is closed in another state.
    """
    if order.state is State.CANCELLED:
        return Decision(order)
    # A customer who ordered at the shop cancels there, so no request is needed.
    is_own_purchase = (
        order.responder is Responder.CUSTOMER and order.state is State.PLACED and cancellation.by == Responder.CUSTOMER
    )
    if order.state in NOT_SUBMITTED or order.is_unanswered or is_own_purchase:
        return withdraw(order, cancellation)
    if order.state is State.SHIPPED or order.state in CLOSED:
        raise TooLateError(order.state)
    return Decision(order) if order.cancellation is not None else request_cancellation(order, cancellation)


def request_cancellation(order: Order, cancellation: Cancellation) -> Decision:
    """Send a cancel request to the provider; for a hosted shop, the next check sets the deadline of its answer."""
    check_at = cancellation.occurred_at if order.responder is Responder.SHOP else order.check_at
    return Decision(replace(order, cancellation=cancellation, check_at=check_at)).request(ProviderRequest.CANCEL)


def withdraw(order: Order, cancellation: Cancellation) -> Decision:
    decision = Decision(replace(order, cancellation=cancellation, check_at=None)).move_to(
        State.CANCELLED, cancellation.occurred_at, f"cancelled: {cancellation.by}"
    )
    return decision.publish(
        OrderCancelled(**order.fields(cancellation.occurred_at), by=cancellation.by, reason=cancellation.reason)
    )


def fail(order: Order, reason: str, at: datetime, fault: Fault = Fault.PROVIDER) -> Decision:
    decision = Decision(replace(order, check_at=None)).move_to(State.FAILED, at, reason)
    return decision.publish(OrderFailed(**order.fields(at), reason=reason, fault=fault))
