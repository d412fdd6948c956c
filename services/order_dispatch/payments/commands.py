"""What orders request of their payment; each command returns its events."""

from uuid import UUID, uuid5

from replenish_contracts.catalogue import Event
from services.order_dispatch.domain.order import Order
from services.order_dispatch.payments.domain.decisions import (
    open_payment,
    request_capture,
    request_refund,
    request_void,
)
from services.order_dispatch.payments.domain.payment import Payment
from services.order_dispatch.payments.store import PaymentStore

_PAYMENTS = UUID("6f0d3a52-5f0e-4d52-9a3e-0d1f5a1c7e11")


async def authorize(order: Order, store: PaymentStore) -> list[Event]:
    """Begin to reserve the order's price; the outcome comes by the hooks `on_authorized` or `on_failed`.

    The caller has the order's lock. Raises ValueError where there is nothing to pay or nobody to take it;
    beginning twice begins once.
    """
    if await store.lock_payment_of(order.order_id) is not None:
        return []
    service = await store.find_payment_service(order.provider_id)
    if order.price is None or order.currency is None or order.price <= 0 or service is None:
        raise ValueError(f"order {order.order_id} is not paid through us")
    method = await store.find_payment_method(order.customer_id, service)
    payment = Payment(
        payment_id=str(uuid5(_PAYMENTS, order.order_id)),
        order_id=order.order_id,
        customer_id=order.customer_id,
        product_id=order.product_id,
        pool_id=order.pool_id,
        provider_id=order.provider_id,
        service=service,
        currency=order.currency,
        amount=order.price,
        mandate=0,
    )
    decision = open_payment(payment, method.mandate if method else None, store.now)
    await store.add_payment(decision, method.token_sealed if method else None)
    store.add_service_calls(decision)
    return list(decision.events)


async def capture(order: Order, amount: int, store: PaymentStore) -> list[Event]:
    """Take this much for goods that left: once, however often it is asked. Orders without payment: nothing.

    A PaymentFailed that is returned says that nothing can be taken (the hook is not called for it).
    """
    payment = await store.lock_payment_of(order.order_id)
    if payment is None:
        return []
    decision = request_capture(payment, amount, store.now)
    await store.save_decision(decision)
    return list(decision.events)


async def void(order: Order, store: PaymentStore) -> list[Event]:
    """Let the money go, wherever the payment stands: withdrawn, freed, or given back."""
    payment = await store.lock_payment_of(order.order_id)
    if payment is None:
        return []
    decision = request_void(payment, store.now)
    await store.save_decision(decision)
    return list(decision.events)


async def refund(order: Order, amount: int, store: PaymentStore) -> list[Event]:
    """Give this much back, on top of earlier refunds; more than was taken is said as PaymentFailed.

    Every call asks for more: whoever calls sees to it that one return of goods calls once.
    """
    payment = await store.lock_payment_of(order.order_id)
    if payment is None:
        return []
    decision = request_refund(payment, amount, store.now)
    await store.save_decision(decision)
    return list(decision.events)
