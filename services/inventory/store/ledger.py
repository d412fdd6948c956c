"""Ledger transactions of customers' goods; database triggers update the balances."""

from collections.abc import Collection, Iterable, Sequence
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
    line_id: str | None = None


class Ledger(kit.Store):
    """Stock at hand and the transactions that move it."""

    async def lock_shelf(self, goods: Goods) -> int:
        """Lock the stock of these goods, creating it if missing, and return the shelf quantity."""
        return (await self.lock_stock(goods.owner_id, {goods.product_id}))[goods]

    async def lock_stock(self, owner_id: str, product_ids: Collection[str]) -> dict[Goods, int]:
        """Lock the stock of different products in sort order, creating what is missing; return the shelf quantities."""
        wanted = sorted(product_ids)
        found = await self._lock_known_stock(owner_id, wanted)
        if len(found) < len(wanted):
            await self.connection.execute(
                """-- lock_stock
                INSERT INTO stock (owner_id, product_id) SELECT $1, * FROM unnest($2::text[]) ON CONFLICT DO NOTHING
                """,
                owner_id,
                wanted,
            )
            found = await self._lock_known_stock(owner_id, wanted)
        return found

    async def _lock_known_stock(self, owner_id: str, product_ids: Sequence[str]) -> dict[Goods, int]:
        rows = await self.connection.fetch(
            """-- _lock_known_stock
            SELECT product_id, available FROM stock WHERE owner_id = $1 AND product_id = ANY($2::text[])
            ORDER BY product_id FOR UPDATE
            """,
            owner_id,
            product_ids,
        )
        return {Goods(owner_id, product): available for product, available in rows}

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
        return origin.name in await self.book_lines([(goods, movement, origin)])

    async def book_lines(self, movements: Iterable[tuple[Goods, Movement, Origin]]) -> set[str]:
        """Write movements whose stock is locked, in this order.

        Return the names of their origins, without movements that are empty or were written before.
        """
        by_name = {one[2].name: one for one in movements if one[1].entries}
        if not by_name:
            return set()
        written = list(by_name.values())
        names = {uuid5(NAMESPACE, name): name for name in by_name}
        ids = list(names)
        entries = [(ids[n], entry) for n, (_, movement, _) in enumerate(written) for entry in movement.entries]
        booked = await self.connection.fetch(
            """-- book_lines
            WITH booked AS (
                INSERT INTO ledger_transaction (transaction_id, owner_id, product_id, action, reason, quantity,
                                                order_id, line_id, booked_by, happened_at, cause, booked_at)
                SELECT *, $11::text, $12::timestamptz
                FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                            $8::text[], $9::text[], $10::timestamptz[])
                ON CONFLICT (transaction_id) DO NOTHING RETURNING number, transaction_id, owner_id, product_id
            ), entered AS (
                INSERT INTO ledger_entry (number, place, owner_id, product_id, quantity)
                SELECT booked.number, entry.place, booked.owner_id, booked.product_id, entry.quantity
                FROM booked
                JOIN unnest($13::uuid[], $14::text[], $15::bigint[]) AS entry (transaction_id, place, quantity)
                    USING (transaction_id)
            )
            SELECT transaction_id FROM booked
            """,
            ids,
            [goods.owner_id for goods, _, _ in written],
            [goods.product_id for goods, _, _ in written],
            [movement.action for _, movement, _ in written],
            [movement.reason for _, movement, _ in written],
            [movement.quantity for _, movement, _ in written],
            [origin.order_id for _, _, origin in written],
            [origin.line_id for _, _, origin in written],
            [origin.booked_by for _, _, origin in written],
            [origin.occurred_at for _, _, origin in written],
            self.cause,
            self.now,
            [transaction for transaction, _ in entries],
            [entry.place for _, entry in entries],
            [entry.quantity for _, entry in entries],
        )
        return {names[transaction] for (transaction,) in booked}
