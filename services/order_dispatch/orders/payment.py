"""What the outcome of a payment step does to its order."""

from collections.abc import Iterable
from dataclasses import replace

from libs.kit import Task, TaskKind, TaskResult
from replenish_contracts.catalogue import MAX_TEXT, Event
from replenish_contracts.events import Fault, PaymentStep
from services.order_dispatch.domain.cancellation import cancel, fail
from services.order_dispatch.domain.lines import Cancellation
from services.order_dispatch.domain.money import MoneyMove, PaymentMove, record_payment_failure
from services.order_dispatch.domain.order import Decision
from services.order_dispatch.domain.states import SUBMITTED, WITHOUT_GOODS, State
from services.order_dispatch.orders.decisions import advance_order, apply_decision, move_money
from services.order_dispatch.orders.store import OrderStore
from services.order_dispatch.payments import tasks as payments
from services.order_dispatch.payments.domain.protocol import DeclineCause
from services.order_dispatch.payments.tasks import OrderEffect, StepResult


async def on_payment_step(task: Task, outcome: TaskResult, store: OrderStore) -> list[Event]:
    return await _apply_results([await payments.complete_step(task, outcome, store)], store)


async def expire_payments(store: OrderStore) -> list[Event]:
    """End expired authorizations, and the orders that still wait for them; a periodic job."""
    return await _apply_results(await payments.expire_payments(store), store)


async def _apply_results(results: Iterable[StepResult], store: OrderStore) -> list[Event]:
    events: list[Event] = []
    for result in results:
        events += result.events
        if result.effect is OrderEffect.AUTHORIZED:
            events += await on_authorized(result.order_id, store)
        elif result.effect is not None:
            events += await on_payment_failed(result.order_id, result.reason, store, result.captured, result.cause)
    return events


async def on_authorized(order_id: str, store: OrderStore) -> list[Event]:
    """Advance an order whose money is authorized; if it ended meanwhile, void the authorization."""
    order = await store.lock_order(order_id)
    if order is None:
        return []
    if order.state in WITHOUT_GOODS:
        return await move_money([PaymentMove(MoneyMove.VOID)], order, store)
    if order.state is not State.AUTHORIZING:
        return []
    provider = await store.find_provider(order.provider_id)
    return await advance_order(replace(order, authorized_at=store.now), provider, store)


async def on_payment_failed(
    order_id: str, reason: str, store: OrderStore, captured: int = 0, cause: DeclineCause = DeclineCause.BANK
) -> list[Event]:
    """Fail an unpaid order or request its cancellation; a shipped one only records the problem.

    `captured` is what earlier captures brought, in minor units. The customer is told to check the payment method only
    if that could put it right.
    """
    order = await store.lock_order(order_id)
    if order is None:
        return []
    concerns_customer = cause.concerns_customer
    fault = Fault.PAYMENT if concerns_customer else Fault.BILLING
    problem = "the payment failed" if concerns_customer else "the payment could not be processed"
    reason_text = f"{problem}: {reason}"[:MAX_TEXT]
    if order.state is State.AUTHORIZING:
        decision = fail(order, reason_text, store.now, fault)
        await store.save_order_decision(decision)
        return list(decision.events)
    order = record_payment_failure(order, reason, captured)
    if order.state in SUBMITTED:
        return await apply_decision(cancel(order, Cancellation(fault, reason_text, store.now)), store)
    return await apply_decision(Decision(order), store)


#: One task per step of a payment; its id is the idempotency key.
PAYMENT_TASKS = tuple(
    TaskKind(step.value, perform=payments.perform_step, complete=on_payment_step, reconcile=payments.reconcile_step)
    for step in PaymentStep
)
