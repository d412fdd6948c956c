"""Tasks that call payment services outside transactions and apply their answers in one."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from prometheus_client import Counter

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskResult
from replenish_contracts.catalogue import Event
from replenish_contracts.events import PaymentFailed, PaymentStep
from services.order_dispatch.payments.domain.answers import apply_answer
from services.order_dispatch.payments.domain.decisions import EXPIRED_REASON, expire, mark_unknown, withdraw
from services.order_dispatch.payments.domain.payment import Payment, PaymentDecision
from services.order_dispatch.payments.domain.protocol import (
    Confirmed,
    DeclineCause,
    Declined,
    PaymentAnswer,
    PaymentRequest,
    Status,
    check_answer,
)
from services.order_dispatch.payments.domain.states import PaymentState
from services.order_dispatch.payments.services import open_payment_service
from services.order_dispatch.payments.store import PaymentStore, token_owner
from services.order_dispatch.sealing import UnsealError, open_sealed, sealing_keys
from services.order_dispatch.settings import settings_of

#: Steps that a payment service or an operator declined, and obstacles that were known before.
DECLINES = Counter("order_dispatch_payment_declines", "Declined payment steps", ["service", "step", "cause"])
#: Result of an authorization that was voided before it was sent.
WITHDRAWN = {"withdrawn": True}


async def perform_step(task: Task, kit: Kit) -> dict[str, Any]:
    """Send the step in progress to the payment service; every attempt uses the same idempotency key.

    An obstacle that was known when the step was decided declines it without a call.
    """
    if obstacle := task.payload["obstacle"]:
        return _dump_answer(Declined(obstacle, DeclineCause(task.payload.get("cause", DeclineCause.CUSTOMER))))
    payment, request = await _read_request(task, kit)
    if request.step is PaymentStep.AUTHORIZE and payment.void_requested:
        # Nothing was sent yet: an attempt with an unknown outcome is reconciled instead of performed.
        return WITHDRAWN
    try:
        return _dump_answer(check_answer(request, await _call_service(request, payment, kit)))
    except RetryLaterError as error:
        overdue = request.requested_at + timedelta(hours=settings_of(kit).answer_hours) <= kit.clock.now()
        if request.step is PaymentStep.AUTHORIZE and overdue:  # the order keeps stock allocated meanwhile
            raise RejectedError(f"the payment service was not available: {error}") from error
        raise


async def reconcile_step(task: Task, kit: Kit) -> dict[str, Any]:
    """Look up the outcome of a step; if the service has no record of it, send it again with its key.

    The first request may still be in transit, so even a step that is no longer needed is sent again: only an answer to
    the key is certain. Raises RejectedError if an operator has given up the step.
    """
    async with kit.transaction() as tx:
        payment = await tx.store.lock_payment(task.payload["payment_id"])
        await tx.store.save_decision(mark_unknown(payment, tx.store.now))
        given_up = await tx.store.find_given_up(payment.payment_id)
    if given_up is not None:
        raise RejectedError(given_up)
    payment, request = await _read_request(task, kit)
    answer = await open_payment_service(payment.service, kit).find(request)
    return _dump_answer(check_answer(request, answer or await _call_service(request, payment, kit)))


class OrderEffect(StrEnum):
    """What the end of a payment's step means for its order."""

    AUTHORIZED = "authorized"
    #: Nothing was authorized, or the authorization expired.
    NOT_AUTHORIZED = "not_authorized"
    #: Goods were shipped, and no more than `captured` could be captured for them.
    NOT_CAPTURED = "not_captured"


class StepResult(NamedTuple):
    """A completed step: its events and its effect on the order, if any."""

    events: tuple[Event, ...]
    order_id: str
    effect: OrderEffect | None = None
    reason: str = ""
    #: Who can put right what failed.
    cause: DeclineCause = DeclineCause.OURS
    #: Total of the confirmed captures, in minor units; refunds do not reduce it.
    captured: int = 0


async def complete_step(task: Task, outcome: TaskResult, store: PaymentStore) -> StepResult:
    """Apply the outcome of a step and start the next one that was requested; locks the order first."""
    payment = await store.lock_payment(task.payload["payment_id"])
    if payment.idempotency_key != task.id:
        raise LookupError(f"{task.id} has a result, but the payment's step is {payment.idempotency_key}")
    if outcome.result == WITHDRAWN:
        decision, cause = withdraw(payment, store.now), DeclineCause.OURS
    else:
        answer = _read_outcome(outcome)
        decision = apply_answer(payment, answer, store.now, timedelta(days=store.settings.authorization_days))
        # The rest is an authorization that expired before we captured it.
        cause = answer.cause if isinstance(answer, Declined) else DeclineCause.OURS
        if isinstance(answer, Declined):
            DECLINES.labels(payment.service, payment.step or "", cause).inc()
    await store.save_decision(decision)
    reason, captured = decision.transitions[0].because, decision.payment.captured
    return StepResult(decision.events, payment.order_id, _order_effect(payment, decision), reason, cause, captured)


def _read_outcome(outcome: TaskResult) -> PaymentAnswer:
    """Return the answer; a step that was refused without one was given up, or the service was not available."""
    if outcome.result is not None:
        return _load_answer(outcome.result)
    return Declined(outcome.refused or "refused", DeclineCause.OURS)


def _order_effect(payment: Payment, decision: PaymentDecision) -> OrderEffect | None:
    """Return the effect of the end of a step; none of a failed capture if a larger one that includes it was started."""
    if payment.step is PaymentStep.CAPTURE:
        is_over = decision.payment.captured == payment.captured and decision.payment.step is not PaymentStep.CAPTURE
        return OrderEffect.NOT_CAPTURED if is_over else None
    if payment.step is not PaymentStep.AUTHORIZE or payment.void_requested:
        return None
    is_authorized = decision.transitions[0].to_state is PaymentState.AUTHORIZED
    return OrderEffect.AUTHORIZED if is_authorized else OrderEffect.NOT_AUTHORIZED


def _expiry_effect(decision: PaymentDecision) -> OrderEffect | None:
    match decision.events:
        case (PaymentFailed(step=PaymentStep.AUTHORIZE),):
            return OrderEffect.NOT_AUTHORIZED
        case (PaymentFailed(step=PaymentStep.CAPTURE),):
            return OrderEffect.NOT_CAPTURED
    return None


async def _read_request(task: Task, kit: Kit) -> tuple[Payment, PaymentRequest]:
    """Return the request of the step in progress."""
    async with kit.read() as store:
        payment, token_sealed = await store.get_payment(task.payload["payment_id"])
    if payment.step is None or payment.requested_at is None or payment.idempotency_key != task.id:
        raise LookupError(f"{task.id} is not the step in progress of payment {payment.payment_id}")
    return payment, PaymentRequest(
        step=payment.step,
        idempotency_key=payment.idempotency_key,
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        amount=payment.requested_amount,
        currency=payment.currency,
        requested_at=payment.requested_at,
        token=None if token_sealed is None else _open_token(payment, token_sealed, kit),
        reference=payment.reference,
        captured=payment.captured,
        final=payment.requested_final,
    )


def _open_token(payment: Payment, token_sealed: bytes, kit: Kit) -> str:
    try:
        return open_sealed(sealing_keys(kit), token_sealed, token_owner(payment.customer_id, payment.service))
    except UnsealError as error:
        raise RetryLaterError(f"the customer's token cannot be decrypted: {error}") from error


async def _call_service(request: PaymentRequest, payment: Payment, kit: Kit) -> PaymentAnswer:
    service = open_payment_service(payment.service, kit)
    calls = {
        PaymentStep.AUTHORIZE: service.authorize,
        PaymentStep.CAPTURE: service.capture,
        PaymentStep.VOID: service.void,
        PaymentStep.REFUND: service.refund,
    }
    return await calls[request.step](request)


def _dump_answer(answer: PaymentAnswer) -> dict[str, Any]:
    if isinstance(answer, Declined):
        return {"declined": answer.reason[:500], "cause": answer.cause}
    return {
        "status": answer.status.value,
        "reference": answer.reference,
        "amount": answer.amount,
        "currency": answer.currency,
        "expires_at": answer.expires_at and answer.expires_at.isoformat(),
        "captures_several": answer.captures_several,
    }


def _load_answer(result: dict[str, Any]) -> PaymentAnswer:
    if "declined" in result:
        return Declined(result["declined"], DeclineCause(result.get("cause", DeclineCause.BANK)))
    expires_at = result["expires_at"] and datetime.fromisoformat(result["expires_at"])
    return Confirmed(
        Status(result["status"]),
        result["reference"],
        result["amount"],
        result["currency"],
        expires_at,
        result.get("captures_several"),
    )


#: Expired authorizations per query; all are processed.
PAGE_SIZE = 100


async def expire_payments(store: PaymentStore) -> list[StepResult]:
    """End authorizations that have expired."""
    results: list[StepResult] = []
    while expired := await store.list_expired_payments(PAGE_SIZE):
        for payment_id in expired:
            payment = await store.lock_payment(payment_id)
            if payment.state is not PaymentState.AUTHORIZED:  # captured or voided while this waited for the lock
                continue
            decision = expire(payment, store.now)
            await store.save_decision(decision)
            effect, captured = _expiry_effect(decision), payment.captured
            results.append(StepResult(decision.events, payment.order_id, effect, EXPIRED_REASON, captured=captured))
    return results
