"""The books of money: added to, never changed."""

from libs.kit import Store as KitStore
from services.order_dispatch.payments.domain import PaymentTurn


class Money(KitStore):
    """SQL about money that moved."""

    async def book_money(self, turn: PaymentTurn) -> None:
        """Write a decision's bookings under the payment's last settled move; a move is booked once."""
        for booking in turn.bookings:
            await self.connection.execute(
                """-- book_money
                WITH booked AS (
                    INSERT INTO money_transaction (payment_id, move, kind, currency, occurred_at)
                    VALUES ($1, $2, $3, $4, $5) RETURNING number
                )
                INSERT INTO money_entry (number, account, amount)
                SELECT number, account, amount FROM booked, unnest($6::text[], $7::bigint[]) AS e (account, amount)
                """,
                turn.payment.payment_id,
                turn.moves[0].number,
                booking.kind,
                turn.payment.currency,
                turn.moves[0].occurred_at,
                [account for account, _ in booking.entries],
                [amount for _, amount in booking.entries],
            )
