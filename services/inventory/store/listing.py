"""Read-only queries of the API."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from libs import kit
from services.inventory.domain import Goods

#: A ledger transaction AS t with its entries.
TRANSACTION_COLUMNS = """
    t.number, t.transaction_id, t.action, t.reason, t.quantity, t.order_id, t.line_id, t.cause, t.booked_by,
    t.happened_at, t.booked_at,
    (SELECT json_object_agg(e.place, e.quantity)::text FROM ledger_entry AS e
     WHERE e.number = t.number AND e.owner_id = t.owner_id) AS entries
"""


class Unit(NamedTuple):
    """Unit code of a product; one step is 10 to the power of -scale units."""

    code: str
    scale: int


class Listing(kit.Store):
    """Stock and transactions for display; no query locks or writes."""

    async def list_stock(self, owner_id: str) -> Sequence[Any]:
        return await self.connection.fetch(
            """-- list_stock
            SELECT s.product_id, s.total, s.available, s.allocated, u.unit, u.scale,
                   (SELECT coalesce(json_object_agg(a.place, a.balance), '{}')::text FROM account AS a
                    WHERE a.owner_id = s.owner_id AND a.product_id = s.product_id) AS places
            FROM stock AS s LEFT JOIN product_unit AS u USING (owner_id, product_id)
            WHERE s.owner_id = $1 ORDER BY s.product_id
            """,
            owner_id,
        )

    async def list_transactions(self, goods: Goods, before: int, limit: int) -> Sequence[Any]:
        """Return the newest transactions with a number below `before`."""
        return await self.connection.fetch(
            f"""-- list_transactions
            SELECT {TRANSACTION_COLUMNS}
            FROM ledger_transaction AS t
            WHERE t.owner_id = $1 AND t.product_id = $2 AND t.number < $3 ORDER BY t.number DESC LIMIT $4
            """,
            goods.owner_id,
            goods.product_id,
            before,
            limit,
        )

    async def find_transaction(self, goods: Goods, transaction_id: str | UUID) -> Any:
        return await self.connection.fetchrow(
            f"""-- find_transaction
            SELECT {TRANSACTION_COLUMNS}
            FROM ledger_transaction AS t WHERE t.transaction_id = $3 AND t.owner_id = $1 AND t.product_id = $2
            """,
            goods.owner_id,
            goods.product_id,
            transaction_id,
        )

    async def find_unit(self, goods: Goods) -> Unit | None:
        row = await self.connection.fetchrow(
            "-- find_unit\nSELECT unit, scale FROM product_unit WHERE owner_id = $1 AND product_id = $2",
            goods.owner_id,
            goods.product_id,
        )
        return Unit(row["unit"], row["scale"]) if row else None
