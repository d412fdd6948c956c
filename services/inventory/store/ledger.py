"""Ledger transactions of customers' goods; database triggers update the balances."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from libs import kit
from services.inventory.domain import Goods, Movement

#: Transaction ids are derived from the name of the cause, so that one cause is booked once.
NAMESPACE = UUID("0b8f6f0e-5d0c-4a43-9a7c-0d5c5f0c9a52")


@dataclass(frozen=True, slots=True)
class Origin:
    """The cause of a transaction: unique name, who booked it, and when it happened."""

    name: str
    booked_by: str
    occurred_at: datetime
    order_id: str | None = None


class Ledger(kit.Store):
    """Stock at hand and the transactions that move it."""

    async def lock_shelf(self, goods: Goods) -> int:
        """Lock the stock of these goods, creating it if missing, and return the shelf quantity."""
        shelf = await self._lock_stock(goods)
        if shelf is None:
            await self.connection.execute(
                """-- lock_shelf
                INSERT INTO stock (owner_id, product_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
                """,
                goods.owner_id,
                goods.product_id,
            )
            shelf = await self._lock_stock(goods)
        return shelf or 0

    async def _lock_stock(self, goods: Goods) -> int | None:
        found: int | None = await self.connection.fetchval(
            "-- _lock_stock\nSELECT available FROM stock WHERE owner_id = $1 AND product_id = $2 FOR UPDATE",
            goods.owner_id,
            goods.product_id,
        )
        return found

    async def lock_shelves(self, owner_id: str) -> list[tuple[Goods, int]]:
        rows = await self.connection.fetch(
            """-- lock_shelves
            SELECT product_id, available FROM stock WHERE owner_id = $1 ORDER BY product_id FOR UPDATE
            """,
            owner_id,
        )
        return [(Goods(owner_id, row["product_id"]), row["available"]) for row in rows]

    async def book(self, goods: Goods, movement: Movement, origin: Origin) -> bool:
        """Write a movement whose stock is locked; return False if it is empty or was written before."""
        if not movement.entries:
            return False
        booked = await self.connection.fetchval(
            """-- book
            WITH booked AS (
                INSERT INTO ledger_transaction (transaction_id, owner_id, product_id, action, reason, quantity,
                                                order_id, cause, booked_by, happened_at, booked_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                ON CONFLICT (transaction_id) DO NOTHING RETURNING number
            ), entered AS (
                INSERT INTO ledger_entry (number, place, owner_id, product_id, quantity)
                SELECT number, place, $2, $3, entry_quantity
                FROM booked, unnest($12::text[], $13::bigint[]) AS entry (place, entry_quantity)
            )
            SELECT number FROM booked
            """,
            uuid5(NAMESPACE, origin.name),
            goods.owner_id,
            goods.product_id,
            movement.action,
            movement.reason,
            movement.quantity,
            origin.order_id,
            self.cause,
            origin.booked_by,
            origin.occurred_at,
            self.now,
            [entry.place for entry in movement.entries],
            [entry.quantity for entry in movement.entries],
        )
        return booked is not None
