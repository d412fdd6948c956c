"""Loads booked as unexplained that a later delivery may explain."""

from datetime import datetime

from libs import kit
from services.inventory.domain import Goods


class UnexplainedLoads(kit.Store):
    async def get_unexplained_loads(self, goods: Goods, since: datetime) -> int:
        """Return the unexplained loads since that time, and since the last delivery or count."""
        quantity: int = await self.connection.fetchval(
            """-- get_unexplained_loads
            SELECT coalesce(-sum(e.quantity), 0)::bigint
            FROM ledger_transaction AS t
            JOIN ledger_entry AS e USING (number, owner_id, product_id)
            WHERE t.owner_id = $1 AND t.product_id = $2 AND t.reason = 'loaded' AND e.place = 'unexplained'
                AND t.happened_at >= $3
                AND t.number > coalesce((SELECT max(number) FROM ledger_transaction
                    WHERE owner_id = $1 AND product_id = $2 AND reason IN ('delivered', 'counted')), 0)
            """,
            goods.owner_id,
            goods.product_id,
            since,
        )
        return quantity
