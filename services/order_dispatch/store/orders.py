"""Orders and their histories: what decisions read and write."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from asyncpg import Record

from libs.kit import Store as KitStore
from replenish_contracts.events import Evidence
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain import Cancellation, Keeper, Order, State, Turn


class Orders(KitStore):
    """SQL about orders; every read that a decision follows locks the row."""

    async def add_order(self, turn: Turn) -> None:
        """Store an order that was just drafted, with the moves it has made already."""
        order = turn.order
        await self.connection.execute(
            """-- add_order
            INSERT INTO orders (
                order_id, customer_id, product_id, pool_id, provider_id, device_id, slot, packs, pack_size, quantity,
                unit, scale, receipt_id, drafted_at, price, currency, needed_by, state, step, test
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
            """,
            *(order.order_id, order.customer_id, order.product_id, order.pool_id, order.provider_id),
            *(order.device_id, order.slot, order.packs, order.pack_size, order.quantity, order.unit, order.scale),
            *(order.receipt_id, order.drafted_at, order.price, order.currency, order.needed_by),
            *(order.state, order.step, order.test),
        )
        await self._save_progress(order)
        await self._add_steps(turn)

    async def save_turn(self, turn: Turn) -> None:
        """Store what a decision changed, and its moves."""
        await self._save_progress(turn.order)
        await self._add_steps(turn)

    async def _save_progress(self, order: Order) -> None:
        wish = order.cancellation
        await self.connection.execute(
            """-- save_progress
            UPDATE orders SET
                state = $2, step = $3, look_at = $4, asks = $5, promised_at = $6, expected_at = $7,
                shipped_quantity = $8, tracking = CASE WHEN erased_at IS NULL THEN $9::text END, delivered_at = $10,
                evidence = $11, cancel_by = $12, cancel_reason = $13, cancel_at = $14, reserved_at = $15,
                authorized_at = $16, sent_at = $17, doubtful_until = $18, resolve_by = $19, reference = $20,
                billed = $21, billed_currency = $22, substitute = $23, returned_quantity = $24, given_back = $25,
                payment_trouble = $26, fraud_at = $27, fraud_cleared_at = $28, packs = $29, quantity = $30, price = $31,
                keeper = $32, answer_by = $33, taken = $34, taken_for = $35, counted_quantity = $36
            WHERE order_id = $1
            """,
            *(order.order_id, order.state, order.step, order.look_at, order.asks, order.promised_at),
            *(order.expected_at, order.shipped_quantity, order.tracking, order.delivered_at, order.evidence),
            *((wish.by, wish.reason, wish.occurred_at) if wish else (None, None, None)),
            *(order.reserved_at, order.authorized_at, order.sent_at, order.doubtful_until, order.resolve_by),
            *(order.reference, order.billed, order.billed_currency, order.substitute, order.returned_quantity),
            *(order.given_back, order.payment_trouble, order.fraud_at, order.fraud_cleared_at),
            *(order.packs, order.quantity, order.price, order.keeper, order.answer_by),
            *(order.taken, order.taken_for, order.counted_quantity),
        )

    async def _add_steps(self, turn: Turn) -> None:
        await self.connection.executemany(
            """-- add_steps
            INSERT INTO order_history (order_id, step, from_state, to_state, occurred_at, because, cause)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            [
                (turn.order.order_id, step.number, step.here, step.there, step.occurred_at, step.because, self.cause)
                for step in turn.steps
            ],
        )

    async def lock_order(self, order_id: str) -> Order | None:
        """Return the order, locked, or None where there is none."""
        row = await self.connection.fetchrow(
            """-- lock_order
            SELECT order_id, customer_id, product_id, pool_id, provider_id, device_id, slot, packs, pack_size, quantity,
                unit, scale, receipt_id, drafted_at, price, currency, needed_by, state, step, look_at, asks,
                promised_at, expected_at, shipped_quantity, tracking, delivered_at, evidence,
                cancel_by, cancel_reason, cancel_at, test, reserved_at, authorized_at, sent_at, doubtful_until,
                resolve_by, reference, billed, billed_currency, substitute, returned_quantity, given_back,
                payment_trouble, fraud_at, fraud_cleared_at, keeper, answer_by, taken, taken_for, counted_quantity
            FROM orders WHERE order_id = $1 FOR UPDATE
            """,
            order_id,
        )
        return None if row is None else as_order(row)

    async def lock_due_orders(self, limit: int) -> Sequence[Order]:
        """Return orders that are to be looked at by now, locked, the longest waiting first."""
        rows = await self.connection.fetch(
            """-- lock_due_orders
            SELECT order_id, customer_id, product_id, pool_id, provider_id, device_id, slot, packs, pack_size, quantity,
                unit, scale, receipt_id, drafted_at, price, currency, needed_by, state, step, look_at, asks,
                promised_at, expected_at, shipped_quantity, tracking, delivered_at, evidence,
                cancel_by, cancel_reason, cancel_at, test, reserved_at, authorized_at, sent_at, doubtful_until,
                resolve_by, reference, billed, billed_currency, substitute, returned_quantity, given_back,
                payment_trouble, fraud_at, fraud_cleared_at, keeper, answer_by, taken, taken_for, counted_quantity
            FROM orders WHERE look_at <= $1 ORDER BY look_at, order_id LIMIT $2 FOR UPDATE SKIP LOCKED
            """,
            self.now,
            limit,
        )
        return _orders(rows)

    async def lock_unsent_orders(self, customer_id: str, device_id: str | None = None) -> Sequence[Order]:
        """Return a customer's orders that nobody outside took, of one device or of all, locked by their ids."""
        rows = await self.connection.fetch(
            """-- lock_unsent_orders
            SELECT order_id, customer_id, product_id, pool_id, provider_id, device_id, slot, packs, pack_size, quantity,
                unit, scale, receipt_id, drafted_at, price, currency, needed_by, state, step, look_at, asks,
                promised_at, expected_at, shipped_quantity, tracking, delivered_at, evidence,
                cancel_by, cancel_reason, cancel_at, test, reserved_at, authorized_at, sent_at, doubtful_until,
                resolve_by, reference, billed, billed_currency, substitute, returned_quantity, given_back,
                payment_trouble, fraud_at, fraud_cleared_at, keeper, answer_by, taken, taken_for, counted_quantity
            FROM orders
            WHERE customer_id = $1
                AND (state IN ('drafted', 'reserving', 'authorizing')
                    OR (state = 'placing' AND (keeper IS NOT NULL OR sent_at IS NULL)))
                AND ($2::text IS NULL OR device_id = $2)
            ORDER BY order_id FOR UPDATE
            """,
            customer_id,
            device_id,
        )
        return _orders(rows)

    async def forget_customer(self, customer_id: str, at: datetime) -> None:
        """Take out of orders what a person wrote or could be found by; numbers stay for the books."""
        await self.connection.execute(
            """-- forget_customer
            UPDATE orders SET tracking = NULL, cancel_reason = CASE WHEN cancel_reason IS NOT NULL THEN '' END,
                erased_at = $2
            WHERE customer_id = $1
            """,
            customer_id,
            at,
        )


def _orders(rows: Iterable[Record]) -> list[Order]:
    return [as_order(row) for row in rows]


def as_order(row: Record) -> Order:
    """Return the order a full row of `orders` is about."""
    columns: dict[str, Any] = dict(row)
    by, reason, at = (columns.pop(name) for name in ("cancel_by", "cancel_reason", "cancel_at"))
    columns["cancellation"] = None if by is None else Cancellation(by, reason, at)
    columns["unit"] = BaseUnit(columns["unit"])
    columns["state"] = State(columns["state"])
    columns["keeper"] = columns["keeper"] and Keeper(columns["keeper"])
    columns["evidence"] = columns["evidence"] and Evidence(columns["evidence"])
    return Order(**columns)
