"""Lots with an expiry date: the oldest leaves first, and expired lots are taken from sale."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from libs import kit
from services.inventory.domain import Goods, Quantities


class Lots(kit.Store):
    """Lots of provider stock by expiry date."""

    async def save_lot(self, goods: Goods, expires_on: date, quantity: int) -> None:
        await self.connection.execute(
            """-- save_lot
            INSERT INTO lot (owner_id, product_id, expires_on, quantity) VALUES ($1, $2, $3, $4)
            ON CONFLICT (owner_id, product_id, expires_on) DO UPDATE SET quantity = lot.quantity + excluded.quantity
            """,
            goods.owner_id,
            goods.product_id,
            expires_on,
            quantity,
        )

    async def take_from_lots(self, left: Quantities) -> None:
        """Subtract shipped goods from the lots, oldest first; quantities beyond all lots had no expiry date."""
        await self.connection.execute(
            """-- take_from_lots
            WITH due AS (
                SELECT l.owner_id, l.product_id, l.expires_on, gone.quantity - coalesce(sum(l.quantity) OVER (
                           PARTITION BY l.owner_id, l.product_id ORDER BY l.expires_on
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS rest
                FROM lot AS l
                JOIN unnest($1::text[], $2::text[], $3::bigint[]) AS gone (owner_id, product_id, quantity)
                    ON l.owner_id = gone.owner_id AND l.product_id = gone.product_id
                WHERE l.quantity > 0
            )
            UPDATE lot SET quantity = lot.quantity - least(lot.quantity, due.rest)
            FROM due
            WHERE lot.owner_id = due.owner_id AND lot.product_id = due.product_id
              AND lot.expires_on = due.expires_on AND due.rest > 0
            """,
            [goods.owner_id for goods in left],
            [goods.product_id for goods in left],
            list(left.values()),
        )

    async def list_lots(self, goods: Goods) -> Sequence[Any]:
        return await self.connection.fetch(
            """-- list_lots
            SELECT expires_on, quantity FROM lot
            WHERE owner_id = $1 AND product_id = $2 AND quantity > 0 ORDER BY expires_on
            """,
            goods.owner_id,
            goods.product_id,
        )

    async def list_goods_with_expired_lots(self, today: date, limit: int) -> list[Goods]:
        rows = await self.connection.fetch(
            """-- list_goods_with_expired_lots
            SELECT s.owner_id, s.product_id FROM stock AS s JOIN lot AS l USING (owner_id, product_id)
            WHERE l.expires_on < $1 AND l.quantity > 0 AND s.available > 0
            GROUP BY s.owner_id, s.product_id, s.allocated HAVING sum(l.quantity) > s.allocated
            ORDER BY s.owner_id, s.product_id LIMIT $2
            """,
            today,
            limit,
        )
        return [Goods(owner, product) for owner, product in rows]

    async def get_expired_quantity(self, goods: Goods, today: date) -> int:
        """Return the expired quantity for sale of locked goods; allocated goods are taken to be the oldest."""
        spoiled: int = await self.connection.fetchval(
            """-- get_expired_quantity
            SELECT greatest(0, least(s.available, sum(l.quantity) - s.allocated))::bigint
            FROM stock AS s JOIN lot AS l USING (owner_id, product_id)
            WHERE s.owner_id = $1 AND s.product_id = $2 AND l.expires_on < $3
            GROUP BY s.available, s.allocated
            """,
            goods.owner_id,
            goods.product_id,
            today,
        )
        return spoiled or 0

    async def delete_empty_lots(self) -> None:
        await self.connection.execute("-- delete_empty_lots\nDELETE FROM lot WHERE quantity = 0")
