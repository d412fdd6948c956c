"""What becomes of an order when its payment is authorized, or is not to be had."""

from dataclasses import replace

from replenish_contracts.catalogue import Event
from replenish_contracts.events import Fault
from services.order_dispatch.acting.till import settle
from services.order_dispatch.acting.turns import carry_out, go_on
from services.order_dispatch.domain import (
    FRUITLESS,
    OUTSIDE,
    Cancellation,
    Due,
    Move,
    State,
    Turn,
    ask_to_cancel,
    fail,
    lose,
)
from services.order_dispatch.store import Store


async def on_authorized(order_id: str, store: Store) -> list[Event]:
    """Go on with an order whose money is reserved; one that ended meanwhile gets it back."""
    order = await store.lock_order(order_id)
    if order is None:
        return []
    if order.state in FRUITLESS:
        return await settle([Due(Move.VOID)], order, store)
    if order.state is not State.AUTHORIZING:
        return []
    provider = await store.find_provider(order.provider_id)
    return await go_on(replace(order, authorized_at=store.now), provider, store)


async def on_payment_failed(order_id: str, reason: str, store: Store) -> list[Event]:
    """Fail an order that cannot be paid, or ask its provider to cancel it; goods that left are in trouble, in sight."""
    order = await store.lock_order(order_id)
    if order is None:
        return []
    why = f"the payment failed: {reason}"[:2000]
    if order.state is State.AUTHORIZING:
        turn = fail(order, why, store.now, Fault.PAYMENT)
        await store.save_turn(turn)
        return list(turn.events)
    order = lose(order, reason)
    if order.state in OUTSIDE:
        return await carry_out(ask_to_cancel(order, Cancellation("payment", why, store.now)), store)
    return await carry_out(Turn(order), store)
