"""What people may still do to an order: change it before it is sent, call it fraud, count what came, send it back."""

from dataclasses import replace
from datetime import datetime, timedelta

from replenish_contracts.events import ClaimRaised, Evidence, FraudCleared, FraudFlagged, OrderModified, OrderReturned
from replenish_contracts.units import MOST_STEPS
from services.order_dispatch.domain.endings import TooLateError, ask_back, withdraw
from services.order_dispatch.domain.money import kept, overpaid, worth
from services.order_dispatch.domain.orders import Cancellation, Order, Turn
from services.order_dispatch.domain.states import INSIDE, OUTSIDE, State
from services.order_dispatch.domain.watch import deliver


class ExcessQuantityError(Exception):
    """So much, or for so much money, is not ordered."""


class AlreadyCountedError(Exception):
    """The customer has counted already, and claimed what was missing."""


class NotDeliveredError(Exception):
    """Goods cannot go back that never came, or went back already; `left` is how much could."""

    def __init__(self, why: str, left: int) -> None:
        super().__init__(why)
        self.left = left


def modify(order: Order, packs: int, window_hours: float | None, at: datetime) -> Turn:
    """Order more or less packs, as long as nobody was asked for them; raises TooLateError or TooMuch."""
    if order.state is not State.DRAFTED:
        raise TooLateError(order.state)
    closed_at = None if window_hours is None else order.drafted_at + timedelta(hours=window_hours)
    if closed_at is not None and closed_at <= at:
        raise TooLateError(order.state, f"it could be changed until {closed_at:%Y-%m-%d %H:%M} UTC")
    if packs == order.packs:
        return Turn(order)
    price = None if order.price is None else order.price // order.packs * packs
    if max(packs * order.pack_size, price or 0) > MOST_STEPS:
        raise ExcessQuantityError
    changed = replace(order, packs=packs, quantity=packs * order.pack_size, price=price)
    modified = OrderModified(
        **order.fact(at), packs=packs, quantity=changed.quantity, price=price, currency=changed.currency
    )
    return Turn(changed).say(modified)


def flag(order: Order, reason: str, at: datetime) -> Turn:
    """Take an order for fraud: cancel what can be; its pool orders nothing until this is cleared."""
    if order.is_suspect:
        return Turn(order)
    turn = Turn(replace(order, fraud_at=at, fraud_cleared_at=None))
    flagged = FraudFlagged(**order.fact(at), reason=reason)
    wish = Cancellation("fraud", reason, at)
    if order.state in INSIDE or order.is_unanswered:
        withdrawn = withdraw(turn.order, wish)
        return replace(withdrawn, events=(flagged, *withdrawn.events))
    if order.state in OUTSIDE and order.cancellation is None:
        turn = ask_back(turn.order, wish)
    if order.state in (State.SHIPPED, State.DELIVERED, State.RETURNED):
        turn = turn.give_back(kept(order))
    return turn.say(flagged)


def clear(order: Order, at: datetime) -> Turn:
    """Let the pool of an order order again."""
    if not order.is_suspect:
        return Turn(order)
    return Turn(replace(order, fraud_cleared_at=at)).say(FraudCleared(**order.fact(at)))


def receive(order: Order, quantity: int, at: datetime) -> Turn:
    """Take the customer's count of what came, which ends the way of an order that is still under way.

    Less than was ordered is a claim, and what was paid for it goes back. That less arrived than the provider said
    can be told once: raises AlreadyCountedError, and NotThere where nothing was sent, or less than was counted.
    """
    if order.state not in (State.SHIPPED, State.DELIVERED):
        raise NotDeliveredError(f"the order is {order.state}", 0)
    if quantity > order.coming:
        raise NotDeliveredError(f"{order.coming} was sent", order.coming)
    if order.state is State.SHIPPED:
        counted = order if order.test else replace(_count(order, quantity), shipped_quantity=quantity)
        return deliver(Turn(counted), Evidence.REPORTED, at, "the customer counted it")
    if quantity == order.there:
        return Turn(order)
    if order.counted_quantity is not None:
        raise AlreadyCountedError
    turn = Turn(_count(order, quantity))
    if quantity >= order.quantity:  # less than the provider sent, and still all that was ordered
        return turn
    turn = turn.say(ClaimRaised(**order.fact(at), ordered=order.quantity, received=quantity))
    return turn.give_back(overpaid(turn.order))


def _count(order: Order, quantity: int) -> Order:
    return replace(order, counted_quantity=quantity) if quantity < order.coming else order


def take_back(order: Order, quantity: int, wish: Cancellation) -> Turn:
    """Let goods that came go back, once per order; raises NotDeliveredError."""
    if order.state is not State.DELIVERED:
        raise NotDeliveredError(f"the order is {order.state}", 0)
    if not 0 < quantity <= order.there:
        raise NotDeliveredError(f"{order.there} came", order.there)
    turn = Turn(replace(order, returned_quantity=quantity)).then(
        State.RETURNED, wish.occurred_at, f"returned: {wish.by}"
    )
    back = OrderReturned(
        **order.fact(wish.occurred_at),
        device_id=order.device_id,
        slot=order.slot,
        quantity=quantity,
        reason=wish.reason,
        by=wish.by,
    )
    return turn.say(back).give_back(worth(order, quantity))
