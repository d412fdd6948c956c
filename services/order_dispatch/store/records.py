"""Orders as people read them: lists, histories, and what providers said."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from libs.kit import Store as KitStore
from services.order_dispatch.domain import Order, State
from services.order_dispatch.store.orders import as_order


class Records(KitStore):
    """SQL that answers questions and decides nothing."""

    async def find_order(self, order_id: str) -> Order | None:
        row = await self.connection.fetchrow(
            """-- find_order
            SELECT order_id, customer_id, product_id, pool_id, provider_id, device_id, slot, packs, pack_size, quantity,
                unit, scale, receipt_id, drafted_at, price, currency, needed_by, state, step, look_at, asks,
                promised_at, expected_at, shipped_quantity, tracking, delivered_at, evidence,
                cancel_by, cancel_reason, cancel_at, test, reserved_at, authorized_at, sent_at, doubtful_until,
                resolve_by, reference, billed, billed_currency, substitute, returned_quantity, given_back,
                payment_trouble, fraud_at, fraud_cleared_at, keeper, answer_by, taken, taken_for, counted_quantity
            FROM orders WHERE order_id = $1
            """,
            order_id,
        )
        return None if row is None else as_order(row)

    async def list_orders(self, customer_id: str, before: tuple[datetime, str] | None, limit: int) -> Sequence[Order]:
        """Return a customer's orders, the newest first, from before a place in that list."""
        drafted_at, order_id = before or (None, None)
        rows = await self.connection.fetch(
            """-- list_orders
            SELECT order_id, customer_id, product_id, pool_id, provider_id, device_id, slot, packs, pack_size, quantity,
                unit, scale, receipt_id, drafted_at, price, currency, needed_by, state, step, look_at, asks,
                promised_at, expected_at, shipped_quantity, tracking, delivered_at, evidence,
                cancel_by, cancel_reason, cancel_at, test, reserved_at, authorized_at, sent_at, doubtful_until,
                resolve_by, reference, billed, billed_currency, substitute, returned_quantity, given_back,
                payment_trouble, fraud_at, fraud_cleared_at, keeper, answer_by, taken, taken_for, counted_quantity
            FROM orders
            WHERE customer_id = $1 AND ($2::timestamptz IS NULL OR (drafted_at, order_id) < ($2, $3))
            ORDER BY drafted_at DESC, order_id DESC LIMIT $4
            """,
            customer_id,
            drafted_at,
            order_id,
            limit,
        )
        return [as_order(row) for row in rows]

    async def list_orders_in(self, state: State, limit: int) -> Sequence[Order]:
        """Return orders of all customers that stand there, the longest first."""
        rows = await self.connection.fetch(
            """-- list_orders_in
            SELECT order_id, customer_id, product_id, pool_id, provider_id, device_id, slot, packs, pack_size, quantity,
                unit, scale, receipt_id, drafted_at, price, currency, needed_by, state, step, look_at, asks,
                promised_at, expected_at, shipped_quantity, tracking, delivered_at, evidence,
                cancel_by, cancel_reason, cancel_at, test, reserved_at, authorized_at, sent_at, doubtful_until,
                resolve_by, reference, billed, billed_currency, substitute, returned_quantity, given_back,
                payment_trouble, fraud_at, fraud_cleared_at, keeper, answer_by, taken, taken_for, counted_quantity
            FROM orders WHERE state = $1 ORDER BY drafted_at, order_id LIMIT $2
            """,
            state,
            limit,
        )
        return [as_order(row) for row in rows]

    async def list_steps(self, order_id: str) -> Sequence[Record]:
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_steps
            SELECT step, from_state, to_state, occurred_at, because, cause
            FROM order_history WHERE order_id = $1 ORDER BY step
            """,
            order_id,
        )
        return rows

    async def list_updates(self, order_id: str) -> Sequence[Record]:
        """Return what an order's own provider said; what others say about it is theirs and the operator's to see."""
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_updates
            SELECT provider_id, update_id, status, occurred_at, received_at, fate, reason, repeats,
                body ->> 'reason' AS said_reason
            FROM provider_update
            WHERE order_id = $1 AND provider_id = (SELECT provider_id FROM orders WHERE order_id = $1)
            ORDER BY received_at, update_id
            """,
            order_id,
        )
        return rows

    async def list_unapplied(self, provider_id: str, limit: int) -> Sequence[Record]:
        """Return the latest updates of a provider that changed nothing."""
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_unapplied
            SELECT update_id, order_id, status, occurred_at, received_at, fate, reason, repeats
            FROM provider_update WHERE provider_id = $1 AND fate <> 'applied'
            ORDER BY received_at DESC, update_id LIMIT $2
            """,
            provider_id,
            limit,
        )
        return rows
