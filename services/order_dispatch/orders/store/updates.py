"""SQL of providers' updates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from asyncpg import Record

from libs.kit import RetryLaterError
from libs.kit import Store as KitStore
from replenish_contracts.events import OrderUpdated, UpdateStatus
from services.order_dispatch.domain.order import Order
from services.order_dispatch.domain.updates import UpdateDecision


def _body(update: OrderUpdated) -> dict[str, Any]:
    """Return an update as it is stored and compared with repetitions; its notes are stored with those of the rules."""
    return update.model_dump(mode="json", exclude={"notes"})


class ProviderUpdates(KitStore):
    """Updates as received, each with its outcome."""

    async def add_update(self, update: OrderUpdated, decided: UpdateDecision) -> None:
        """Store an update with its outcome; without its content if the customer was erased.

        One that is applied without a question settles earlier questions about its order. Raises RetryLaterError if
        another transaction stores the same update.
        """
        inserted: int | None = await self.connection.fetchval(
            """-- add_update
            WITH settled AS (
                UPDATE provider_update SET settled_at = $7
                WHERE order_id = $3 AND asks AND settled_at IS NULL AND $8 = 'applied' AND NOT $11
            )
            INSERT INTO provider_update (provider_id, update_id, order_id, status, occurred_at, body, received_at,
                outcome, reason, notes, asks)
            SELECT $1, $2, $3, $4, $5, CASE WHEN erased THEN '{}'::jsonb ELSE $6::jsonb END,
                $7, $8, $9, CASE WHEN erased THEN '[]'::jsonb ELSE $10::jsonb END, $11
            FROM (SELECT EXISTS (SELECT FROM orders WHERE order_id = $3 AND erased_at IS NOT NULL)) AS known (erased)
            ON CONFLICT (provider_id, update_id) DO NOTHING RETURNING 1
            """,
            update.provider_id,
            update.update_id,
            update.order_id,
            update.status,
            update.occurred_at,
            _body(update),
            self.now,
            decided.outcome,
            decided.reason,
            [note.model_dump() for note in decided.notes],
            decided.asks,
        )
        if inserted is None:
            raise RetryLaterError(f"update {update.update_id} of {update.provider_id} is already being processed")

    async def find_newest_update(self, update: OrderUpdated) -> datetime | None:
        """Return when the latest applied update of the same status occurred that is about any of the same lines."""
        newest: datetime | None = await self.connection.fetchval(
            """-- find_newest_update
            SELECT max(occurred_at) FROM provider_update
            WHERE order_id = $1 AND provider_id = $2 AND status = $3 AND outcome = 'applied'
                AND ($4::text[] = '{}' OR coalesce(body -> 'lines', '[]') = '[]' OR EXISTS (
                    SELECT FROM jsonb_to_recordset(body -> 'lines') AS named (line_id text)
                    WHERE named.line_id = ANY($4)))
            """,
            update.order_id,
            update.provider_id,
            update.status,
            [line.line_id for line in update.lines],
        )
        return newest

    async def find_reported_quantity(self, order: Order, status: UpdateStatus, line_id: str) -> int | None:
        """Return the quantity of a line in the first applied update of this status, if it had one."""
        quantity: int | None = await self.connection.fetchval(
            """-- find_reported_quantity
            SELECT CASE WHEN named.line_id IS NULL THEN (body ->> 'quantity')::bigint ELSE named.quantity END
            FROM provider_update LEFT JOIN LATERAL jsonb_to_recordset(body -> 'lines')
                AS named (line_id text, quantity bigint) ON named.line_id = $4
            WHERE order_id = $1 AND provider_id = $2 AND status = $3 AND outcome = 'applied'
                AND (named.line_id IS NOT NULL OR coalesce(body -> 'lines', '[]') = '[]')
            ORDER BY received_at, update_id LIMIT 1
            """,
            order.order_id,
            order.provider_id,
            status,
            line_id,
        )
        return quantity

    async def count_repeat(self, update: OrderUpdated) -> bool | None:
        """Count a repeated update id; None if the id is new, False if its first update had other content."""
        is_same: bool | None = await self.connection.fetchval(
            """-- count_repeat
            UPDATE provider_update SET repeats = repeats + 1
            WHERE provider_id = $1 AND update_id = $2
            RETURNING body = '{}'::jsonb OR jsonb_strip_nulls(body) = jsonb_strip_nulls($3::jsonb)
            """,
            update.provider_id,
            update.update_id,
            _body(update),
        )
        return is_same

    async def list_questions(self, closed_since: datetime, limit: int) -> Sequence[Record]:
        """Return the latest update of each order that an operator must read, newest first.

        A question about an update that was not applied ends with its order. One about an applied update, which may have
        ended the order, is listed until `closed_since`.
        """
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_questions
            SELECT * FROM (
                SELECT DISTINCT ON (order_id) order_id, customer_id, asked.provider_id, state, update_id, status,
                    body ->> 'word' AS word, outcome, reason, notes, occurred_at, received_at
                FROM provider_update AS asked JOIN orders USING (order_id)
                WHERE asks AND settled_at IS NULL AND asked.provider_id = orders.provider_id
                    AND (state NOT IN ('delivered', 'returned', 'refused', 'cancelled', 'failed')
                        OR (outcome = 'applied' AND received_at >= $1))
                ORDER BY order_id, received_at DESC, update_id) AS question
            ORDER BY received_at DESC, order_id LIMIT $2
            """,
            closed_since,
            limit,
        )
        return rows

    async def erase_stored_responses(self, customer_id: str) -> None:
        """Delete stored responses to commands about a customer's orders, because they contain free text."""
        await self.connection.execute(
            """-- erase_stored_responses
            DELETE FROM idempotency
            WHERE body ->> 'order_id' IN (SELECT order_id FROM orders WHERE customer_id = $1)
            """,
            customer_id,
        )

    async def erase_updates(self, customer_id: str) -> None:
        await self.connection.execute(
            """-- erase_updates
            UPDATE provider_update SET body = '{}', notes = '[]'
            FROM orders WHERE orders.order_id = provider_update.order_id AND orders.customer_id = $1
            """,
            customer_id,
        )

    async def erase_callbacks(self, customer_id: str) -> None:
        await self.connection.execute(
            """-- erase_callbacks
            UPDATE callback SET body = NULL
            FROM orders WHERE orders.order_id = callback.order_id AND orders.customer_id = $1
            """,
            customer_id,
        )
        await self.connection.execute(
            """-- erase_ship_to_digests
            UPDATE order_token SET ship_to_sha256 = NULL
            FROM orders WHERE orders.order_id = order_token.order_id AND orders.customer_id = $1
            """,
            customer_id,
        )
