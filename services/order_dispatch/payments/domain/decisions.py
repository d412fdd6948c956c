"""What orders request of a payment, and what a payment service's answer does to it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.events import PaymentAuthorized, PaymentCaptured, PaymentRefunded, PaymentStep, PaymentVoided
from services.order_dispatch.payments.domain.books import Accounts, refund, release, reserve, take
from services.order_dispatch.payments.domain.payment import (
    Payment,
    PaymentDecision,
    PaymentTransition,
    ServiceCall,
    key_of,
)
from services.order_dispatch.payments.domain.protocol import Declined, PaymentAnswer, Receipt, Status
from services.order_dispatch.payments.domain.states import CLOSED, IllegalPaymentTransitionError, PaymentState


@dataclass(frozen=True, slots=True)
class Mandate:
    """What a customer agreed to: at most this much for one order."""

    amount: int
    currency: str


def open_payment(payment: Payment, mandate: Mandate | None, at: datetime) -> PaymentDecision:
    """Begin a payment by reserving its amount; beyond the customer's mandate it will fail, unasked."""
    key = key_of(payment.payment_id, PaymentStep.AUTHORIZE, 1)
    fits = mandate is not None and mandate.currency == payment.currency
    begun = replace(
        payment,
        mandate=mandate.amount if mandate and fits else 0,
        step=PaymentStep.AUTHORIZE,
        key=key,
        requested=payment.amount,
        requested_at=at,
    )
    move = PaymentTransition(
        1, None, PaymentState.AUTHORIZING, PaymentStep.AUTHORIZE, payment.amount, at, "the order is to be paid"
    )
    return PaymentDecision(
        begun, (move,), calls=(ServiceCall(PaymentStep.AUTHORIZE, key, _obstacle(payment, mandate)),)
    )


def _obstacle(payment: Payment, mandate: Mandate | None) -> str | None:
    if mandate is None:
        return "the customer has no means of payment here"
    if mandate.currency != payment.currency:
        return f"the customer agreed to pay in {mandate.currency}, the order is in {payment.currency}"
    if payment.amount > mandate.amount:
        return f"the order costs {payment.amount}, the customer agreed to {mandate.amount} ({payment.currency})"
    return None


def request_capture(payment: Payment, amount: int, at: datetime) -> PaymentDecision:
    """Take this much, once; 0 lets the reservation go. What cannot be had fails at once."""
    decision = PaymentDecision(payment)
    if payment.capture_requested is not None or payment.captured:
        return decision
    if amount == 0:
        return request_void(payment, at)
    if amount > payment.amount:
        reason = f"only {payment.amount} {payment.currency} is reserved"
        return decision.fail(PaymentStep.CAPTURE, amount, reason, at)
    if payment.void_requested or payment.state in CLOSED:
        return decision.fail(PaymentStep.CAPTURE, amount, f"nothing is reserved: the payment is {payment.state}", at)
    return start_next_step(decision.change(capture_requested=amount), at)


def request_void(payment: Payment, at: datetime) -> PaymentDecision:
    """Let the money go: free what is reserved, give back what was taken."""
    decision = PaymentDecision(payment)
    if payment.void_requested or payment.state in CLOSED:
        return decision
    if payment.step is PaymentStep.AUTHORIZE:  # nothing can be taken yet, and now nothing shall
        decision = decision.change(capture_requested=None, refund_requested=0)
    return start_next_step(decision.change(void_requested=True), at)


def request_refund(payment: Payment, amount: int, at: datetime) -> PaymentDecision:
    """Give this much of what was or is being taken back, on top of what was asked for before."""
    decision = PaymentDecision(payment)
    taken = payment.captured or payment.capture_requested or 0
    left = 0 if payment.void_requested else taken - payment.refund_requested
    if amount == 0:
        return decision
    if amount > left:
        reason = f"only {left} {payment.currency} is left to give back"
        return decision.fail(PaymentStep.REFUND, amount, reason, at)
    return start_next_step(decision.change(refund_requested=payment.refund_requested + amount), at)


def start_next_step(decision: PaymentDecision, at: datetime) -> PaymentDecision:
    """Begin what is wanted, if the payment stands where it can be begun."""
    payment = decision.payment
    if payment.state is PaymentState.AUTHORIZED and payment.void_requested:
        return decision.start(PaymentStep.VOID, payment.authorized, at)
    if payment.state is PaymentState.AUTHORIZED and payment.capture_requested is not None:
        return decision.start(PaymentStep.CAPTURE, payment.capture_requested, at)
    if payment.state is PaymentState.CAPTURED:
        owed = payment.captured if payment.void_requested else payment.refund_requested
        if owed > payment.refunded:
            return decision.start(PaymentStep.REFUND, owed - payment.refunded, at)
    return decision


EXPIRED_REASON = "the reservation ran out"


def mark_unknown(payment: Payment, at: datetime) -> PaymentDecision:
    """Note that nobody knows how the step under way ended."""
    decision = PaymentDecision(payment)
    return decision if payment.step is None or payment.state is PaymentState.UNKNOWN else decision.lose_track(at)


def expire(payment: Payment, at: datetime) -> PaymentDecision:
    """End a reservation whose time is over; raises IllegalPaymentTransitionError where it is being taken or freed."""
    if payment.state is not PaymentState.AUTHORIZED:
        raise IllegalPaymentTransitionError(f"a payment that is {payment.state} does not expire")
    decision = PaymentDecision(payment).move_to(PaymentState.EXPIRED, at, EXPIRED_REASON)
    return decision.book(release(_accounts(payment), payment.authorized)).fail(
        PaymentStep.AUTHORIZE, payment.authorized, EXPIRED_REASON, at
    )


def withdraw(payment: Payment, at: datetime) -> PaymentDecision:
    """End a payment that nobody outside was ever asked for."""
    decision = PaymentDecision(payment).move_to(PaymentState.VOIDED, at, "not wanted any more before anybody was asked")
    return decision.publish(PaymentVoided(**payment.fields(0, at)))


def apply_answer(payment: Payment, answer: PaymentAnswer, at: datetime, holds_for: timedelta) -> PaymentDecision:
    """Take the outcome of the step under way, and go on with what is still wanted."""
    if isinstance(answer, Declined):
        return start_next_step(_declined(payment, answer.reason, at), at)
    if answer.status is Status.EXPIRED:
        return _expired(payment, at)
    decision = PaymentDecision(replace(payment, reference=payment.reference or answer.reference))
    if payment.step is PaymentStep.AUTHORIZE:
        decision = _authorized(decision, answer, at, holds_for)
    elif payment.step is PaymentStep.CAPTURE:
        decision = _captured(decision, answer.amount, at)
    elif payment.step is PaymentStep.VOID:
        decision = _voided(decision, at)
    else:
        decision = _refunded(decision, answer.amount, at)
    return start_next_step(decision, at)


def _authorized(decision: PaymentDecision, receipt: Receipt, at: datetime, holds_for: timedelta) -> PaymentDecision:
    amount = receipt.amount
    decision = decision.move_to(PaymentState.AUTHORIZED, at, "the payment service reserved it", amount)
    payment = replace(decision.payment, authorized=amount, expires_at=receipt.expires_at or at + holds_for)
    decision = replace(decision, payment=payment).book(reserve(_accounts(payment), amount))
    return decision.publish(PaymentAuthorized(**payment.fields(amount, at)))


def _captured(decision: PaymentDecision, amount: int, at: datetime) -> PaymentDecision:
    decision = decision.move_to(PaymentState.CAPTURED, at, "the payment service took it", amount).change(
        captured=amount
    )
    payment, rest = decision.payment, decision.payment.authorized - amount
    decision = decision.book(take(_accounts(payment), amount))
    if rest:
        decision = decision.book(release(_accounts(payment), rest))
    return decision.publish(PaymentCaptured(**payment.fields(amount, at)))


def _voided(decision: PaymentDecision, at: datetime) -> PaymentDecision:
    amount = decision.payment.authorized
    decision = decision.move_to(PaymentState.VOIDED, at, "the payment service freed it", amount)
    decision = decision.book(release(_accounts(decision.payment), amount))
    return decision.publish(PaymentVoided(**decision.payment.fields(amount, at)))


def _refunded(decision: PaymentDecision, amount: int, at: datetime) -> PaymentDecision:
    refunded = decision.payment.refunded + amount
    to_state = PaymentState.REFUNDED if refunded == decision.payment.captured else PaymentState.CAPTURED
    decision = decision.move_to(to_state, at, "the payment service gave it back", amount).change(refunded=refunded)
    decision = decision.book(refund(_accounts(decision.payment), amount))
    return decision.publish(PaymentRefunded(**decision.payment.fields(amount, at), refunded=refunded))


def _declined(payment: Payment, reason: str, at: datetime) -> PaymentDecision:
    """A refused step leaves the payment where it was, and the wish is gone."""
    decision, step = PaymentDecision(payment), payment.step
    if step is PaymentStep.AUTHORIZE:
        decision = decision.move_to(PaymentState.DECLINED, at, reason)
    elif step is PaymentStep.CAPTURE:
        decision = decision.move_to(PaymentState.AUTHORIZED, at, reason)
        decision = decision.change(capture_requested=None, refund_requested=0)
    elif step is PaymentStep.VOID:
        decision = decision.move_to(PaymentState.AUTHORIZED, at, reason).change(void_requested=False)
    else:
        decision = decision.move_to(PaymentState.CAPTURED, at, reason)
        decision = decision.change(refund_requested=payment.refunded, void_requested=False)
    return decision.fail(step or PaymentStep.REFUND, payment.requested, reason, at)


def _expired(payment: Payment, at: datetime) -> PaymentDecision:
    """The service says that the reservation had run out when it was asked to take or to free it."""
    decision = PaymentDecision(payment).move_to(PaymentState.EXPIRED, at, EXPIRED_REASON)
    decision = decision.book(release(_accounts(payment), payment.authorized))
    if payment.step is PaymentStep.VOID:
        return decision.publish(PaymentVoided(**payment.fields(payment.authorized, at)))
    return decision.fail(PaymentStep.CAPTURE, payment.requested, EXPIRED_REASON, at)


def _accounts(payment: Payment) -> Accounts:
    return Accounts(payment.customer_id, payment.provider_id, payment.service)
