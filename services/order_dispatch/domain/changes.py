"""Changes that people make to an order: packs before submission, fraud, the received count, returns."""

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
    """The quantity or the price exceeds MOST_STEPS."""


class AlreadyCountedError(Exception):
    """The customer has already counted the goods and claimed the difference."""


class NotDeliveredError(Exception):
    """The quantity exceeds what was shipped or received; `left` is the largest possible one, in base steps."""

    def __init__(self, message: str, left: int) -> None:
        super().__init__(message)
        self.left = left


def modify(order: Order, packs: int, window_hours: float | None, at: datetime) -> Decision:
    """Change the number of packs of a drafted order.

    `window_hours` counts from the draft. Raises TooLateError or ExcessQuantityError.
    """
    if order.state is not State.DRAFTED:
        raise TooLateError(order.state)
    closes_at = None if window_hours is None else order.drafted_at + timedelta(hours=window_hours)
    if closes_at is not None and closes_at <= at:
        raise TooLateError(order.state, f"changes were possible until {closes_at:%Y-%m-%d %H:%M} UTC")
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
    """Flag an order as fraud: cancel it if possible, refund it if not; later orders of its pool fail until cleared."""
    if order.is_flagged:
        return Decision(order)
    decision = Decision(replace(order, fraud_at=at, fraud_cleared_at=None))
    flagged = FraudFlagged(**order.fields(at), reason=reason)
    cancellation = Cancellation("fraud", reason, at)
    if order.state in NOT_SUBMITTED or order.is_unanswered:
        withdrawn = withdraw(decision.order, cancellation)
        return replace(withdrawn, events=(flagged, *withdrawn.events))
    if order.state in SUBMITTED and order.cancellation is None:
        decision = request_cancellation(decision.order, cancellation)
    if order.state in (State.SHIPPED, State.DELIVERED, State.RETURNED):
        decision = decision.add_refund(net_captured(order))
    return decision.publish(flagged)


def clear_fraud(order: Order, at: datetime) -> Decision:
    if not order.is_flagged:
        return Decision(order)
    return Decision(replace(order, fraud_cleared_at=at)).publish(FraudCleared(**order.fields(at)))


def record_count(order: Order, quantity: int, at: datetime) -> Decision:
    """Record the quantity that the customer counted; an order in transit is delivered with it.

    Less than ordered raises a claim and refunds the difference. Raises AlreadyCountedError for a second, different
    count, NotDeliveredError if nothing was shipped or more was counted than shipped.
    """
    if order.state not in (State.SHIPPED, State.DELIVERED):
        raise NotDeliveredError(f"the order is {order.state}", 0)
    if quantity > order.expected_quantity:
        raise NotDeliveredError(f"the shipped quantity is {order.expected_quantity}", order.expected_quantity)
    counted = replace(order, counted_quantity=quantity) if quantity < order.expected_quantity else order
    if order.state is State.SHIPPED:
        shipped = order if order.test else replace(counted, shipped_quantity=quantity)
        return record_delivery(Decision(shipped), Evidence.REPORTED, at, "counted by the customer")
    if quantity == order.received_quantity:
        return Decision(order)
    if order.counted_quantity is not None:
        raise AlreadyCountedError
    decision = Decision(counted)
    if quantity >= order.quantity:  # fewer than shipped, but all that was ordered
        return decision
    decision = decision.publish(ClaimRaised(**order.fields(at), ordered=order.quantity, received=quantity))
    return decision.add_refund(overpayment(decision.order))


def return_goods(order: Order, quantity: int, cancellation: Cancellation) -> Decision:
    """Return delivered goods, once per order; raises NotDeliveredError."""
    if order.state is not State.DELIVERED:
        raise NotDeliveredError(f"the order is {order.state}", 0)
    if not 0 < quantity <= order.received_quantity:
        raise NotDeliveredError(f"the received quantity is {order.received_quantity}", order.received_quantity)
    at = cancellation.occurred_at
    decision = Decision(replace(order, returned_quantity=quantity)).move_to(
        State.RETURNED, at, f"returned: {cancellation.by}"
    )
    returned = OrderReturned(
        **order.fields(at),
        device_id=order.device_id,
        slot=order.slot,
        quantity=quantity,
        reason=cancellation.reason,
        by=cancellation.by,
    )
    return decision.publish(returned).add_refund(refund_for(order, quantity))
