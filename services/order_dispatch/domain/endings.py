"""How an order ends without goods from our side: cancelled in time, withdrawn, failed."""

from dataclasses import replace
from datetime import datetime

from replenish_contracts.events import Fault, OrderCancelled, OrderFailed
from services.order_dispatch.domain.orders import Ask, Cancellation, Keeper, Order, Turn
from services.order_dispatch.domain.states import CLOSED, INSIDE, State


class TooLateError(Exception):
    """The goods have left, the order has ended in another way, or its time is over; `state` says where it stands."""

    def __init__(self, state: State, why: str | None = None) -> None:
        super().__init__(why or f"the order is already {state}")
        self.state = state


def ask_to_cancel(order: Order, wish: Cancellation) -> Turn:
    """Cancel what nobody outside knows of; ask the provider about the rest, once.

    Raises TooLateError when the goods have left or the order ended otherwise.
    """
    if order.state is State.CANCELLED:
        return Turn(order)
    if order.state in INSIDE or order.is_unanswered or _is_their_own(order, wish):
        return withdraw(order, wish)
    if order.state is State.SHIPPED or order.state in CLOSED:
        raise TooLateError(order.state)
    return Turn(order) if order.cancellation is not None else ask_back(order, wish)


def ask_back(order: Order, wish: Cancellation) -> Turn:
    """Ask for an order back that was placed, or may have been; a shop kept here has a deadline for its answer."""
    look_at = wish.occurred_at if order.keeper is Keeper.SHOP else order.look_at
    return Turn(replace(order, cancellation=wish, look_at=look_at)).ask(Ask.CANCEL)


def _is_their_own(order: Order, wish: Cancellation) -> bool:
    """Tell whether those cancel who ordered at the shop themselves: nobody else is to be asked."""
    return order.keeper is Keeper.CUSTOMER and order.state is State.PLACED and wish.by == Keeper.CUSTOMER


def withdraw(order: Order, wish: Cancellation) -> Turn:
    """Cancel an order that no provider was asked for, or that nobody has taken yet."""
    turn = Turn(replace(order, cancellation=wish, look_at=None)).then(
        State.CANCELLED, wish.occurred_at, f"cancelled: {wish.by}"
    )
    return turn.say(OrderCancelled(**order.fact(wish.occurred_at), by=wish.by, reason=wish.reason))


def fail(order: Order, reason: str, at: datetime, fault: Fault = Fault.PROVIDER) -> Turn:
    """End an order that cannot be carried out."""
    turn = Turn(replace(order, look_at=None)).then(State.FAILED, at, reason)
    return turn.say(OrderFailed(**order.fact(at), reason=reason, fault=fault))
