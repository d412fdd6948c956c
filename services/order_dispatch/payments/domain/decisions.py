"""Decisions about a payment: requests of its order, the next step, and the end of an authorization."""

from dataclasses import dataclass, replace
from datetime import datetime

from replenish_contracts.events import PaymentStep, PaymentVoided
from replenish_contracts.units import format_money
from services.order_dispatch.payments.domain.amounts import UnchargeableAmountError, check_amount
from services.order_dispatch.payments.domain.books import Accounts, book_release
from services.order_dispatch.payments.domain.payment import (
    Payment,
    PaymentDecision,
    PaymentTransition,
    ServiceCall,
    make_idempotency_key,
)
from services.order_dispatch.payments.domain.protocol import DeclineCause
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
        1, None, PaymentState.AUTHORIZING, PaymentStep.AUTHORIZE, key, payment.amount, now, "the order requires payment"
    )
    call = _check_call(ServiceCall(PaymentStep.AUTHORIZE, key, _find_obstacle(payment, mandate)), payment)
    return PaymentDecision(authorizing, (transition,), calls=(call,))


def _check_call(call: ServiceCall, payment: Payment) -> ServiceCall:
    """Add the obstacle that the payment service does not take the amount; it precedes those of the customer."""
    try:
        check_amount(payment.amount, payment.currency, payment.rules, payment.service)
    except UnchargeableAmountError as error:
        return replace(call, obstacle=error.problem, cause=DeclineCause.OURS)
    return call


def _find_obstacle(payment: Payment, mandate: Mandate | None) -> str | None:
    if mandate is None:
        return "the customer has no payment method"
    if mandate.currency != payment.currency:
        return f"the customer's limit is in {mandate.currency}, the order is in {payment.currency}"
    if payment.amount > mandate.amount:
        price, limit = _format(payment.amount, payment), _format(mandate.amount, payment)
        return f"the order costs {price}, more than the customer's limit of {limit} per order"
    return None


def request_capture(payment: Payment, due_total: int, now: datetime, *, final: bool = True) -> PaymentDecision:
    """Capture the total that is due so far, less what was captured or is being captured.

    The total is rounded down to what the payment service takes; a part below its minimum waits for the next one. The
    final capture settles what is left and releases the rest, also if nothing more is due; a final total of 0 voids the
    payment. Repeats, smaller totals and requests after the final one are ignored.
    Publishes PaymentFailed at once if the total exceeds the authorization or nothing is authorized.
    """
    decision = PaymentDecision(payment)
    final = final or due_total >= payment.amount
    requested = payment.capture_requested or 0
    total = max(requested, payment.rules.floor(due_total))
    if not final and total - requested < payment.rules.minimum:
        total = requested
    if total == 0:
        return request_void(payment, now) if final else decision
    if payment.started_last_capture:
        return decision
    if total == requested and (payment.capture_final or not final):
        return start_next_step(decision, now)  # a release that was declined is tried again
    if total > payment.amount:
        reason = f"only {_format(payment.amount, payment)} is authorized"
    elif payment.void_requested or payment.state in CLOSED or payment.has_ended:
        reason = f"nothing is authorized: the payment is {payment.state}"
    else:
        decision = decision.change(capture_requested=total, capture_final=payment.capture_final or final)
        return start_next_step(decision, now)
    if total == requested:
        return decision
    return decision.publish_failure(PaymentStep.CAPTURE, total - requested, reason, now)


def request_void(payment: Payment, now: datetime) -> PaymentDecision:
    """Release what was not captured and refund what was; a capture that is in progress ends first."""
    decision = PaymentDecision(payment)
    if payment.void_requested or payment.state in CLOSED:
        return decision
    # A capture that was requested and not started must not start any more.
    captured = payment.captured + (payment.requested_amount if payment.step is PaymentStep.CAPTURE else 0)
    decision = decision.change(
        void_requested=True,
        capture_requested=captured or None,
        capture_final=captured > 0,
        refund_requested=min(payment.refund_requested, captured),
    )
    return start_next_step(decision, now)


def request_refund(payment: Payment, amount: int, now: datetime) -> PaymentDecision:
    """Refund the amount in addition to earlier refunds; publishes PaymentFailed if it exceeds the captured rest.

    The requested total counts as captured: a refund of it waits for its capture. The total of all refunds is rounded up
    to what the payment service takes.
    """
    decision = PaymentDecision(payment)
    refundable = 0 if payment.void_requested else (payment.capture_requested or 0) - payment.refund_requested
    if amount == 0:
        return decision
    if amount >= refundable + payment.rules.step:  # what was captured may be rounded down
        reason = f"only {_format(refundable, payment)} can be refunded"
        return decision.publish_failure(PaymentStep.REFUND, amount, reason, now)
    refund_requested = payment.refund_requested + min(amount, refundable)
    return start_next_step(decision.change(refund_requested=refund_requested), now)


def start_next_step(decision: PaymentDecision, now: datetime, *, release: bool = True) -> PaymentDecision:
    """Start the next requested step if the state allows it: void, capture, refund, or the release of the rest.

    `release` is false after a declined release, so that it is not repeated at once.
    """
    payment = decision.payment
    if payment.state not in (PaymentState.AUTHORIZED, PaymentState.CAPTURED):
        return decision
    authorized = payment.state is PaymentState.AUTHORIZED
    if authorized and payment.void_requested:
        return decision.start_step(PaymentStep.VOID, payment.held, now)
    to_capture = (payment.capture_requested or 0) - payment.captured
    if authorized and to_capture > 0 and (payment.capture_final or payment.captures_several):
        return decision.start_step(PaymentStep.CAPTURE, to_capture, now, final=payment.capture_final)
    requested = payment.captured if payment.void_requested else payment.rules.ceil(payment.refund_requested)
    to_refund = min(requested, payment.captured)
    if to_refund > payment.refunded:
        return decision.start_step(PaymentStep.REFUND, to_refund - payment.refunded, now)
    if authorized and payment.capture_final and release:
        return decision.start_step(PaymentStep.VOID, payment.held, now)
    return decision


def mark_unknown(payment: Payment, now: datetime) -> PaymentDecision:
    """Mark the step in progress as unknown; no effect if there is none or it is unknown already."""
    decision = PaymentDecision(payment)
    if payment.step is None or payment.state is PaymentState.UNKNOWN:
        return decision
    return decision.mark_unknown(now)


def expire(payment: Payment, now: datetime) -> PaymentDecision:
    """End an authorization; what was captured in part stays captured.

    Publishes PaymentFailed unless nothing more was to be captured. Raises IllegalPaymentTransitionError while a step is
    in progress.
    """
    if payment.state is not PaymentState.AUTHORIZED:
        raise IllegalPaymentTransitionError(f"a payment that is {payment.state} does not expire")
    rest, requested = payment.held, payment.capture_requested or 0
    decision = drop_capture(release_rest(PaymentDecision(payment), PaymentState.EXPIRED, now, EXPIRED_REASON))
    if payment.capture_final and requested == payment.captured:
        return decision.change(capture_final=True).publish(PaymentVoided(**payment.event_fields(rest, now)))
    step = PaymentStep.CAPTURE if requested else PaymentStep.AUTHORIZE
    return decision.publish_failure(step, rest, EXPIRED_REASON, now)


def release_rest(
    decision: PaymentDecision, empty_state: PaymentState, now: datetime, because: str, amount: int = 0
) -> PaymentDecision:
    """End the step in progress, if any, and the authorization; `empty_state` applies if nothing was captured."""
    payment = decision.payment
    if not payment.captured:
        to_state = empty_state
    else:
        to_state = PaymentState.REFUNDED if payment.refunded == payment.captured else PaymentState.CAPTURED
    return (
        decision.end_step(to_state, now, because, amount)
        .change(released=payment.released + payment.held)
        .book(book_release(accounts_of(payment), payment.held))
    )


def drop_capture(decision: PaymentDecision) -> PaymentDecision:
    """Forget captures that were requested and not performed, with the refunds that wait for them."""
    payment = decision.payment
    return decision.change(
        capture_requested=payment.captured or None,
        capture_final=payment.void_requested and payment.captured > 0,
        refund_requested=min(payment.refund_requested, payment.captured),
    )


def withdraw(payment: Payment, now: datetime) -> PaymentDecision:
    """Void a payment whose authorization was never sent to the payment service."""
    decision = PaymentDecision(payment).end_step(
        PaymentState.VOIDED, now, "voided before the payment service was called"
    )
    return decision.publish(PaymentVoided(**payment.event_fields(0, now)))


def accounts_of(payment: Payment) -> Accounts:
    return Accounts(payment.customer_id, payment.provider_id, payment.service)


def _format(amount: int, payment: Payment) -> str:
    return f"{format_money(amount, payment.currency)} {payment.currency}"
