"""Restocks announced by owners."""

from collections.abc import Collection
from datetime import datetime

from libs import kit
from services.inventory.domain import Goods


class Restocks(kit.Store):
    """The next announced restock per owner and product."""

    async def save_restock(self, goods: Goods, expected_at: datetime, quantity: int) -> None:
        await self.connection.execute(
            """-- save_restock
            INSERT INTO restock (owner_id, product_id, expected_at, quantity) VALUES ($1, $2, $3, $4)
            ON CONFLICT (owner_id, product_id) DO UPDATE SET expected_at = excluded.expected_at,
                quantity = excluded.quantity
            """,
            goods.owner_id,
            goods.product_id,
            expected_at,
            quantity,
        )

    async def delete_restock(self, goods: Goods) -> None:
        await self.connection.execute(
            "-- delete_restock\nDELETE FROM restock WHERE owner_id = $1 AND product_id = $2",
            goods.owner_id,
            goods.product_id,
        )

    async def list_restocks(self, goods: Collection[Goods]) -> dict[Goods, datetime]:
        """Return the announced restock times of these goods that are still in the future."""
        rows = await self.connection.fetch(
            """-- list_restocks
            SELECT r.owner_id, r.product_id, r.expected_at
            FROM restock AS r JOIN unnest($1::text[], $2::text[]) AS asked (owner_id, product_id)
                ON r.owner_id = asked.owner_id AND r.product_id = asked.product_id
            WHERE r.expected_at > $3
            """,
            [one.owner_id for one in goods],
            [one.product_id for one in goods],
            self.now,
        )
        return {Goods(owner, product): expected_at for owner, product, expected_at in rows}
