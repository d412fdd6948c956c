"""Asks payment services, outside any transaction, and takes their answers in one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskKind, TaskResult
from replenish_contracts.catalogue import Event
from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.acting.hooks import hooks
from services.order_dispatch.payments.acting.registry import service
from services.order_dispatch.payments.domain import (
    Answer,
    Ask,
    Declined,
    Payment,
    PaymentState,
    PaymentTurn,
    Receipt,
    Status,
    answered,
    believe,
    lose_track,
    withdraw,
)
from services.order_dispatch.payments.store import PaymentStore, about
from services.order_dispatch.sealing import UnsealError, open_sealed, read_keys

WITHDRAWN = {"withdrawn": True}


async def ask_service(task: Task, kit: Kit) -> dict[str, Any]:
    """Ask for the step under way; every attempt carries the same key."""
    payment, ask = await _question(task, kit)
    if ask.step is PaymentStep.AUTHORIZE and payment.void_asked:
        return WITHDRAWN  # and nobody was asked: an attempt whose outcome nobody knows goes to `look_up`
    try:
        return _written(believe(ask, await _call(ask, payment, kit)))
    except RetryLaterError as error:
        if ask.step is PaymentStep.AUTHORIZE and _waited_enough(ask, kit):
            raise RejectedError(f"the payment service could not be asked: {error}") from error
        raise


async def look_up(task: Task, kit: Kit) -> dict[str, Any]:
    """Ask what became of the step; where the service knows nothing of it, ask for it again under its key.

    The first request may still be on its way, so that even what is not wanted any more is asked for again:
    only an answer under the key is certain. What an operator gave up, having settled it with the service, ends here.
    """
    async with kit.transaction() as tx:
        payment = await tx.store.lock_payment(task.payload["payment_id"])
        await tx.store.save_money(lose_track(payment, tx.store.now))
        given_up = await tx.store.find_given_up(payment.payment_id)
    if given_up is not None:
        raise RejectedError(given_up)
    payment, ask = await _question(task, kit)
    found = await service(payment.service, kit).find(ask)
    return _written(believe(ask, found or await _call(ask, payment, kit)))


async def on_answered(task: Task, outcome: TaskResult, store: PaymentStore) -> Sequence[Event]:
    """Book the outcome, go on with what is wanted, and tell whoever moves the order."""
    payment = await store.lock_payment(task.payload["payment_id"])
    if payment.key != task.id:
        raise LookupError(f"{task.id} was answered, the payment is at {payment.key}")
    turn = _turn(payment, outcome, store)
    await store.save_money(turn)
    return [*turn.events, *await _tell(payment, turn, store)]


def _turn(payment: Payment, outcome: TaskResult, store: PaymentStore) -> PaymentTurn:
    if outcome.result == WITHDRAWN:
        return withdraw(payment, store.now)
    answer = _read(outcome.result) if outcome.result is not None else Declined(outcome.refused or "refused")
    return answered(payment, answer, store.now, timedelta(days=store.settings.authorization_days))


async def _tell(payment: Payment, turn: PaymentTurn, store: PaymentStore) -> Sequence[Event]:
    there = turn.moves[0].there
    if payment.step is PaymentStep.CAPTURE and there is not PaymentState.CAPTURED:
        return await hooks.on_capture_failed(payment.order_id, turn.moves[0].because, store)
    if payment.step is not PaymentStep.AUTHORIZE or payment.void_asked:
        return ()
    if there is PaymentState.AUTHORIZED:
        return await hooks.on_authorized(payment.order_id, store)
    return await hooks.on_failed(payment.order_id, turn.moves[0].because, store)


async def _question(task: Task, kit: Kit) -> tuple[Payment, Ask]:
    """Return what is to be asked; raises RejectedError where it was clear from the start that it cannot be."""
    if obstacle := task.payload["obstacle"]:
        raise RejectedError(obstacle)
    async with kit.read() as store:
        payment, token_sealed = await store.get_payment(task.payload["payment_id"])
    if payment.step is None or payment.asked_at is None or payment.key != task.id:
        raise LookupError(f"{task.id} is not the step under way of payment {payment.payment_id}")
    return payment, Ask(
        step=payment.step,
        key=payment.key,
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        amount=payment.asked,
        currency=payment.currency,
        asked_at=payment.asked_at,
        token=_token(payment, token_sealed, kit),
        reference=payment.reference,
    )


def _waited_enough(ask: Ask, kit: Kit) -> bool:
    """Tell whether goods were set aside long enough for money that nobody can ask for."""
    hours: float = kit.settings.answer_hours  # type: ignore[attr-defined]  # the kit knows only its own settings
    return ask.asked_at + timedelta(hours=hours) <= kit.clock.now()


def _token(payment: Payment, token_sealed: bytes | None, kit: Kit) -> str | None:
    if token_sealed is None:
        return None
    try:
        keys = read_keys(kit.settings.sealing_key)  # type: ignore[attr-defined]  # the kit knows only its own settings
        return open_sealed(keys, token_sealed, about(payment.customer_id, payment.service))
    except UnsealError as error:
        raise RetryLaterError(f"the customer's token cannot be opened: {error}") from error


async def _call(ask: Ask, payment: Payment, kit: Kit) -> Answer:
    asked = service(payment.service, kit)
    calls = {
        PaymentStep.AUTHORIZE: asked.authorize,
        PaymentStep.CAPTURE: asked.capture,
        PaymentStep.VOID: asked.void,
        PaymentStep.REFUND: asked.refund,
    }
    return await calls[ask.step](ask)


def _written(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Declined):
        return {"declined": answer.reason[:500]}
    return {
        "status": answer.status.value,
        "reference": answer.reference,
        "amount": answer.amount,
        "currency": answer.currency,
        "expires_at": answer.expires_at and answer.expires_at.isoformat(),
    }


def _read(result: dict[str, Any]) -> Answer:
    if "declined" in result:
        return Declined(result["declined"])
    expires_at = result["expires_at"] and datetime.fromisoformat(result["expires_at"])
    return Receipt(Status(result["status"]), result["reference"], result["amount"], result["currency"], expires_at)


#: One intent per step of a payment; its id is the idempotency key.
TASKS = tuple(
    TaskKind(step.value, perform=ask_service, complete=on_answered, reconcile=look_up) for step in PaymentStep
)
