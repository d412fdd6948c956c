"""Payments and their histories."""

from collections.abc import Sequence
from typing import Any

from asyncpg import Record

from libs.kit import Store as KitStore
from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain import Payment, PaymentState, PaymentTurn


class Payments(KitStore):
    """SQL about payments; the order's row is locked before its payment's, everywhere."""

    async def find_payment_service(self, provider_id: str) -> str | None:
        """Return the module in payments/ that takes this provider's money, if we do."""
        name: str | None = await self.connection.fetchval(
            """-- find_payment_service
            SELECT payment FROM provider WHERE provider_id = $1
            """,
            provider_id,
        )
        return name

    async def add_payment(self, turn: PaymentTurn, token_sealed: bytes | None) -> None:
        payment = turn.payment
        await self.connection.execute(
            """-- add_payment
            INSERT INTO payment (payment_id, order_id, service, currency, amount, mandate, state, move, step, key,
                asked, asked_at, reason, token_sealed)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            """,
            *(payment.payment_id, payment.order_id, payment.service, payment.currency, payment.amount),
            *(payment.mandate, payment.state, payment.move, payment.step, payment.key, payment.asked),
            *(payment.asked_at, payment.reason, token_sealed),
        )
        await self._add_moves(turn)

    async def save_payment(self, turn: PaymentTurn) -> None:
        """Store what a decision changed, and its moves; the token goes when it is known what became of it."""
        payment = turn.payment
        await self.connection.execute(
            """-- save_payment
            UPDATE payment SET state = $2, move = $3, step = $4, key = $5, asked = $6, asked_at = $7, authorized = $8,
                captured = $9, refunded = $10, capture_asked = $11, void_asked = $12, refund_asked = $13,
                reference = $14, expires_at = $15, reason = $16,
                token_sealed = CASE WHEN $4 = 'authorize' THEN token_sealed END,
                given_up = CASE WHEN $2 = 'unknown' THEN given_up END
            WHERE payment_id = $1
            """,
            *(payment.payment_id, payment.state, payment.move, payment.step, payment.key, payment.asked),
            *(payment.asked_at, payment.authorized, payment.captured, payment.refunded, payment.capture_asked),
            *(payment.void_asked, payment.refund_asked, payment.reference, payment.expires_at, payment.reason),
        )
        await self._add_moves(turn)

    async def _add_moves(self, turn: PaymentTurn) -> None:
        await self.connection.executemany(
            """-- add_moves
            INSERT INTO payment_history (payment_id, move, from_state, to_state, step, amount, occurred_at,
                because, cause)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                (
                    turn.payment.payment_id,
                    m.number,
                    m.here,
                    m.there,
                    m.step,
                    m.amount,
                    m.occurred_at,
                    m.because,
                    self.cause,
                )
                for m in turn.moves
            ],
        )

    async def lock_payment(self, payment_id: str) -> Payment:
        """Return the payment, with its order locked before it."""
        await self.connection.execute(
            """-- lock_order_of_payment
            SELECT FROM orders WHERE order_id = (SELECT order_id FROM payment WHERE payment_id = $1) FOR UPDATE
            """,
            payment_id,
        )
        payment = await self._lock(payment_id, None)
        if payment is None:
            raise LookupError(f"there is no payment {payment_id}")
        return payment

    async def lock_payment_of(self, order_id: str) -> Payment | None:
        """Return an order's payment, locked; the caller has the order's lock."""
        return await self._lock(None, order_id)

    async def _lock(self, payment_id: str | None, order_id: str | None) -> Payment | None:
        row = await self.connection.fetchrow(
            """-- lock_payment
            SELECT p.payment_id, p.order_id, o.customer_id, o.product_id, o.pool_id, o.provider_id, p.service,
                p.currency, p.amount, p.mandate, p.state, p.move, p.step, p.key, p.asked, p.asked_at,
                p.authorized, p.captured, p.refunded, p.capture_asked, p.void_asked, p.refund_asked,
                p.reference, p.expires_at, p.reason
            FROM payment AS p JOIN orders AS o USING (order_id)
            WHERE p.payment_id = $1 OR p.order_id = $2 FOR UPDATE OF p
            """,
            payment_id,
            order_id,
        )
        return None if row is None else _payment(row)

    async def find_payment(self, order_id: str) -> Payment | None:
        row = await self.connection.fetchrow(
            """-- find_payment
            SELECT p.payment_id, p.order_id, o.customer_id, o.product_id, o.pool_id, o.provider_id, p.service,
                p.currency, p.amount, p.mandate, p.state, p.move, p.step, p.key, p.asked, p.asked_at,
                p.authorized, p.captured, p.refunded, p.capture_asked, p.void_asked, p.refund_asked,
                p.reference, p.expires_at, p.reason
            FROM payment AS p JOIN orders AS o USING (order_id) WHERE p.order_id = $1
            """,
            order_id,
        )
        return None if row is None else _payment(row)

    async def get_payment(self, payment_id: str) -> tuple[Payment, bytes | None]:
        """Return a payment with its sealed token, for whoever is about to ask the payment service."""
        row = await self.connection.fetchrow(
            """-- get_payment
            SELECT p.payment_id, p.order_id, o.customer_id, o.product_id, o.pool_id, o.provider_id, p.service,
                p.currency, p.amount, p.mandate, p.state, p.move, p.step, p.key, p.asked, p.asked_at,
                p.authorized, p.captured, p.refunded, p.capture_asked, p.void_asked, p.refund_asked,
                p.reference, p.expires_at, p.reason, p.token_sealed
            FROM payment AS p JOIN orders AS o USING (order_id) WHERE p.payment_id = $1
            """,
            payment_id,
        )
        if row is None:
            raise LookupError(f"there is no payment {payment_id}")
        columns = dict(row)
        token_sealed = columns.pop("token_sealed")
        return _payment(columns), token_sealed

    async def list_lapsed_payments(self, limit: int) -> Sequence[str]:
        """Return payments whose reservation is over, the longest first."""
        rows = await self.connection.fetch(
            """-- list_lapsed_payments
            SELECT payment_id FROM payment WHERE state = 'authorized' AND expires_at <= $1
            ORDER BY expires_at, payment_id LIMIT $2
            """,
            self.now,
            limit,
        )
        return [row["payment_id"] for row in rows]

    async def list_moves(self, payment_id: str) -> Sequence[Record]:
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_moves
            SELECT move, from_state, to_state, step, amount, occurred_at, because, cause
            FROM payment_history WHERE payment_id = $1 ORDER BY move
            """,
            payment_id,
        )
        return rows

    async def list_unknown_payments(self, limit: int) -> Sequence[Record]:
        """Return payments of which nobody knows how a step ended, the longest first."""
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_unknown_payments
            SELECT payment_id, order_id, service, step, asked, currency, asked_at, given_up FROM payment
            WHERE state = 'unknown' ORDER BY asked_at, payment_id LIMIT $1
            """,
            limit,
        )
        return rows

    async def give_up(self, payment_id: str, reason: str) -> bool:
        """Let the step under way of an unknown payment end as not done; False where it is not unknown."""
        given_up: bool | None = await self.connection.fetchval(
            """-- give_up
            UPDATE payment SET given_up = $2 WHERE payment_id = $1 AND state = 'unknown' RETURNING true
            """,
            payment_id,
            reason,
        )
        return given_up is not None

    async def find_given_up(self, payment_id: str) -> str | None:
        reason: str | None = await self.connection.fetchval(
            "-- find_given_up\nSELECT given_up FROM payment WHERE payment_id = $1", payment_id
        )
        return reason


def _payment(row: Any) -> Payment:
    columns: dict[str, Any] = dict(row)
    columns["state"] = PaymentState(columns["state"])
    columns["step"] = columns["step"] and PaymentStep(columns["step"])
    return Payment(**columns)
