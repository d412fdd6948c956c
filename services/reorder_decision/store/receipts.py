"""SQL that reads receipts."""

from typing import Any

from libs import kit

#: All columns of `receipt`.
RECEIPT_COLUMNS = """
    number, receipt_id, customer_id, pool_id, epoch, order_id, outcome, reason, decided_at, inputs,
    decision
"""


class Receipts(kit.Store):
    """Receipts are never changed."""

    async def list_receipts_of_order(self, order_id: str) -> list[Any]:
        """Return the receipts of all lines, newest first; those of a line that was split off have the decided id."""
        return await self.connection.fetch(
            f"""-- list_receipts_of_order
            SELECT {RECEIPT_COLUMNS} FROM receipt WHERE order_id = $1
            UNION ALL
            SELECT {", ".join(f"t.{name.strip()}" for name in RECEIPT_COLUMNS.split(","))}
            FROM reorder AS r JOIN receipt AS t
                ON t.order_id = r.decided_id AND (t.pool_id, t.epoch) = (r.pool_id, r.epoch)
            WHERE r.order_id = $1 AND r.decided_id <> $1
            ORDER BY number DESC
            """,
            order_id,
        )

    async def list_receipts(self, customer_id: str | None, before: int, limit: int) -> list[Any]:
        """Return the newest receipts with a number below `before`, of one customer or of all."""
        return await self.connection.fetch(
            f"""-- list_receipts
            SELECT {RECEIPT_COLUMNS}
            FROM receipt WHERE ($1::text IS NULL OR customer_id = $1) AND number < $2 ORDER BY number DESC LIMIT $3
            """,
            customer_id,
            before,
            limit,
        )

    async def find_order(self, order_id: str) -> Any:
        """Return one line of the order, the proposed one if there is one, and the pools its approval can include."""
        return await self.connection.fetchrow(
            """-- find_order
            SELECT r.order_id, r.pool_id, r.state, p.customer_id, ARRAY(
                SELECT c.pool_id FROM pool AS c
                WHERE c.customer_id = p.customer_id AND c.collect_until IS NOT NULL) AS collecting_pool_ids
            FROM reorder AS r JOIN pool AS p USING (pool_id)
            WHERE r.order_id = $1 ORDER BY r.state <> 'proposed', r.pool_id LIMIT 1
            """,
            order_id,
        )
