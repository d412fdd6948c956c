"""Commands of orders to their payment: authorize, capture, void, refund. Each returns the payment's events.

The caller holds the order's row lock. An order without a payment ignores capture, void and refund.
"""

from collections.abc import Callable
from uuid import UUID, uuid5

from replenish_contracts.catalogue import Event
from services.order_dispatch.domain.order import Order
from services.order_dispatch.payments.domain.decisions import (
    open_payment,
    request_capture,
    request_refund,
    request_void,
)
from services.order_dispatch.payments.domain.payment import Payment, PaymentDecision
from services.order_dispatch.payments.services import describe_payment_service
from services.order_dispatch.payments.store import PaymentStore

_NAMESPACE = UUID("6f0d3a52-5f0e-4d52-9a3e-0d1f5a1c7e11")


async def authorize(order: Order, store: PaymentStore) -> list[Event]:
    """Start to authorize the order's price, once; the result arrives through the task (tasks.py).

    Raises ValueError if the order has no price or its provider has no payment service.
    """
    if await store.lock_payment_of_order(order.order_id) is not None:
        return []
    service = await store.find_payment_service(order.provider_id)
    if order.price is None or order.currency is None or order.price <= 0 or service is None:
        raise ValueError(f"order {order.order_id} has no price or no payment service")
    method = await store.find_payment_method(order.customer_id, service)
    described = describe_payment_service(service)
    payment = Payment(
        payment_id=str(uuid5(_NAMESPACE, order.order_id)),
        order_id=order.order_id,
        customer_id=order.customer_id,
        product_id=order.lines[0].product_id,
        pool_id=order.lines[0].pool_id,
        provider_id=order.provider_id,
        service=service,
        currency=order.currency,
        amount=order.price,
        mandate=0,
        captures_several=described.captures_several,
        rules=described.find_rules(order.currency),
    )
    decision = open_payment(payment, method.mandate if method else None, store.now)
    await store.add_payment(decision, method.token_sealed if method else None)
    return list(decision.events)


async def capture(order: Order, due_total: int, store: PaymentStore, *, final: bool = True) -> list[Event]:
    """Capture what is due for all goods that left so far, in minor units and with the fee; `final`: no more will leave.

    Captures the total, rounded down to what the payment service can charge, less what was captured or is being
    captured. One that captures only once waits for `final`, which captures all that is due and releases the rest.
    Repeats and smaller totals change nothing.

    A PaymentFailed among the returned events means that nothing can be captured; no task will report it.
    """
    return await _apply(lambda payment: request_capture(payment, due_total, store.now, final=final), order, store)


async def void(order: Order, store: PaymentStore) -> list[Event]:
    """Release what was not captured and refund what was, as soon as the payment's state allows it."""
    return await _apply(lambda payment: request_void(payment, store.now), order, store)


async def refund(order: Order, amount: int, store: PaymentStore) -> list[Event]:
    """Refund the amount in addition to earlier refunds. Not idempotent: the caller calls once per return.

    Possible while further parts are to be captured. Returns PaymentFailed if the amount exceeds what is left of the
    captured and requested total; a refund of an amount that is being captured waits for the capture.
    """
    return await _apply(lambda payment: request_refund(payment, amount, store.now), order, store)


async def _apply(decide: Callable[[Payment], PaymentDecision], order: Order, store: PaymentStore) -> list[Event]:
    payment = await store.lock_payment_of_order(order.order_id)
    if payment is None:
        return []
    decision = decide(payment)
    await store.save_decision(decision)
    return list(decision.events)
