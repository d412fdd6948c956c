"""How an order ends without goods on our side: cancelled, withdrawn or failed."""

from dataclasses import replace
from datetime import datetime

from replenish_contracts.events import Fault, OrderCancelled, OrderFailed
from services.order_dispatch.domain.order import Cancellation, Decision, Order, ProviderRequest, Responder
from services.order_dispatch.domain.states import CLOSED, NOT_SUBMITTED, State


class TooLateError(Exception):
    """The goods have left, the order has ended in another way, or its time is over; `state` says where it stands."""

    def __init__(self, state: State, why: str | None = None) -> None:
        super().__init__(why or f"the order is already {state}")
        self.state = state


def cancel(order: Order, wish: Cancellation) -> Decision:
    """Cancel what nobody outside knows of; ask the provider about the rest, once.

    Raises TooLateError when the goods have left or the order ended otherwise.
    """
    if order.state is State.CANCELLED:
        return Decision(order)
    if order.state in NOT_SUBMITTED or order.is_unanswered or _is_own_purchase(order, wish):
        return withdraw(order, wish)
    if order.state is State.SHIPPED or order.state in CLOSED:
        raise TooLateError(order.state)
    return Decision(order) if order.cancellation is not None else request_cancellation(order, wish)


def request_cancellation(order: Order, wish: Cancellation) -> Decision:
    """ProviderRequest for an order back that was placed, or may have been; a shop kept here has a deadline for its answer."""
    check_at = wish.occurred_at if order.responder is Responder.SHOP else order.check_at
    return Decision(replace(order, cancellation=wish, check_at=check_at)).request(ProviderRequest.CANCEL)


def _is_own_purchase(order: Order, wish: Cancellation) -> bool:
    """Tell whether those cancel who ordered at the shop themselves: nobody else is to be asked."""
    return order.responder is Responder.CUSTOMER and order.state is State.PLACED and wish.by == Responder.CUSTOMER


def withdraw(order: Order, wish: Cancellation) -> Decision:
    """Cancel an order that no provider was asked for, or that nobody has taken yet."""
    decision = Decision(replace(order, cancellation=wish, check_at=None)).move_to(
        State.CANCELLED, wish.occurred_at, f"cancelled: {wish.by}"
    )
    return decision.publish(OrderCancelled(**order.fields(wish.occurred_at), by=wish.by, reason=wish.reason))


def fail(order: Order, reason: str, at: datetime, fault: Fault = Fault.PROVIDER) -> Decision:
    """End an order that cannot be carried out."""
    decision = Decision(replace(order, check_at=None)).move_to(State.FAILED, at, reason)
    return decision.publish(OrderFailed(**order.fields(at), reason=reason, fault=fault))
