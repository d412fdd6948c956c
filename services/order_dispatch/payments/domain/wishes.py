"""What is wanted of a payment: begun where it stands, or as soon as it stands there."""

from dataclasses import dataclass, replace
from datetime import datetime

from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain.payment import Call, Move, Payment, PaymentTurn, key_of
from services.order_dispatch.payments.domain.states import CLOSED, PaymentState


@dataclass(frozen=True, slots=True)
class Mandate:
    """What a customer agreed to: at most this much for one order."""

    amount: int
    currency: str


def open_payment(payment: Payment, mandate: Mandate | None, at: datetime) -> PaymentTurn:
    """Begin a payment by reserving its amount; beyond the customer's mandate it will fail, unasked."""
    key = key_of(payment.payment_id, PaymentStep.AUTHORIZE, 1)
    fits = mandate is not None and mandate.currency == payment.currency
    begun = replace(
        payment,
        mandate=mandate.amount if mandate and fits else 0,
        step=PaymentStep.AUTHORIZE,
        key=key,
        asked=payment.amount,
        asked_at=at,
    )
    move = Move(1, None, PaymentState.AUTHORIZING, PaymentStep.AUTHORIZE, payment.amount, at, "the order is to be paid")
    return PaymentTurn(begun, (move,), calls=(Call(PaymentStep.AUTHORIZE, key, _obstacle(payment, mandate)),))


def _obstacle(payment: Payment, mandate: Mandate | None) -> str | None:
    if mandate is None:
        return "the customer has no means of payment here"
    if mandate.currency != payment.currency:
        return f"the customer agreed to pay in {mandate.currency}, the order is in {payment.currency}"
    if payment.amount > mandate.amount:
        return f"the order costs {payment.amount}, the customer agreed to {mandate.amount} ({payment.currency})"
    return None


def want_capture(payment: Payment, amount: int, at: datetime) -> PaymentTurn:
    """Take this much, once; 0 lets the reservation go. What cannot be had fails at once."""
    turn = PaymentTurn(payment)
    if payment.capture_asked is not None or payment.captured:
        return turn
    if amount == 0:
        return want_void(payment, at)
    if amount > payment.amount:
        reason = f"only {payment.amount} {payment.currency} is reserved"
        return turn.fail(PaymentStep.CAPTURE, amount, reason, at)
    if payment.void_asked or payment.state in CLOSED:
        return turn.fail(PaymentStep.CAPTURE, amount, f"nothing is reserved: the payment is {payment.state}", at)
    return go_on(turn.change(capture_asked=amount), at)


def want_void(payment: Payment, at: datetime) -> PaymentTurn:
    """Let the money go: free what is reserved, give back what was taken."""
    turn = PaymentTurn(payment)
    if payment.void_asked or payment.state in CLOSED:
        return turn
    if payment.step is PaymentStep.AUTHORIZE:  # nothing can be taken yet, and now nothing shall
        turn = turn.change(capture_asked=None, refund_asked=0)
    return go_on(turn.change(void_asked=True), at)


def want_refund(payment: Payment, amount: int, at: datetime) -> PaymentTurn:
    """Give this much of what was or is being taken back, on top of what was asked for before."""
    turn = PaymentTurn(payment)
    taken = payment.captured or payment.capture_asked or 0
    left = 0 if payment.void_asked else taken - payment.refund_asked
    if amount == 0:
        return turn
    if amount > left:
        reason = f"only {left} {payment.currency} is left to give back"
        return turn.fail(PaymentStep.REFUND, amount, reason, at)
    return go_on(turn.change(refund_asked=payment.refund_asked + amount), at)


def go_on(turn: PaymentTurn, at: datetime) -> PaymentTurn:
    """Begin what is wanted, if the payment stands where it can be begun."""
    payment = turn.payment
    if payment.state is PaymentState.AUTHORIZED and payment.void_asked:
        return turn.start(PaymentStep.VOID, payment.authorized, at)
    if payment.state is PaymentState.AUTHORIZED and payment.capture_asked is not None:
        return turn.start(PaymentStep.CAPTURE, payment.capture_asked, at)
    if payment.state is PaymentState.CAPTURED:
        owed = payment.captured if payment.void_asked else payment.refund_asked
        if owed > payment.refunded:
            return turn.start(PaymentStep.REFUND, owed - payment.refunded, at)
    return turn
