"""SQL of orders, their history and claims."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any

from asyncpg import Record

from replenish_contracts.events import ClaimRaised
from services.order_dispatch.domain.lines import Cancellation, summarize
from services.order_dispatch.domain.order import Decision, Order, Responder
from services.order_dispatch.domain.states import State
from services.order_dispatch.orders.store.lines import (
    LINE_COLUMNS,
    OrderLines,
    changed_line_values,
    insert_lines,
    new_line_values,
    update_lines,
)

#: Fields of an order that are columns of its row; its cancellation has three.
_ORDER_FIELDS = (
    *("order_id", "customer_id", "provider_id", "drafted_at", "price", "currency", "fee", "needed_by", "state", "step"),
    *("check_at", "status_requests", "promised_at", "expected_at", "tracking", "test", "reserved_at", "authorized_at"),
    *("sent_at", "in_flight_until", "resolve_by", "reference", "billed", "billed_currency", "billed_for"),
    *("fee_captured", "fee_refunded", "payment_problem", "fraud_at", "fraud_cleared_at", "responder", "answer_by"),
)
_CANCELLATION = ("cancel_by", "cancel_reason", "cancel_at")
_INSERT_ORDER = f"""-- add_order
WITH new_order AS (
    INSERT INTO orders (
        order_id, customer_id, provider_id, drafted_at, price, currency, fee, needed_by, test, state, step,
        lines_summary, cancel_by, cancel_reason, cancel_at
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
)
{insert_lines("$1", 16)}
"""


_SAVE_PROGRESS = """
    UPDATE orders SET
        state = $2, step = $3, check_at = $4, status_requests = $5, promised_at = $6, expected_at = $7,
        tracking = CASE WHEN erased_at IS NULL THEN $8::text END, cancel_by = $9, cancel_reason = $10,
        cancel_at = $11, reserved_at = $12, authorized_at = $13, sent_at = $14, in_flight_until = $15,
        resolve_by = $16, reference = $17, billed = $18, billed_currency = $19, payment_problem = $20,
        fraud_at = $21, fraud_cleared_at = $22, price = $23, responder = $24, answer_by = $25,
        fee_captured = $26, fee_refunded = $27, lines_summary = $28, billed_for = $29, shipments = $30,
        shipments_arrived = $31
    WHERE order_id = $1
"""
_SAVE_PROGRESS_AND_LINES = f"""-- save_progress_and_lines
WITH progress AS ({_SAVE_PROGRESS})
{update_lines("$1", 32)}
"""
#: An order with its lines, one row per line. Lines are locked too: a statement that waits for a row lock sees the new
#: version of locked rows, but the old ones of all others.
_SELECT_ORDER = f"""
    SELECT {", ".join(f"o.{name}" for name in _ORDER_FIELDS + _CANCELLATION)}, o.shipments, o.shipments_arrived,
        {LINE_COLUMNS}
    FROM orders AS o JOIN order_line AS l USING (order_id)
"""


class Orders(OrderLines):
    """SQL of orders; reads for a decision lock the row."""

    async def add_order(self, decision: Decision) -> None:
        """Insert a drafted order, which may have been closed at once."""
        order, cancellation = decision.order, decision.order.cancellation
        await self.connection.execute(
            _INSERT_ORDER,
            *(order.order_id, order.customer_id, order.provider_id, order.drafted_at, order.price, order.currency),
            *(order.fee, order.needed_by, order.test, order.state, order.step, summarize(order.lines)),
            *(astuple(cancellation) if cancellation else (None, None, None)),
            *new_line_values(order.lines),
        )
        await self._add_transitions(decision)

    async def save_test(self, order: Order) -> None:
        """Save whether the order is a test order, which the provider decides."""
        await self.connection.execute(
            "-- save_test\nUPDATE orders SET test = $2 WHERE order_id = $1", order.order_id, order.test
        )

    async def save_order_decision(self, decision: Decision) -> None:
        await self._save_progress(decision.order)
        await self.save_shipments(decision.order)
        await self._add_transitions(decision)

    async def _save_progress(self, order: Order) -> None:
        cancellation, changed = order.cancellation, self.find_changed_lines(order)
        await self.connection.execute(
            _SAVE_PROGRESS_AND_LINES if changed else f"-- save_progress{_SAVE_PROGRESS}",
            *(order.order_id, order.state, order.step, order.check_at, order.status_requests, order.promised_at),
            *(order.expected_at, order.tracking),
            *(astuple(cancellation) if cancellation else (None, None, None)),
            *(order.reserved_at, order.authorized_at, order.sent_at, order.in_flight_until, order.resolve_by),
            *(order.reference, order.billed, order.billed_currency, order.payment_problem),
            *(order.fraud_at, order.fraud_cleared_at, order.price, order.responder, order.answer_by),
            *(order.fee_captured, order.fee_refunded, summarize(order.lines), order.billed_for),
            *(len(order.shipments), sum(parcel.arrived for parcel in order.shipments)),
            *(changed_line_values(changed) if changed else ()),
        )

    async def _add_transitions(self, decision: Decision) -> None:
        await self.connection.executemany(
            """-- add_transitions
            INSERT INTO order_history (order_id, step, from_state, to_state, occurred_at, because, cause)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            [
                (
                    decision.order.order_id,
                    step.number,
                    step.from_state,
                    step.to_state,
                    step.occurred_at,
                    step.because,
                    self.cause,
                )
                for step in decision.transitions
            ],
        )

    async def lock_order(self, order_id: str) -> Order | None:
        rows = await self.connection.fetch(
            f"""-- lock_order
            {_SELECT_ORDER} WHERE o.order_id = $1 ORDER BY l.number FOR UPDATE
            """,
            order_id,
        )
        if not rows:
            return None
        parcels = {parcel[0]: parcel[-1] for row in rows for parcel in row["parcels"] or ()}
        if (rows[0]["shipments"], rows[0]["shipments_arrived"]) != (len(parcels), sum(parcels.values())):
            # Another transaction wrote a parcel while this statement waited for the lock.
            return (await self._read_orders([order_id]))[0]
        return self._as_order(rows)

    async def lock_due_orders(self, limit: int) -> Sequence[Order]:
        """Return orders whose check is due, oldest check first; skips rows that another replica has locked."""
        rows = await self.connection.fetch(
            """-- lock_due_orders
            SELECT order_id
            FROM orders WHERE check_at <= $1 ORDER BY check_at, order_id LIMIT $2 FOR UPDATE SKIP LOCKED
            """,
            self.now,
            limit,
        )
        return await self._read_orders([row["order_id"] for row in rows])

    async def lock_unsent_orders(self, customer_id: str, device_id: str | None = None) -> Sequence[Order]:
        """Return a customer's orders that can be withdrawn without a provider's reply: of one device, or all.

        Locked in the order of their ids, so that two transactions cannot deadlock.
        """
        rows = await self.connection.fetch(
            """-- lock_unsent_orders
            SELECT order_id
            FROM orders
            WHERE customer_id = $1
                AND (state IN ('drafted', 'reserving', 'authorizing')
                    OR (state = 'placing' AND (responder IS NOT NULL OR sent_at IS NULL)))
                AND ($2::text IS NULL OR EXISTS (
                    SELECT FROM order_line AS l
                    WHERE l.order_id = orders.order_id AND l.device_id = $2 AND l.state = 'ordered'))
            ORDER BY order_id FOR UPDATE
            """,
            customer_id,
            device_id,
        )
        return await self._read_orders([row["order_id"] for row in rows])

    async def erase_orders(self, customer_id: str, at: datetime) -> None:
        """Erase personal data and free text; quantities and amounts stay for the books."""
        await self.connection.execute(
            """-- erase_orders
            WITH erased AS (
                UPDATE orders SET tracking = NULL, cancel_reason = CASE WHEN cancel_reason IS NOT NULL THEN '' END,
                    erased_at = $2
                WHERE customer_id = $1 RETURNING order_id
            ), parcels AS (
                UPDATE shipment SET tracking = NULL WHERE order_id IN (SELECT order_id FROM erased)
            )
            UPDATE order_line SET cancel_reason = ''
            WHERE order_id IN (SELECT order_id FROM erased) AND cancel_reason IS NOT NULL
            """,
            customer_id,
            at,
        )

    async def find_order(self, order_id: str) -> Order | None:
        found = await self._read_orders([order_id])
        return found[0] if found else None

    async def _read_orders(self, order_ids: Sequence[str]) -> list[Order]:
        """Return the orders with these ids, in this order."""
        rows = await self.connection.fetch(
            f"""-- read_orders
            {_SELECT_ORDER} WHERE o.order_id = ANY($1::text[]) ORDER BY l.order_id, l.number
            """,
            order_ids,
        )
        by_order: dict[str, list[Record]] = {}
        for row in rows:
            by_order.setdefault(row["order_id"], []).append(row)
        return [self._as_order(by_order[order_id]) for order_id in order_ids if order_id in by_order]

    async def list_orders(self, customer_id: str, before: tuple[datetime, str] | None, limit: int) -> Sequence[Order]:
        """Return a customer's orders, newest first; `before` is the position of the previous page's last order."""
        drafted_at, order_id = before or (None, None)
        rows = await self.connection.fetch(
            """-- list_orders
            SELECT order_id
            FROM orders
            WHERE customer_id = $1 AND ($2::timestamptz IS NULL OR (drafted_at, order_id) < ($2, $3))
            ORDER BY drafted_at DESC, order_id DESC LIMIT $4
            """,
            customer_id,
            drafted_at,
            order_id,
            limit,
        )
        return await self._read_orders([row["order_id"] for row in rows])

    async def list_orders_in_state(self, state: State, limit: int) -> Sequence[Order]:
        rows = await self.connection.fetch(
            """-- list_orders_in_state
            SELECT order_id
            FROM orders WHERE state = $1 ORDER BY drafted_at, order_id LIMIT $2
            """,
            state,
            limit,
        )
        return await self._read_orders([row["order_id"] for row in rows])

    async def list_dated_orders(self, customer_id: str) -> Sequence[str]:
        """Return the ids of a customer's orders with an open line that is promised for a date, sorted."""
        rows = await self.connection.fetch(
            """-- list_dated_orders
            SELECT DISTINCT order_id FROM orders JOIN order_line AS line USING (order_id)
            WHERE customer_id = $1 AND line.expected_date IS NOT NULL AND line.state IN ('ordered', 'shipped')
            ORDER BY order_id
            """,
            customer_id,
        )
        return [row["order_id"] for row in rows]

    async def list_transitions(self, order_id: str) -> Sequence[Record]:
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_transitions
            SELECT step, from_state, to_state, occurred_at, because, cause
            FROM order_history WHERE order_id = $1 ORDER BY step
            """,
            order_id,
        )
        return rows

    async def list_updates(self, order_id: str) -> Sequence[Record]:
        """Return the updates of the order's own provider; those of others are not shown to the customer."""
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_updates
            SELECT provider_id, update_id, status, occurred_at, received_at, outcome, reason, repeats,
                body ->> 'reason' AS provider_reason, body ->> 'word' AS word, notes, asks
            FROM provider_update
            WHERE order_id = $1 AND provider_id = (SELECT provider_id FROM orders WHERE order_id = $1)
            ORDER BY received_at, update_id
            """,
            order_id,
        )
        return rows

    async def list_unapplied(self, provider_id: str, limit: int) -> Sequence[Record]:
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_unapplied
            SELECT update_id, order_id, status, occurred_at, received_at, outcome, reason, repeats,
                body ->> 'word' AS word, notes, asks
            FROM provider_update WHERE provider_id = $1 AND outcome <> 'applied'
            ORDER BY received_at DESC, update_id LIMIT $2
            """,
            provider_id,
            limit,
        )
        return rows

    async def add_claim(self, claim: ClaimRaised) -> None:
        """Insert a claim; the customer's count replaces the quantity that the provider reported."""
        await self.connection.execute(
            """-- add_claim
            INSERT INTO claim (order_id, line_id, ordered, received, raised_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (order_id, line_id) DO UPDATE SET received = excluded.received, raised_at = excluded.raised_at
            """,
            claim.order_id,
            claim.lines[0].line_id,
            claim.ordered,
            claim.received,
            claim.occurred_at,
        )

    async def list_claims(self, customer_id: str | None, provider_id: str | None, limit: int) -> Sequence[Record]:
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_claims
            SELECT order_id, line_id, customer_id, provider_id, product_id, unit, scale, ordered, received, raised_at
            FROM claim JOIN order_line USING (order_id, line_id) JOIN orders USING (order_id)
            WHERE ($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR provider_id = $2)
            ORDER BY raised_at DESC, order_id, line_id LIMIT $3
            """,
            customer_id,
            provider_id,
            limit,
        )
        return rows

    async def find_flagged_orders(self, pool_ids: Sequence[str]) -> dict[str, str]:
        """Return an order that is flagged as fraud for each pool that has one."""
        rows = await self.connection.fetch(
            """-- find_flagged_orders
            SELECT pool_id, min(order_id) AS order_id FROM order_line JOIN orders USING (order_id)
            WHERE pool_id = ANY($1::text[]) AND fraud_at IS NOT NULL AND fraud_cleared_at IS NULL GROUP BY pool_id
            """,
            pool_ids,
        )
        return {row["pool_id"]: row["order_id"] for row in rows}

    async def list_shop_orders(
        self, provider_id: str, before: tuple[datetime, str] | None, limit: int, *, is_open: bool
    ) -> Sequence[Order]:
        """Return the orders submitted to a hosted shop, newest first; `is_open` selects those that are not closed."""
        drafted_at, order_id = before or (None, None)
        rows = await self.connection.fetch(
            """-- list_shop_orders
            SELECT order_id
            FROM orders
            WHERE provider_id = $1 AND responder = 'shop' AND (NOT $2 OR state IN ('placing', 'placed', 'shipped'))
                AND ($3::timestamptz IS NULL OR (drafted_at, order_id) < ($3, $4))
            ORDER BY drafted_at DESC, order_id DESC LIMIT $5
            """,
            provider_id,
            is_open,
            drafted_at,
            order_id,
            limit,
        )
        return await self._read_orders([row["order_id"] for row in rows])

    def _as_order(self, rows: Sequence[Record]) -> Order:
        """Return the order of these rows of _SELECT_ORDER."""
        first = rows[0]
        columns: dict[str, Any] = {name: first[name] for name in _ORDER_FIELDS}
        by = first["cancel_by"]
        columns["cancellation"] = None if by is None else Cancellation(by, first["cancel_reason"], first["cancel_at"])
        columns["state"] = State(columns["state"])
        columns["responder"] = columns["responder"] and Responder(columns["responder"])
        return Order(**columns, **self.as_lines(first["order_id"], rows))
