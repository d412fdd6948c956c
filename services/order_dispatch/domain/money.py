"""What an order's transitions mean for its money."""

from dataclasses import dataclass, replace
from enum import StrEnum

from services.order_dispatch.domain.order import Decision, Order, Transition
from services.order_dispatch.domain.states import WITHOUT_GOODS, State


class MoneyMove(StrEnum):
    """What is to happen to an order's money."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class PaymentMove:
    """One movement of an order's money; the amount is in minor units of its currency."""

    kind: MoneyMove
    amount: int = 0


def amount_to_capture(order: Order) -> int:
    """Return what the goods that left cost: their share of the price, or of the provider's if that is lower."""
    price = order.price or 0
    if order.billed is not None and order.billed_currency == order.currency:
        price = min(price, order.billed)
    return price * min(order.expected_quantity, order.quantity) // order.quantity if order.quantity else 0


def capture_shipment(decision: Decision) -> Decision:
    """Note what is taken now that the goods have left; whatever is said of them later, that much can go back.

    Goods of an order taken for fraud may leave all the same; whose money it is will not pay for them.
    """
    order = decision.order
    if order.authorized_at is None or order.is_flagged:
        return decision
    captured_quantity = min(order.expected_quantity, order.quantity)
    return replace(
        decision, order=replace(order, captured=amount_to_capture(order), captured_quantity=captured_quantity)
    )


def net_captured(order: Order) -> int:
    """Return what was taken and not given back."""
    return max(0, order.captured - order.refunded)


def record_payment_failure(order: Order, reason: str) -> Order:
    """Note that the money could not be taken after all, so that none of it can go back."""
    return replace(order, payment_problem=reason[:2000], captured=0, captured_quantity=0, refunded=0)


def refund_for(order: Order, quantity: int) -> int:
    """Return what goes back for so much of the goods that are there: their share of what was net_captured for them."""
    return net_captured(order) * quantity // order.received_quantity if order.received_quantity else 0


def overpayment(order: Order) -> int:
    """Return what was net_captured for goods that left and did not arrive."""
    if not order.captured_quantity:
        return 0
    paid = order.captured * min(order.received_quantity, order.captured_quantity) // order.captured_quantity
    return max(0, net_captured(order) - paid)


def money_moves(decision: Decision) -> tuple[PaymentMove, ...]:
    """Return what a decision means for the money of the order."""
    due = [found for step in decision.transitions if (found := _money_move(decision.order, step)) is not None]
    if decision.refund:
        due.append(PaymentMove(MoneyMove.REFUND, decision.refund))
    return tuple(due)


def _money_move(order: Order, step: Transition) -> PaymentMove | None:
    if step.to_state is State.AUTHORIZING:
        return PaymentMove(MoneyMove.AUTHORIZE)
    if order.authorized_at is None and step.from_state is not State.AUTHORIZING:
        return None
    if step.to_state is State.SHIPPED and order.captured:
        return PaymentMove(MoneyMove.CAPTURE, order.captured)
    return PaymentMove(MoneyMove.VOID) if step.to_state in (State.SHIPPED, *WITHOUT_GOODS) else None
