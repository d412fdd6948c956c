"""Goods with a last day: they come in by lot, leave oldest first, and are taken from sale when their day is over."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from libs import kit
from services.inventory.domain import Goods, Quantities


class Lots(kit.Store):
    """What of the stock goes off when."""

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

    async def thin_lots(self, left: Quantities) -> None:
        """Take what left out of the lots, oldest first; what no lot knows had no last day."""
        await self.connection.execute(
            """-- thin_lots
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

    async def list_overdue(self, today: date, limit: int) -> list[Goods]:
        """Return goods of which a lot's last day is over and something of it is for sale."""
        rows = await self.connection.fetch(
            """-- list_overdue
            SELECT s.owner_id, s.product_id FROM stock AS s JOIN lot AS l USING (owner_id, product_id)
            WHERE l.expires_on < $1 AND l.quantity > 0 AND s.available > 0
            GROUP BY s.owner_id, s.product_id, s.allocated HAVING sum(l.quantity) > s.allocated
            ORDER BY s.owner_id, s.product_id LIMIT $2
            """,
            today,
            limit,
        )
        return [Goods(owner, product) for owner, product in rows]

    async def get_spoiled(self, goods: Goods, today: date) -> int:
        """Return how much of locked goods is past its day and for sale; the oldest are those that are kept."""
        spoiled: int = await self.connection.fetchval(
            """-- get_spoiled
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

    async def forget_lots(self) -> None:
        await self.connection.execute("-- forget_lots\nDELETE FROM lot WHERE quantity = 0")
