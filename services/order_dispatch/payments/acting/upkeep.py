"""Time passes: reservations that nobody took run out."""

from replenish_contracts.catalogue import Event
from services.order_dispatch.payments.acting.hooks import hooks
from services.order_dispatch.payments.domain import LAPSED, PaymentState, lapse
from services.order_dispatch.payments.store import PaymentStore

PAGE = 100


async def look_after_payments(store: PaymentStore) -> list[Event]:
    """End reservations whose time is over; a tick. An order that still waits for its goods is told."""
    events: list[Event] = []
    while lapsed := await store.list_lapsed_payments(PAGE):
        for payment_id in lapsed:
            payment = await store.lock_payment(payment_id)
            if payment.state is not PaymentState.AUTHORIZED:  # taken or freed while we waited for the lock
                continue
            turn = lapse(payment, store.now)
            await store.save_money(turn)
            events += [*turn.events, *await hooks.on_failed(payment.order_id, LAPSED, store)]
    return events
