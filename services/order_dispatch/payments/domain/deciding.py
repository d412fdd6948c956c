"""What is decided about a payment: what is wanted of it, and what a payment service's answer does."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from libs.contracts.events import (
    PaymentAuthorized,
    PaymentRefunded,
    PaymentStep,
    PaymentTaken,
    PaymentVoided,
)
from services.order_dispatch.payments.domain.books import Accounts, give_back, release, reserve, take
from services.order_dispatch.payments.domain.payment import Call, Move, Payment, PaymentTurn, key_of
from services.order_dispatch.payments.domain.protocol import Answer, Declined, Receipt, Status
from services.order_dispatch.payments.domain.states import CLOSED, IllegalMove, PaymentState

LAPSED = "the reservation ran out"


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
    return _go_on(turn.change(capture_asked=amount), at)


def want_void(payment: Payment, at: datetime) -> PaymentTurn:
    """Let the money go: free what is reserved, give back what was taken."""
    turn = PaymentTurn(payment)
    if payment.void_asked or payment.state in CLOSED:
        return turn
    if payment.step is PaymentStep.AUTHORIZE:  # nothing can be taken yet, and now nothing shall
        turn = turn.change(capture_asked=None, refund_asked=0)
    return _go_on(turn.change(void_asked=True), at)


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
    return _go_on(turn.change(refund_asked=payment.refund_asked + amount), at)


def lose_track(payment: Payment, at: datetime) -> PaymentTurn:
    """Note that nobody knows how the step under way ended."""
    turn = PaymentTurn(payment)
    return turn if payment.step is None or payment.state is PaymentState.UNKNOWN else turn.lose_track(at)


def lapse(payment: Payment, at: datetime) -> PaymentTurn:
    """End a reservation whose time is over; raises IllegalMove where it is being taken or freed."""
    if payment.state is not PaymentState.AUTHORIZED:
        raise IllegalMove(f"a payment that is {payment.state} does not lapse")
    turn = PaymentTurn(payment).then(PaymentState.EXPIRED, at, LAPSED)
    return turn.book(release(_accounts(payment), payment.authorized)).fail(
        PaymentStep.AUTHORIZE, payment.authorized, LAPSED, at
    )


def withdraw(payment: Payment, at: datetime) -> PaymentTurn:
    """End a payment that nobody outside was ever asked for."""
    turn = PaymentTurn(payment).then(PaymentState.VOIDED, at, "not wanted any more before anybody was asked")
    return turn.say(PaymentVoided(**payment.fact(0, at)))


def answered(payment: Payment, answer: Answer, at: datetime, holds_for: timedelta) -> PaymentTurn:
    """Take the outcome of the step under way, and go on with what is still wanted."""
    if isinstance(answer, Declined):
        return _go_on(_refused(payment, answer.reason, at), at)
    if answer.status is Status.EXPIRED:
        return _lapsed(payment, at)
    turn = PaymentTurn(replace(payment, reference=payment.reference or answer.reference))
    if payment.step is PaymentStep.AUTHORIZE:
        turn = _authorized(turn, answer, at, holds_for)
    elif payment.step is PaymentStep.CAPTURE:
        turn = _captured(turn, answer.amount, at)
    elif payment.step is PaymentStep.VOID:
        turn = _voided(turn, at)
    else:
        turn = _given_back(turn, answer.amount, at)
    return _go_on(turn, at)


def _authorized(turn: PaymentTurn, receipt: Receipt, at: datetime, holds_for: timedelta) -> PaymentTurn:
    amount = receipt.amount
    turn = turn.then(PaymentState.AUTHORIZED, at, "the payment service reserved it", amount)
    payment = replace(turn.payment, authorized=amount, expires_at=receipt.expires_at or at + holds_for)
    turn = replace(turn, payment=payment).book(reserve(_accounts(payment), amount))
    return turn.say(PaymentAuthorized(**payment.fact(amount, at)))


def _captured(turn: PaymentTurn, amount: int, at: datetime) -> PaymentTurn:
    turn = turn.then(PaymentState.CAPTURED, at, "the payment service took it", amount).change(captured=amount)
    payment, rest = turn.payment, turn.payment.authorized - amount
    turn = turn.book(take(_accounts(payment), amount))
    if rest:
        turn = turn.book(release(_accounts(payment), rest))
    return turn.say(PaymentTaken(**payment.fact(amount, at)))


def _voided(turn: PaymentTurn, at: datetime) -> PaymentTurn:
    amount = turn.payment.authorized
    turn = turn.then(PaymentState.VOIDED, at, "the payment service freed it", amount)
    turn = turn.book(release(_accounts(turn.payment), amount))
    return turn.say(PaymentVoided(**turn.payment.fact(amount, at)))


def _given_back(turn: PaymentTurn, amount: int, at: datetime) -> PaymentTurn:
    refunded = turn.payment.refunded + amount
    there = PaymentState.REFUNDED if refunded == turn.payment.captured else PaymentState.CAPTURED
    turn = turn.then(there, at, "the payment service gave it back", amount).change(refunded=refunded)
    turn = turn.book(give_back(_accounts(turn.payment), amount))
    return turn.say(PaymentRefunded(**turn.payment.fact(amount, at), refunded=refunded))


def _refused(payment: Payment, reason: str, at: datetime) -> PaymentTurn:
    """A refused step leaves the payment where it was, and the wish is gone."""
    turn, step = PaymentTurn(payment), payment.step
    if step is PaymentStep.AUTHORIZE:
        turn = turn.then(PaymentState.DECLINED, at, reason)
    elif step is PaymentStep.CAPTURE:
        turn = turn.then(PaymentState.AUTHORIZED, at, reason)
        turn = turn.change(capture_asked=None, refund_asked=0)
    elif step is PaymentStep.VOID:
        turn = turn.then(PaymentState.AUTHORIZED, at, reason).change(void_asked=False)
    else:
        turn = turn.then(PaymentState.CAPTURED, at, reason)
        turn = turn.change(refund_asked=payment.refunded, void_asked=False)
    return turn.fail(step or PaymentStep.REFUND, payment.asked, reason, at)


def _lapsed(payment: Payment, at: datetime) -> PaymentTurn:
    """The service says that the reservation had run out when it was asked to take or to free it."""
    turn = PaymentTurn(payment).then(PaymentState.EXPIRED, at, LAPSED)
    turn = turn.book(release(_accounts(payment), payment.authorized))
    if payment.step is PaymentStep.VOID:
        return turn.say(PaymentVoided(**payment.fact(payment.authorized, at)))
    return turn.fail(PaymentStep.CAPTURE, payment.asked, LAPSED, at)


def _go_on(turn: PaymentTurn, at: datetime) -> PaymentTurn:
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


def _accounts(payment: Payment) -> Accounts:
    return Accounts(payment.customer_id, payment.provider_id, payment.service)
