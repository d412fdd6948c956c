"""Decisions about a payment: requests of its order, and answers of the payment service."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.events import PaymentAuthorized, PaymentCaptured, PaymentRefunded, PaymentStep, PaymentVoided
from replenish_contracts.units import format_money
from services.order_dispatch.payments.domain.books import (
    Accounts,
    book_authorization,
    book_capture,
    book_refund,
    book_release,
)
from services.order_dispatch.payments.domain.payment import (
    Payment,
    PaymentDecision,
    PaymentTransition,
    ServiceCall,
    make_idempotency_key,
)
from services.order_dispatch.payments.domain.protocol import Confirmed, Declined, PaymentAnswer, Status
from services.order_dispatch.payments.domain.states import CLOSED, IllegalPaymentTransitionError, PaymentState

EXPIRED_REASON = "the authorization expired"


@dataclass(frozen=True, slots=True)
class Mandate:
    """A customer's limit for one order, in minor units."""

    amount: int
    currency: str


def open_payment(payment: Payment, mandate: Mandate | None, now: datetime) -> PaymentDecision:
    """Start a payment by authorizing its amount; outside the customer's mandate the step fails without a call."""
    key = make_idempotency_key(payment.payment_id, PaymentStep.AUTHORIZE, 1)
    authorizing = replace(
        payment,
        mandate=mandate.amount if mandate and mandate.currency == payment.currency else 0,
        step=PaymentStep.AUTHORIZE,
        idempotency_key=key,
        requested_amount=payment.amount,
        requested_at=now,
    )
    transition = PaymentTransition(
        1, None, PaymentState.AUTHORIZING, PaymentStep.AUTHORIZE, payment.amount, now, "the order requires payment"
    )
    call = ServiceCall(PaymentStep.AUTHORIZE, key, _find_obstacle(payment, mandate))
    return PaymentDecision(authorizing, (transition,), calls=(call,))


def _find_obstacle(payment: Payment, mandate: Mandate | None) -> str | None:
    if mandate is None:
        return "the customer has no payment method"
    if mandate.currency != payment.currency:
        return f"the customer's limit is in {mandate.currency}, the order is in {payment.currency}"
    if payment.amount > mandate.amount:
        price, limit = _format(payment.amount, payment), _format(mandate.amount, payment)
        return f"the order costs {price}, more than the customer's limit of {limit} per order"
    return None


def request_capture(payment: Payment, amount: int, now: datetime) -> PaymentDecision:
    """Capture the amount; later requests are ignored. 0 voids the payment.

    Publishes PaymentFailed at once if the amount exceeds the authorization or nothing is authorized.
    """
    decision = PaymentDecision(payment)
    if payment.capture_requested is not None or payment.captured:
        return decision
    if amount == 0:
        return request_void(payment, now)
    if amount > payment.amount:
        reason = f"only {_format(payment.amount, payment)} is authorized"
        return decision.publish_failure(PaymentStep.CAPTURE, amount, reason, now)
    if payment.void_requested or payment.state in CLOSED:
        reason = f"nothing is authorized: the payment is {payment.state}"
        return decision.publish_failure(PaymentStep.CAPTURE, amount, reason, now)
    return start_next_step(decision.change(capture_requested=amount), now)


def request_void(payment: Payment, now: datetime) -> PaymentDecision:
    """Release an authorized amount, refund a captured one."""
    decision = PaymentDecision(payment)
    if payment.void_requested or payment.state in CLOSED:
        return decision
    if payment.step is PaymentStep.AUTHORIZE:  # a capture that was requested early must not start any more
        decision = decision.change(capture_requested=None, refund_requested=0)
    return start_next_step(decision.change(void_requested=True), now)


def request_refund(payment: Payment, amount: int, now: datetime) -> PaymentDecision:
    """Refund the amount in addition to earlier refunds; publishes PaymentFailed if it exceeds the captured rest."""
    decision = PaymentDecision(payment)
    captured = payment.captured or payment.capture_requested or 0
    refundable = 0 if payment.void_requested else captured - payment.refund_requested
    if amount == 0:
        return decision
    if amount > refundable:
        reason = f"only {_format(refundable, payment)} can be refunded"
        return decision.publish_failure(PaymentStep.REFUND, amount, reason, now)
    return start_next_step(decision.change(refund_requested=payment.refund_requested + amount), now)


def start_next_step(decision: PaymentDecision, now: datetime) -> PaymentDecision:
    """Start the next requested step if the state allows it."""
    payment = decision.payment
    if payment.state is PaymentState.AUTHORIZED and payment.void_requested:
        return decision.start_step(PaymentStep.VOID, payment.authorized, now)
    if payment.state is PaymentState.AUTHORIZED and payment.capture_requested is not None:
        return decision.start_step(PaymentStep.CAPTURE, payment.capture_requested, now)
    if payment.state is PaymentState.CAPTURED:
        due = payment.captured if payment.void_requested else payment.refund_requested
        if due > payment.refunded:
            return decision.start_step(PaymentStep.REFUND, due - payment.refunded, now)
    return decision


def mark_unknown(payment: Payment, now: datetime) -> PaymentDecision:
    """Mark the step in progress as unknown; no effect if there is none or it is unknown already."""
    decision = PaymentDecision(payment)
    if payment.step is None or payment.state is PaymentState.UNKNOWN:
        return decision
    return decision.mark_unknown(now)


def expire(payment: Payment, now: datetime) -> PaymentDecision:
    """End an authorization. Raises IllegalPaymentTransitionError while it is being captured or voided."""
    if payment.state is not PaymentState.AUTHORIZED:
        raise IllegalPaymentTransitionError(f"a payment that is {payment.state} does not expire")
    return (
        PaymentDecision(payment)
        .end_step(PaymentState.EXPIRED, now, EXPIRED_REASON)
        .book(book_release(_accounts(payment), payment.authorized))
        .publish_failure(PaymentStep.AUTHORIZE, payment.authorized, EXPIRED_REASON, now)
    )


def withdraw(payment: Payment, now: datetime) -> PaymentDecision:
    """Void a payment whose authorization was never sent to the payment service."""
    decision = PaymentDecision(payment).end_step(
        PaymentState.VOIDED, now, "voided before the payment service was called"
    )
    return decision.publish(PaymentVoided(**payment.event_fields(0, now)))


def apply_answer(
    payment: Payment, answer: PaymentAnswer, now: datetime, authorization_period: timedelta
) -> PaymentDecision:
    """Apply the result of the step in progress, then start the next requested step.

    `authorization_period` applies if the payment service returns no expiry.
    """
    if isinstance(answer, Declined):
        return start_next_step(_decline_step(payment, answer.reason, now), now)
    if answer.status is Status.EXPIRED:
        return _expire_at_service(payment, now)
    decision = PaymentDecision(replace(payment, reference=payment.reference or answer.reference))
    if payment.step is PaymentStep.AUTHORIZE:
        decision = _confirm_authorization(decision, answer, now, authorization_period)
    elif payment.step is PaymentStep.CAPTURE:
        decision = _confirm_capture(decision, answer.amount, now)
    elif payment.step is PaymentStep.VOID:
        decision = _confirm_void(decision, now)
    else:
        decision = _confirm_refund(decision, answer.amount, now)
    return start_next_step(decision, now)


def _confirm_authorization(
    decision: PaymentDecision, answer: Confirmed, now: datetime, authorization_period: timedelta
) -> PaymentDecision:
    amount, payment = answer.amount, decision.payment
    return (
        decision.end_step(PaymentState.AUTHORIZED, now, "authorized by the payment service", amount)
        .change(authorized=amount, expires_at=answer.expires_at or now + authorization_period)
        .book(book_authorization(_accounts(payment), amount))
        .publish(PaymentAuthorized(**payment.event_fields(amount, now)))
    )


def _confirm_capture(decision: PaymentDecision, amount: int, now: datetime) -> PaymentDecision:
    payment = decision.payment
    decision = (
        decision.end_step(PaymentState.CAPTURED, now, "captured by the payment service", amount)
        .change(captured=amount)
        .book(book_capture(_accounts(payment), amount))
    )
    if rest := payment.authorized - amount:
        decision = decision.book(book_release(_accounts(payment), rest))
    return decision.publish(PaymentCaptured(**payment.event_fields(amount, now)))


def _confirm_void(decision: PaymentDecision, now: datetime) -> PaymentDecision:
    payment, amount = decision.payment, decision.payment.authorized
    return (
        decision.end_step(PaymentState.VOIDED, now, "voided by the payment service", amount)
        .book(book_release(_accounts(payment), amount))
        .publish(PaymentVoided(**payment.event_fields(amount, now)))
    )


def _confirm_refund(decision: PaymentDecision, amount: int, now: datetime) -> PaymentDecision:
    payment = decision.payment
    refunded = payment.refunded + amount
    to_state = PaymentState.REFUNDED if refunded == payment.captured else PaymentState.CAPTURED
    return (
        decision.end_step(to_state, now, "refunded by the payment service", amount)
        .change(refunded=refunded)
        .book(book_refund(_accounts(payment), amount))
        .publish(PaymentRefunded(**payment.event_fields(amount, now), refunded=refunded))
    )


def _decline_step(payment: Payment, reason: str, now: datetime) -> PaymentDecision:
    """Return the payment to the state before the step and delete the request."""
    decision, step = PaymentDecision(payment), payment.step
    if step is PaymentStep.AUTHORIZE:
        decision = decision.end_step(PaymentState.DECLINED, now, reason)
    elif step is PaymentStep.CAPTURE:
        decision = decision.end_step(PaymentState.AUTHORIZED, now, reason)
        decision = decision.change(capture_requested=None, refund_requested=0)
    elif step is PaymentStep.VOID:
        decision = decision.end_step(PaymentState.AUTHORIZED, now, reason).change(void_requested=False)
    else:
        decision = decision.end_step(PaymentState.CAPTURED, now, reason)
        decision = decision.change(refund_requested=payment.refunded, void_requested=False)
    return decision.publish_failure(step or PaymentStep.REFUND, payment.requested_amount, reason, now)


def _expire_at_service(payment: Payment, now: datetime) -> PaymentDecision:
    """End a payment whose authorization had expired at the service when the capture or void arrived there."""
    decision = PaymentDecision(payment).end_step(PaymentState.EXPIRED, now, EXPIRED_REASON)
    decision = decision.book(book_release(_accounts(payment), payment.authorized))
    if payment.step is PaymentStep.VOID:
        return decision.publish(PaymentVoided(**payment.event_fields(payment.authorized, now)))
    return decision.publish_failure(PaymentStep.CAPTURE, payment.requested_amount, EXPIRED_REASON, now)


def _accounts(payment: Payment) -> Accounts:
    return Accounts(payment.customer_id, payment.provider_id, payment.service)


def _format(amount: int, payment: Payment) -> str:
    return f"{format_money(amount, payment.currency)} {payment.currency}"
