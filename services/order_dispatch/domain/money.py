"""What an order's moves mean for its money; who takes it is not known here."""

from dataclasses import dataclass, replace
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


def take(turn: Turn) -> Turn:
    """Note what is taken now that the goods have left; whatever is said of them later, that much can go back.

    Goods of an order taken for fraud may leave all the same; whose money it is will not pay for them.
    """
    order = turn.order
    if order.authorized_at is None or order.is_suspect:
        return turn
    taken_for = min(order.coming, order.quantity)
    return replace(turn, order=replace(order, taken=charge(order), taken_for=taken_for))


def kept(order: Order) -> int:
    """Return what was taken and not given back."""
    return max(0, order.taken - order.given_back)


def lose(order: Order, reason: str) -> Order:
    """Note that the money could not be taken after all, so that none of it can go back."""
    return replace(order, payment_trouble=reason[:2000], taken=0, taken_for=0, given_back=0)


def worth(order: Order, quantity: int) -> int:
    """Return what goes back for so much of the goods that are there: their share of what was kept for them."""
    return kept(order) * quantity // order.there if order.there else 0


def overpaid(order: Order) -> int:
    """Return what was kept for goods that left and did not arrive."""
    if not order.taken_for:
        return 0
    paid = order.taken * min(order.there, order.taken_for) // order.taken_for
    return max(0, kept(order) - paid)


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
    if step.there is State.SHIPPED and order.taken:
        return Due(Move.CAPTURE, order.taken)
    return Due(Move.VOID) if step.there in (State.SHIPPED, *FRUITLESS) else None
