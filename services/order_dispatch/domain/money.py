"""What is due for the goods that left, what is refunded, and the payment moves that follow."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from replenish_contracts.catalogue import MAX_TEXT
from services.order_dispatch.domain.lines import OrderLine
from services.order_dispatch.domain.order import Capture, Decision, Order, Transition
from services.order_dispatch.domain.states import WITHOUT_GOODS, State


class MoneyMove(StrEnum):
    """Kinds of payment moves."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class PaymentMove:
    """A move of an order's payment; amounts are in minor units of its currency.

    For a capture, the amount is the total due so far, and `final` means that nothing more will leave.
    """

    kind: MoneyMove
    amount: int = 0
    final: bool = False


def capture_shipments(decision: Decision) -> Decision:
    """Record what is due for all that left so far, per line and with the fee, and have it captured.

    A line keeps what was captured for it even if a lower price is reported later. The parts are rounded down; the
    last shipment takes the rest, so that they sum to the whole. An order flagged as fraud may still ship, but nothing
    more is captured for it.
    """
    order = decision.order
    if order.authorized_at is None or not order.has_left:
        return decision
    if not order.is_flagged:
        order = _record_due(order)
        decision = replace(decision, order=order)
    return replace(decision, capture=Capture(order.captured, order.has_all_left))


def _record_due(order: Order) -> Order:
    ratio = _billed_ratio(order)
    # With the first goods that left; a shipment of nothing costs nothing.
    fee_share = order.fee * ratio if any(line.shipped_quantity for line in order.lines) else Fraction(0)
    fee = max(order.fee_captured, int(fee_share))
    shares = {line.line_id: _share_of_shipped(line, ratio) for line in order.lines if line.has_left}
    due = {line_id: int(share) for line_id, share in shares.items()}
    if order.has_all_left:
        last = next(reversed(due))
        due[last] += max(0, int(sum(shares.values()) + fee_share) - sum(due.values()) - fee)
    changed = [
        replace(
            line,
            captured=max(line.captured, due[line.line_id]),
            captured_quantity=min(line.shipped_or_ordered_quantity, line.quantity),
        )
        for line in order.lines
        if line.line_id in due
    ]
    return replace(order.with_lines(changed), fee_captured=fee)


def _billed_ratio(order: Order) -> Fraction:
    """Return the billed share of the agreed price that it is for, at most 1."""
    if order.billed is None or order.billed_currency != order.currency or not order.billed_for:
        return Fraction(1)
    return min(Fraction(1), Fraction(order.billed, order.billed_for))


def _share_of_shipped(line: OrderLine, ratio: Fraction) -> Fraction:
    """Return the price of what left: the agreed one, or the billed one if that is lower."""
    price = ratio * (line.price or 0)
    if line.billed is not None:
        price = min(price, Fraction(line.billed))
    shipped = min(line.shipped_or_ordered_quantity, line.quantity)
    return price * shipped / line.quantity if line.quantity else Fraction(0)


def record_payment_failure(order: Order, reason: str, captured: int = 0) -> Order:
    """Record that a capture failed; only `captured`, which earlier ones brought, can be refunded."""
    fee = min(order.fee_captured, captured)
    left = captured - fee
    lines = []
    for line in order.lines:
        kept = min(line.captured, left)
        left -= kept
        quantity = line.captured_quantity if kept else 0
        lines.append(replace(line, captured=kept, captured_quantity=quantity, refunded=min(line.refunded, kept)))
    fee_refunded = min(order.fee_refunded, fee)
    changed = replace(order.with_lines(lines), fee_captured=fee, fee_refunded=fee_refunded)
    return replace(changed, payment_problem=reason[:MAX_TEXT])


def refund_line(decision: Decision, line_id: str, amount: int) -> Decision:
    """Refund an amount of a line; once all captures of its lines are refunded and no line is open, the fee is too."""
    line = decision.order.find_line(line_id)
    decision = decision.add_refund(line, min(amount, line.net_captured))
    return refund_fee(decision) if amount else decision


def refund_fee(decision: Decision) -> Decision:
    """Refund the fee of a complete order if all that was captured for its lines is refunded."""
    order = decision.order
    fee = order.fee_captured - order.fee_refunded
    is_refunded = any(line.refunded for line in order.lines) and not any(line.net_captured for line in order.lines)
    if not order.is_complete or not fee or not is_refunded:
        return decision
    return replace(decision.change(fee_refunded=order.fee_captured), refund=decision.refund + fee)


def refund_all(decision: Decision) -> Decision:
    """Refund all that was captured and not refunded yet."""
    order = decision.order
    lines = [replace(line, refunded=line.captured) for line in order.lines]
    refunded = replace(order.with_lines(lines), fee_refunded=order.fee_captured)
    return replace(decision, order=refunded, refund=decision.refund + max(0, order.captured - order.refunded))


def refund_for(line: OrderLine, quantity: int) -> int:
    return line.net_captured * quantity // line.received_quantity if line.received_quantity else 0


def overpayment(line: OrderLine) -> int:
    """Return the amount captured for goods that were shipped and not received."""
    if not line.captured_quantity:
        return 0
    due = line.captured * min(line.received_quantity, line.captured_quantity) // line.captured_quantity
    return max(0, line.net_captured - due)


def money_moves(decision: Decision) -> tuple[PaymentMove, ...]:
    """Return the moves in the order in which they are requested."""
    moves = list(_moves_of_transitions(decision.order, decision.transitions))
    if decision.capture is not None:
        moves.append(PaymentMove(MoneyMove.CAPTURE, decision.capture.due, decision.capture.final))
    if decision.refund:
        moves.append(PaymentMove(MoneyMove.REFUND, decision.refund))
    return tuple(moves)


def _moves_of_transitions(order: Order, transitions: Iterable[Transition]) -> Iterable[PaymentMove]:
    for step in transitions:
        if step.to_state is State.AUTHORIZING:
            yield PaymentMove(MoneyMove.AUTHORIZE)
        elif step.to_state in WITHOUT_GOODS and (order.authorized_at or step.from_state is State.AUTHORIZING):
            yield PaymentMove(MoneyMove.VOID)
