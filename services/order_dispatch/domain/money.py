"""What an order's moves mean for its money; who takes it is not known here."""

from dataclasses import dataclass
from enum import StrEnum

from services.order_dispatch.domain.orders import Order, Step, Turn
from services.order_dispatch.domain.states import FRUITLESS, State


class Move(StrEnum):
    """What is to happen to an order's money."""

    BEGIN = "begin"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Due:
    """One movement of an order's money; the amount is in minor units of its currency."""

    move: Move
    amount: int = 0


def charge(order: Order) -> int:
    """Return what the goods that left cost: their share of the price, or of the provider's if that is lower."""
    price = order.price or 0
    if order.billed is not None and order.billed_currency == order.currency:
        price = min(price, order.billed)
    return price * min(order.coming, order.quantity) // order.quantity if order.quantity else 0


def worth(order: Order, quantity: int) -> int:
    """Return what goes back for so much of the goods that came: their share, and never more than is left."""
    if order.authorized_at is None or not order.coming:
        return 0
    return min(charge(order) * quantity // order.coming, charge(order) - order.given_back)


def dues(turn: Turn) -> tuple[Due, ...]:
    """Return what a decision means for the money of the order."""
    due = [found for step in turn.steps if (found := _due(turn.order, step)) is not None]
    if turn.refund:
        due.append(Due(Move.REFUND, turn.refund))
    return tuple(due)


def _due(order: Order, step: Step) -> Due | None:
    if step.there is State.AUTHORIZING:
        return Due(Move.BEGIN)
    if order.authorized_at is None and step.here is not State.AUTHORIZING:
        return None
    if step.there is State.SHIPPED and not order.is_suspect and charge(order):
        return Due(Move.CAPTURE, charge(order))
    # Goods of an order taken for fraud may leave all the same; whose money it is will not pay for them.
    return Due(Move.VOID) if step.there in (State.SHIPPED, *FRUITLESS) else None
