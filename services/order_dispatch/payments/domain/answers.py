"""What the answer of a payment service to the step in progress does to a payment."""

from dataclasses import replace
from datetime import datetime, timedelta

from replenish_contracts.events import PaymentAuthorized, PaymentCaptured, PaymentRefunded, PaymentStep, PaymentVoided
from services.order_dispatch.payments.domain.books import book_authorization, book_capture, book_refund, book_release
from services.order_dispatch.payments.domain.decisions import (
    EXPIRED_REASON,
    accounts_of,
    drop_capture,
    release_rest,
    start_next_step,
)
from services.order_dispatch.payments.domain.payment import Payment, PaymentDecision
from services.order_dispatch.payments.domain.protocol import Confirmed, Declined, PaymentAnswer, Status
from services.order_dispatch.payments.domain.states import PaymentState


def apply_answer(
    payment: Payment, answer: PaymentAnswer, now: datetime, authorization_period: timedelta
) -> PaymentDecision:
    """Apply the result of the step in progress, then start the next requested step.

    `authorization_period` applies if the payment service returns no expiry.
    """
    if isinstance(answer, Declined):
        declined = _decline_step(payment, answer.reason, now)
        return start_next_step(declined, now, release=payment.step is not PaymentStep.VOID)
    if answer.status is Status.EXPIRED:
        return start_next_step(_expire_at_service(payment, now), now)
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
        .change(
            authorized=amount,
            expires_at=answer.expires_at or now + authorization_period,
            captures_several=payment.captures_several and answer.captures_several is not False,
        )
        .book(book_authorization(accounts_of(payment), amount))
        .publish(PaymentAuthorized(**payment.event_fields(amount, now)))
    )


def _confirm_capture(decision: PaymentDecision, amount: int, now: datetime) -> PaymentDecision:
    payment = decision.payment
    captured, rest, final = payment.captured + amount, payment.held - amount, payment.requested_final
    to_state = PaymentState.CAPTURED if final else PaymentState.AUTHORIZED
    decision = (
        decision.end_step(to_state, now, "captured by the payment service", amount)
        .change(captured=captured)
        .book(book_capture(accounts_of(payment), amount))
    )
    if final and rest:
        decision = decision.change(released=payment.released + rest).book(book_release(accounts_of(payment), rest))
    more_follows = not final and not (payment.capture_final and payment.capture_requested == captured)
    return decision.publish(PaymentCaptured(**payment.event_fields(amount, now), more_follows=more_follows))


def _confirm_void(decision: PaymentDecision, now: datetime) -> PaymentDecision:
    payment, rest = decision.payment, decision.payment.held
    decision = release_rest(decision, PaymentState.VOIDED, now, "voided by the payment service", rest)
    return decision.publish(PaymentVoided(**payment.event_fields(rest, now)))


def _confirm_refund(decision: PaymentDecision, amount: int, now: datetime) -> PaymentDecision:
    payment = decision.payment
    refunded = payment.refunded + amount
    if payment.held:
        to_state = PaymentState.AUTHORIZED
    else:
        to_state = PaymentState.REFUNDED if refunded == payment.captured else PaymentState.CAPTURED
    return (
        decision.end_step(to_state, now, "refunded by the payment service", amount)
        .change(refunded=refunded)
        .book(book_refund(accounts_of(payment), amount))
        .publish(PaymentRefunded(**payment.event_fields(amount, now), refunded=refunded))
    )


def _decline_step(payment: Payment, reason: str, now: datetime) -> PaymentDecision:
    """Return the payment to the state before the step and delete the request; what was requested after it stays."""
    decision, step = PaymentDecision(payment), payment.step
    if step is PaymentStep.AUTHORIZE:
        decision = decision.end_step(PaymentState.DECLINED, now, reason)
    elif step is PaymentStep.CAPTURE:
        decision = decision.end_step(PaymentState.AUTHORIZED, now, reason)
        if not _captures_more_later(payment):
            decision = drop_capture(decision)
    elif step is PaymentStep.VOID:
        decision = decision.end_step(PaymentState.AUTHORIZED, now, reason)
        if payment.void_requested:  # a captured part is refunded even so
            decision = decision.change(void_requested=False, refund_requested=payment.captured)
    else:
        decision = decision.end_step(PaymentState.AUTHORIZED if payment.held else PaymentState.CAPTURED, now, reason)
        decision = decision.change(
            refund_requested=max(payment.refunded, payment.refund_requested - payment.requested_amount),
            void_requested=payment.void_requested and payment.held > 0,
        )
    return decision.publish_failure(step or PaymentStep.REFUND, payment.requested_amount, reason, now)


def _captures_more_later(payment: Payment) -> bool:
    """Whether a larger total or the end was requested during a capture; that capture includes the failed one."""
    total = payment.captured + payment.requested_amount
    is_later = (payment.capture_requested or 0) > total or (payment.capture_final and not payment.requested_final)
    return is_later and not payment.void_requested


def _expire_at_service(payment: Payment, now: datetime) -> PaymentDecision:
    """End a payment whose authorization had expired at the service when the capture or void arrived there."""
    rest, requested = payment.held, payment.capture_requested or 0
    decision = release_rest(PaymentDecision(payment), PaymentState.EXPIRED, now, EXPIRED_REASON)
    if payment.step is PaymentStep.VOID:
        return decision.publish(PaymentVoided(**payment.event_fields(rest, now)))
    failed = requested - payment.captured
    return drop_capture(decision).publish_failure(PaymentStep.CAPTURE, failed, EXPIRED_REASON, now)
