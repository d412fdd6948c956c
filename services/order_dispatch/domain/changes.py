"""Changes that people make to an order: packs before it is sent, fraud, the received count, returns."""

from dataclasses import replace
from datetime import datetime, timedelta

from replenish_contracts.events import ClaimRaised, Evidence, FraudCleared, FraudFlagged, OrderModified, OrderReturned
from replenish_contracts.units import MOST_STEPS
from services.order_dispatch.domain.cancellation import TooLateError, request_cancellation, withdraw
from services.order_dispatch.domain.delivery import record_delivery
from services.order_dispatch.domain.money import net_captured, overpayment, refund_for
from services.order_dispatch.domain.order import Cancellation, Decision, Order
from services.order_dispatch.domain.states import NOT_SUBMITTED, SUBMITTED, State


class ExcessQuantityError(Exception):
    """So much, or for so much money, is not ordered."""


class AlreadyCountedError(Exception):
    """The customer has counted already, and claimed what was missing."""


class NotDeliveredError(Exception):
    """Goods cannot go back that never came, or went back already; `left` is how much could."""

    def __init__(self, why: str, left: int) -> None:
        super().__init__(why)
        self.left = left


def modify(order: Order, packs: int, window_hours: float | None, at: datetime) -> Decision:
    """Order more or less packs, as long as nobody was asked for them; raises TooLateError or TooMuch."""
    if order.state is not State.DRAFTED:
        raise TooLateError(order.state)
    closed_at = None if window_hours is None else order.drafted_at + timedelta(hours=window_hours)
    if closed_at is not None and closed_at <= at:
        raise TooLateError(order.state, f"it could be changed until {closed_at:%Y-%m-%d %H:%M} UTC")
    if packs == order.packs:
        return Decision(order)
    price = None if order.price is None else order.price // order.packs * packs
    if max(packs * order.pack_size, price or 0) > MOST_STEPS:
        raise ExcessQuantityError
    changed = replace(order, packs=packs, quantity=packs * order.pack_size, price=price)
    modified = OrderModified(
        **order.fields(at), packs=packs, quantity=changed.quantity, price=price, currency=changed.currency
    )
    return Decision(changed).publish(modified)


def flag_fraud(order: Order, reason: str, at: datetime) -> Decision:
    """Take an order for fraud: cancel what can be; its pool orders nothing until this is cleared."""
    if order.is_flagged:
        return Decision(order)
    decision = Decision(replace(order, fraud_at=at, fraud_cleared_at=None))
    flagged = FraudFlagged(**order.fields(at), reason=reason)
    wish = Cancellation("fraud", reason, at)
    if order.state in NOT_SUBMITTED or order.is_unanswered:
        withdrawn = withdraw(decision.order, wish)
        return replace(withdrawn, events=(flagged, *withdrawn.events))
    if order.state in SUBMITTED and order.cancellation is None:
        decision = request_cancellation(decision.order, wish)
    if order.state in (State.SHIPPED, State.DELIVERED, State.RETURNED):
        decision = decision.add_refund(net_captured(order))
    return decision.publish(flagged)


def clear_fraud(order: Order, at: datetime) -> Decision:
    """Let the pool of an order order again."""
    if not order.is_flagged:
        return Decision(order)
    return Decision(replace(order, fraud_cleared_at=at)).publish(FraudCleared(**order.fields(at)))


def record_count(order: Order, quantity: int, at: datetime) -> Decision:
    """Take the customer's count of what came, which ends the way of an order that is still under way.

    Less than was ordered is a claim, and what was paid for it goes back. That less arrived than the provider said
    can be told once: raises AlreadyCountedError, and NotThere where nothing was sent, or less than was counted.
    """
    if order.state not in (State.SHIPPED, State.DELIVERED):
        raise NotDeliveredError(f"the order is {order.state}", 0)
    if quantity > order.expected_quantity:
        raise NotDeliveredError(f"{order.expected_quantity} was sent", order.expected_quantity)
    if order.state is State.SHIPPED:
        counted = order if order.test else replace(_count(order, quantity), shipped_quantity=quantity)
        return record_delivery(Decision(counted), Evidence.REPORTED, at, "the customer counted it")
    if quantity == order.received_quantity:
        return Decision(order)
    if order.counted_quantity is not None:
        raise AlreadyCountedError
    decision = Decision(_count(order, quantity))
    if quantity >= order.quantity:  # less than the provider sent, and still all that was ordered
        return decision
    decision = decision.publish(ClaimRaised(**order.fields(at), ordered=order.quantity, received=quantity))
    return decision.add_refund(overpayment(decision.order))


def _count(order: Order, quantity: int) -> Order:
    return replace(order, counted_quantity=quantity) if quantity < order.expected_quantity else order


def return_goods(order: Order, quantity: int, wish: Cancellation) -> Decision:
    """Let goods that came go back, once per order; raises NotDeliveredError."""
    if order.state is not State.DELIVERED:
        raise NotDeliveredError(f"the order is {order.state}", 0)
    if not 0 < quantity <= order.received_quantity:
        raise NotDeliveredError(f"{order.received_quantity} came", order.received_quantity)
    decision = Decision(replace(order, returned_quantity=quantity)).move_to(
        State.RETURNED, wish.occurred_at, f"returned: {wish.by}"
    )
    back = OrderReturned(
        **order.fields(wish.occurred_at),
        device_id=order.device_id,
        slot=order.slot,
        quantity=quantity,
        reason=wish.reason,
        by=wish.by,
    )
    return decision.publish(back).add_refund(refund_for(order, quantity))
