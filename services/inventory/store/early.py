"""What was loaded before anybody said where it came from."""

from datetime import datetime

from libs import kit
from services.inventory.domain import Goods


class Early(kit.Store):
    """Loadings that an arrival may explain."""

    async def get_owed(self, goods: Goods, since: datetime) -> int:
        """Return what was loaded from nowhere since then, and since goods last came or were counted."""
        owed: int = await self.connection.fetchval(
            """-- get_owed
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
        return owed
