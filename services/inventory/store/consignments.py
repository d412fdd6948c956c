"""Progress of each order's goods."""

from libs import kit
from services.inventory.domain import Consignment, Goods, Journey


class Consignments(kit.Store):
    """Consignments, one per order."""

    async def lock_consignment(self, order_id: str) -> Consignment:
        row = await self.connection.fetchrow(
            "-- lock_consignment\nSELECT journey, shipped FROM consignment WHERE order_id = $1 FOR UPDATE", order_id
        )
        return Consignment(Journey(row["journey"]), row["shipped"]) if row else Consignment()

    async def save_consignment(self, goods: Goods, order_id: str, consignment: Consignment) -> None:
        await self.connection.execute(
            """-- save_consignment
            INSERT INTO consignment (order_id, owner_id, product_id, journey, shipped, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (order_id) DO UPDATE SET
                journey = excluded.journey, shipped = excluded.shipped, changed_at = excluded.changed_at
            """,
            order_id,
            goods.owner_id,
            goods.product_id,
            consignment.journey,
            consignment.shipped,
            self.now,
        )

    async def get_credited(self, goods: Goods, order_id: str) -> int:
        credited: int = await self.connection.fetchval(
            """-- get_credited
            SELECT coalesce(sum(e.quantity), 0)::bigint
            FROM ledger_transaction AS t JOIN ledger_entry AS e USING (number, owner_id, product_id)
            WHERE t.owner_id = $1 AND t.product_id = $2 AND t.order_id = $3
              AND t.reason = 'delivered' AND e.place = 'shelf'
            """,
            goods.owner_id,
            goods.product_id,
            order_id,
        )
        return credited

    async def is_delivered(self, order_id: str) -> bool:
        arrived: bool = await self.connection.fetchval(
            """-- is_delivered
            SELECT EXISTS (SELECT FROM consignment WHERE order_id = $1 AND journey = 'delivered')
            """,
            order_id,
        )
        return arrived
