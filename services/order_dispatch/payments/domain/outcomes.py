"""What a payment service's answer, its silence or the time does to a payment."""

from dataclasses import replace
from datetime import datetime, timedelta

from replenish_contracts.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentRefunded,
    PaymentStep,
    PaymentVoided,
)
from services.order_dispatch.payments.domain.books import Accounts, give_back, release, reserve, take
from services.order_dispatch.payments.domain.payment import Payment, PaymentTurn
from services.order_dispatch.payments.domain.protocol import Answer, Declined, Receipt, Status
from services.order_dispatch.payments.domain.states import IllegalPaymentTransitionError, PaymentState
from services.order_dispatch.payments.domain.wishes import go_on

LAPSED = "the reservation ran out"


def lose_track(payment: Payment, at: datetime) -> PaymentTurn:
    """Note that nobody knows how the step under way ended."""
    turn = PaymentTurn(payment)
    return turn if payment.step is None or payment.state is PaymentState.UNKNOWN else turn.lose_track(at)


def lapse(payment: Payment, at: datetime) -> PaymentTurn:
    """End a reservation whose time is over; raises IllegalPaymentTransitionError where it is being taken or freed."""
    if payment.state is not PaymentState.AUTHORIZED:
        raise IllegalPaymentTransitionError(f"a payment that is {payment.state} does not lapse")
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
        return go_on(_refused(payment, answer.reason, at), at)
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
    return go_on(turn, at)


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
    return turn.say(PaymentCaptured(**payment.fact(amount, at)))


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


def _accounts(payment: Payment) -> Accounts:
    return Accounts(payment.customer_id, payment.provider_id, payment.service)
