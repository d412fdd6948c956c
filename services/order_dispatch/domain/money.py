"""Payment moves that an order's transitions require."""

from dataclasses import dataclass, replace
from enum import StrEnum

from services.order_dispatch.domain.order import Decision, Order, Transition
from services.order_dispatch.domain.states import WITHOUT_GOODS, State


class MoneyMove(StrEnum):
    """Kinds of payment moves."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class PaymentMove:
    """A move of an order's payment; the amount is in minor units of its currency."""

    kind: MoneyMove
    amount: int = 0


def amount_to_capture(order: Order) -> int:
    """Return the shipped share of the agreed price, or of the billed one if that is lower and in the same currency."""
    price = order.price or 0
    if order.billed is not None and order.billed_currency == order.currency:
        price = min(price, order.billed)
    return price * min(order.expected_quantity, order.quantity) // order.quantity if order.quantity else 0


def capture_shipment(decision: Decision) -> Decision:
    """Record the captured amount at shipment; later price reports do not change what can be refunded.

    An order flagged as fraud may still ship, but nothing is captured for it.
    """
    order = decision.order
    if order.authorized_at is None or order.is_flagged:
        return decision
    captured_quantity = min(order.expected_quantity, order.quantity)
    return replace(
        decision, order=replace(order, captured=amount_to_capture(order), captured_quantity=captured_quantity)
    )


def net_captured(order: Order) -> int:
    return max(0, order.captured - order.refunded)


def record_payment_failure(order: Order, reason: str) -> Order:
    """Record that the capture failed, so nothing can be refunded."""
    return replace(order, payment_problem=reason[:2000], captured=0, captured_quantity=0, refunded=0)


def refund_for(order: Order, quantity: int) -> int:
    return net_captured(order) * quantity // order.received_quantity if order.received_quantity else 0


def overpayment(order: Order) -> int:
    """Return the amount captured for goods that were shipped and not received."""
    if not order.captured_quantity:
        return 0
    due = order.captured * min(order.received_quantity, order.captured_quantity) // order.captured_quantity
    return max(0, net_captured(order) - due)


def money_moves(decision: Decision) -> tuple[PaymentMove, ...]:
    moves = [move for step in decision.transitions if (move := _move_for(decision.order, step)) is not None]
    if decision.refund:
        moves.append(PaymentMove(MoneyMove.REFUND, decision.refund))
    return tuple(moves)


def _move_for(order: Order, step: Transition) -> PaymentMove | None:
    if step.to_state is State.AUTHORIZING:
        return PaymentMove(MoneyMove.AUTHORIZE)
    if order.authorized_at is None and step.from_state is not State.AUTHORIZING:
        return None
    if step.to_state is State.SHIPPED and order.captured:
        return PaymentMove(MoneyMove.CAPTURE, order.captured)
    return PaymentMove(MoneyMove.VOID) if step.to_state in (State.SHIPPED, *WITHOUT_GOODS) else None
