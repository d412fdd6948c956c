"""All SQL about money."""

from services.order_dispatch.payments.domain import PaymentTurn
from services.order_dispatch.payments.store.methods import Methods, PaymentMethod, about
from services.order_dispatch.payments.store.money import Money
from services.order_dispatch.payments.store.payments import Payments


class PaymentStore(Payments, Money, Methods):
    """One transaction over payments, their histories, the books and what customers pay with."""

    async def save_money(self, turn: PaymentTurn) -> None:
        """Store all of a decision: the payment, its moves, its bookings, and whom to call next."""
        await self.save_payment(turn)
        await self.book_money(turn)
        self.intend_calls(turn)

    def intend_calls(self, turn: PaymentTurn) -> None:
        for call in turn.calls:
            payload = {"payment_id": turn.payment.payment_id, "obstacle": call.obstacle}
            self.add_task(call.step, call.key, payload)


__all__ = ["PaymentMethod", "PaymentStore", "about"]
