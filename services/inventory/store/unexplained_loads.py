"""Loads booked as unexplained that a later delivery may explain."""

from collections.abc import Collection
from datetime import datetime

from libs import kit
from services.inventory.domain import Goods


class UnexplainedLoads(kit.Store):
    async def list_unexplained_loads(self, goods: Collection[Goods], since: datetime) -> dict[Goods, int]:
        """Return the unexplained loads of each product since that time, and since its last delivery or count."""
        rows = await self.connection.fetch(
            """-- list_unexplained_loads
            SELECT asked.owner_id, asked.product_id, coalesce((
                SELECT -sum(e.quantity)
                FROM ledger_transaction AS t
                JOIN ledger_entry AS e USING (number, owner_id, product_id)
                WHERE t.owner_id = asked.owner_id AND t.product_id = asked.product_id AND t.reason = 'loaded'
                    AND e.place = 'unexplained' AND t.happened_at >= $3
                    AND t.number > coalesce((SELECT max(number) FROM ledger_transaction AS last
                        WHERE last.owner_id = asked.owner_id AND last.product_id = asked.product_id
                            AND last.reason IN ('delivered', 'counted')), 0)
            ), 0)::bigint
            FROM unnest($1::text[], $2::text[]) AS asked (owner_id, product_id)
            """,
            [one.owner_id for one in goods],
            [one.product_id for one in goods],
            since,
        )
        return {Goods(owner, product): quantity for owner, product, quantity in rows}
