"""Progress of the goods of each order's lines."""

import json
from collections.abc import Collection

from libs import kit
from services.inventory.domain import Consignment, Goods, Journey, LineKey, Transit


class Consignments(kit.Store):
    """Consignments, one per line of an order."""

    async def lock_consignments(self, order_ids: Collection[str]) -> Transit:
        """Lock all known consignments of these orders, in sort order."""
        rows = await self.connection.fetch(
            """-- lock_consignments
            SELECT c.order_id, c.line_id, c.owner_id, c.product_id, c.journey, c.shipped, c.total,
                   (SELECT json_object_agg(p.shipment_id, p.quantity)::text FROM shipment_line AS p
                    WHERE p.order_id = c.order_id AND p.line_id = c.line_id) AS shipments
            FROM consignment AS c WHERE c.order_id = ANY($1::text[])
            ORDER BY c.order_id, c.line_id FOR UPDATE OF c
            """,
            list(order_ids),
        )
        return Transit(
            {
                LineKey(row["order_id"], row["line_id"]): (
                    Goods(row["owner_id"], row["product_id"]),
                    Consignment(
                        Journey(row["journey"]), row["shipped"], row["total"], json.loads(row["shipments"] or "{}")
                    ),
                )
                for row in rows
            }
        )

    async def save_consignments(self, transit: Transit) -> None:
        changed, shipments = transit.changed, transit.shipments
        if not changed:
            return
        await self.connection.execute(
            """-- save_consignments
            WITH saved AS (
                INSERT INTO consignment (order_id, line_id, owner_id, product_id, journey, shipped, total, changed_at)
                SELECT *, $8::timestamptz
                FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
                ON CONFLICT (order_id, line_id) DO UPDATE SET journey = excluded.journey, shipped = excluded.shipped,
                    total = excluded.total, changed_at = excluded.changed_at
            )
            INSERT INTO shipment_line (order_id, line_id, shipment_id, quantity)
            SELECT * FROM unnest($9::text[], $10::text[], $11::text[], $12::bigint[])
            """,
            [line.order_id for line in changed],
            [line.line_id for line in changed],
            [goods.owner_id for goods, _ in changed.values()],
            [goods.product_id for goods, _ in changed.values()],
            [consignment.journey for _, consignment in changed.values()],
            [consignment.shipped for _, consignment in changed.values()],
            [consignment.total for _, consignment in changed.values()],
            self.now,
            [one.line.order_id for one in shipments],
            [one.line.line_id for one in shipments],
            [one.shipment_id for one in shipments],
            [one.quantity for one in shipments],
        )

    async def get_credited(self, line: LineKey) -> int:
        credited: int = await self.connection.fetchval(
            """-- get_credited
            SELECT coalesce(sum(e.quantity), 0)::bigint
            FROM ledger_transaction AS t JOIN ledger_entry AS e USING (number, owner_id, product_id)
            WHERE t.order_id = $1 AND t.line_id = $2 AND t.reason = 'delivered' AND e.place = 'shelf'
            """,
            line.order_id,
            line.line_id,
        )
        return credited

    async def is_delivered(self, order_id: str, product_id: str) -> bool:
        """Return whether a line of this product is delivered, or any line of an order that has none of it.

        The slot may have had another product when the goods were ordered.
        """
        arrived: bool = await self.connection.fetchval(
            """-- is_delivered
            SELECT coalesce(bool_or(journey = 'delivered') FILTER (WHERE product_id = $2),
                            bool_or(journey = 'delivered'), false)
            FROM consignment WHERE order_id = $1
            """,
            order_id,
            product_id,
        )
        return arrived
