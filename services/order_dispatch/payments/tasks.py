"""Calls payment services outside transactions and applies their answers in one."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskResult
from replenish_contracts.catalogue import Event
from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain.decisions import (
    EXPIRED_REASON,
    apply_answer,
    expire,
    mark_unknown,
    withdraw,
)
from services.order_dispatch.payments.domain.payment import Payment, PaymentDecision
from services.order_dispatch.payments.domain.protocol import (
    Declined,
    PaymentAnswer,
    PaymentRequest,
    Receipt,
    Status,
    check_answer,
)
from services.order_dispatch.payments.domain.states import PaymentState
from services.order_dispatch.payments.services import open_payment_service
from services.order_dispatch.payments.store import PaymentStore, token_owner
from services.order_dispatch.sealing import UnsealError, open_sealed, read_keys

WITHDRAWN = {"withdrawn": True}


async def perform_step(task: Task, kit: Kit) -> dict[str, Any]:
    """Ask for the step under way; every attempt carries the same key."""
    payment, ask = await _current_step(task, kit)
    if ask.step is PaymentStep.AUTHORIZE and payment.void_requested:
        return WITHDRAWN  # and nobody was asked: an attempt whose outcome nobody knows goes to `look_up`
    try:
        return _dump_answer(check_answer(ask, await _call_service(ask, payment, kit)))
    except RetryLaterError as error:
        if ask.step is PaymentStep.AUTHORIZE and _is_overdue(ask, kit):
            raise RejectedError(f"the payment service could not be asked: {error}") from error
        raise


async def reconcile_step(task: Task, kit: Kit) -> dict[str, Any]:
    """Ask what became of the step; where the service knows nothing of it, ask for it again under its key.

    The first request may still be on its way, so that even what is not wanted any more is asked for again:
    only an answer under the key is certain. What an operator gave up, having settled it with the service, ends here.
    """
    async with kit.transaction() as tx:
        payment = await tx.store.lock_payment(task.payload["payment_id"])
        await tx.store.save_decision(mark_unknown(payment, tx.store.now))
        given_up = await tx.store.find_given_up(payment.payment_id)
    if given_up is not None:
        raise RejectedError(given_up)
    payment, ask = await _current_step(task, kit)
    found = await open_payment_service(payment.service, kit).find(ask)
    return _dump_answer(check_answer(ask, found or await _call_service(ask, payment, kit)))


class OrderEffect(StrEnum):
    """What the end of a payment's step means for its order."""

    AUTHORIZED = "authorized"
    #: Nothing was authorized, or the authorization expired.
    NOT_AUTHORIZED = "not_authorized"
    #: Goods left, and their money could not be captured.
    NOT_CAPTURED = "not_captured"


class StepResult(NamedTuple):
    """A completed step: its events, and what follows for the order, if anything does."""

    events: tuple[Event, ...]
    order_id: str
    effect: OrderEffect | None = None
    reason: str = ""


async def complete_step(task: Task, outcome: TaskResult, store: PaymentStore) -> StepResult:
    """Book the outcome of a step and start the next one that was requested; the order's row is locked."""
    payment = await store.lock_payment(task.payload["payment_id"])
    if payment.key != task.id:
        raise LookupError(f"{task.id} was answered, but the payment's step is {payment.key}")
    decision = _decide(payment, outcome, store)
    await store.save_decision(decision)
    reason = decision.transitions[0].because
    return StepResult(
        decision.events, payment.order_id, _order_effect(payment, decision.transitions[0].to_state), reason
    )


def _decide(payment: Payment, outcome: TaskResult, store: PaymentStore) -> PaymentDecision:
    if outcome.result == WITHDRAWN:
        return withdraw(payment, store.now)
    answer = _load_answer(outcome.result) if outcome.result is not None else Declined(outcome.refused or "refused")
    return apply_answer(payment, answer, store.now, timedelta(days=store.settings.authorization_days))


def _order_effect(payment: Payment, to_state: PaymentState) -> OrderEffect | None:
    if payment.step is PaymentStep.CAPTURE and to_state is not PaymentState.CAPTURED:
        return OrderEffect.NOT_CAPTURED
    if payment.step is not PaymentStep.AUTHORIZE or payment.void_requested:
        return None
    return OrderEffect.AUTHORIZED if to_state is PaymentState.AUTHORIZED else OrderEffect.NOT_AUTHORIZED


async def _current_step(task: Task, kit: Kit) -> tuple[Payment, PaymentRequest]:
    """Return what is to be asked; raises RejectedError where it was clear from the start that it cannot be."""
    if obstacle := task.payload["obstacle"]:
        raise RejectedError(obstacle)
    async with kit.read() as store:
        payment, token_sealed = await store.get_payment(task.payload["payment_id"])
    if payment.step is None or payment.requested_at is None or payment.key != task.id:
        raise LookupError(f"{task.id} is not the step under way of payment {payment.payment_id}")
    return payment, PaymentRequest(
        step=payment.step,
        key=payment.key,
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        amount=payment.requested,
        currency=payment.currency,
        requested_at=payment.requested_at,
        token=_open_token(payment, token_sealed, kit),
        reference=payment.reference,
    )


def _is_overdue(ask: PaymentRequest, kit: Kit) -> bool:
    """Tell whether goods were set aside long enough for money that nobody can ask for."""
    hours: float = kit.settings.answer_hours  # type: ignore[attr-defined]  # the kit knows only its own settings
    return ask.requested_at + timedelta(hours=hours) <= kit.clock.now()


def _open_token(payment: Payment, token_sealed: bytes | None, kit: Kit) -> str | None:
    if token_sealed is None:
        return None
    try:
        keys = read_keys(kit.settings.sealing_key)  # type: ignore[attr-defined]  # the kit knows only its own settings
        return open_sealed(keys, token_sealed, token_owner(payment.customer_id, payment.service))
    except UnsealError as error:
        raise RetryLaterError(f"the customer's token cannot be opened: {error}") from error


async def _call_service(ask: PaymentRequest, payment: Payment, kit: Kit) -> PaymentAnswer:
    asked = open_payment_service(payment.service, kit)
    calls = {
        PaymentStep.AUTHORIZE: asked.authorize,
        PaymentStep.CAPTURE: asked.capture,
        PaymentStep.VOID: asked.void,
        PaymentStep.REFUND: asked.refund,
    }
    return await calls[ask.step](ask)


def _dump_answer(answer: PaymentAnswer) -> dict[str, Any]:
    if isinstance(answer, Declined):
        return {"declined": answer.reason[:500]}
    return {
        "status": answer.status.value,
        "reference": answer.reference,
        "amount": answer.amount,
        "currency": answer.currency,
        "expires_at": answer.expires_at and answer.expires_at.isoformat(),
    }


def _load_answer(result: dict[str, Any]) -> PaymentAnswer:
    if "declined" in result:
        return Declined(result["declined"])
    expires_at = result["expires_at"] and datetime.fromisoformat(result["expires_at"])
    return Receipt(Status(result["status"]), result["reference"], result["amount"], result["currency"], expires_at)


#: Expired authorizations per statement; a page, not a limit.
PAGE = 100


async def expire_payments(store: PaymentStore) -> list[StepResult]:
    """End authorizations whose time is over."""
    results: list[StepResult] = []
    while expired := await store.list_expired_payments(PAGE):
        for payment_id in expired:
            payment = await store.lock_payment(payment_id)
            if payment.state is not PaymentState.AUTHORIZED:  # captured or voided while this waited for the lock
                continue
            decision = expire(payment, store.now)
            await store.save_decision(decision)
            effect = OrderEffect.NOT_AUTHORIZED
            results.append(StepResult(decision.events, payment.order_id, effect, EXPIRED_REASON))
    return results
