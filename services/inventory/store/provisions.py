"""Provider stock and manual allocations."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from libs import kit
from services.inventory.domain import Goods

#: Holder of manual allocations, which belong to no order or checkout.
BY_HAND = "by hand"


class Provision(NamedTuple):
    """A provider's stock of a product; `by_hand` is the manually allocated part of `allocated`."""

    total: int
    available: int
    allocated: int
    by_hand: int
    returned: int
    #: The goods belong to a customer, whose stock changes only through events and counts.
    customers: bool


class Provisions(kit.Store):
    """Provider stock for display and manual changes."""

    async def find_provision(self, goods: Goods) -> Provision | None:
        """Return the stock; call `lock_shelf` first if a decision depends on it."""
        row = await self.connection.fetchrow(
            """-- find_provision
            SELECT s.total, s.available, s.allocated,
                   coalesce((SELECT a.quantity FROM allocation AS a
                             WHERE a.holder_id = $3 AND a.line_id = ''
                             AND (a.owner_id, a.product_id) = (s.owner_id, s.product_id)), 0),
                   coalesce((SELECT r.balance FROM account AS r
                             WHERE (r.owner_id, r.product_id) = (s.owner_id, s.product_id) AND r.place = 'returned'),
                            0)::bigint,
                   EXISTS (SELECT FROM account AS c WHERE (c.owner_id, c.product_id) = (s.owner_id, s.product_id)
                           AND c.place IN ('shelf', 'in_transit', 'loaded'))
            FROM stock AS s WHERE s.owner_id = $1 AND s.product_id = $2
            """,
            goods.owner_id,
            goods.product_id,
            BY_HAND,
        )
        return Provision(*row) if row else None

    async def allocate_by_hand(self, goods: Goods, difference: int) -> None:
        await self.connection.execute(
            """-- allocate_by_hand
            INSERT INTO allocation (holder_id, owner_id, product_id, quantity, state, changed_at)
            VALUES ($1, $2, $3, greatest($4::bigint, 0), 'open', $5)
            ON CONFLICT (holder_id, line_id, owner_id, product_id)
            DO UPDATE SET quantity = allocation.quantity + $4::bigint, changed_at = excluded.changed_at
            """,
            BY_HAND,
            goods.owner_id,
            goods.product_id,
            difference,
            self.now,
        )

    async def list_provisions(self, owner_id: str, after: str, limit: int) -> Sequence[Any]:
        return await self.connection.fetch(
            """-- list_provisions
            SELECT product_id, total, available, allocated FROM stock
            WHERE owner_id = $1 AND product_id > $2 ORDER BY product_id LIMIT $3
            """,
            owner_id,
            after,
            limit,
        )

    async def list_available(self, goods: Collection[Goods]) -> dict[Goods, int]:
        """Return the available quantities without a lock; customers' shelves are not for sale."""
        rows = await self.connection.fetch(
            """-- list_available
            SELECT s.owner_id, s.product_id, s.available
            FROM stock AS s JOIN unnest($1::text[], $2::text[]) AS asked (owner_id, product_id)
                ON s.owner_id = asked.owner_id AND s.product_id = asked.product_id
            WHERE NOT EXISTS (SELECT FROM account AS c WHERE c.owner_id = s.owner_id AND c.product_id = s.product_id
                              AND c.place IN ('shelf', 'in_transit', 'loaded'))
            """,
            [one.owner_id for one in goods],
            [one.product_id for one in goods],
        )
        return {Goods(owner, product): available for owner, product, available in rows}
