"""Locks on provider stock, and bulk writes of its bookings and allocations."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

from services.inventory.domain import Action, Allocation, AllocationState, Booking, Goods, Warehouse, sum_by_goods
from services.inventory.store.lots import Lots

#: Actions that leave the owner's total stock unchanged.
STOCK_NEUTRAL = frozenset({Action.ALLOCATE, Action.DEALLOCATE})


class Warehouses(Lots):
    """Allocations and ended orders."""

    async def lock_warehouse(self, holders: Collection[str], wanted: Iterable[Goods] = ()) -> Warehouse:
        """Lock the wanted goods and those allocated to these holders, always in sort order.

        The caller must ensure that no other transaction changes allocations of these holders.
        """
        allocations = await self._list_allocations(holders)
        goods = sorted({*wanted, *(allocation.goods for allocation in allocations)})
        return Warehouse(await self._lock_available(goods) if goods else {}, allocations)

    async def _list_allocations(self, holders: Collection[str]) -> list[Allocation]:
        rows = await self.connection.fetch(
            """-- _list_allocations
            SELECT holder_id, line_id, owner_id, product_id, quantity, state, shipped, round
            FROM allocation WHERE holder_id = ANY($1::text[])
            """,
            list(holders),
        )
        return [
            Allocation(holder, Goods(owner, product), quantity, AllocationState(state), shipped, number, line)
            for holder, line, owner, product, quantity, state, shipped, number in rows
        ]

    async def _lock_available(self, goods: Sequence[Goods]) -> dict[Goods, int]:
        rows = await self.connection.fetch(
            """-- _lock_available
            SELECT s.owner_id, s.product_id, s.available
            FROM stock AS s JOIN unnest($1::text[], $2::text[]) AS asked (owner_id, product_id)
                ON s.owner_id = asked.owner_id AND s.product_id = asked.product_id
            ORDER BY s.owner_id, s.product_id FOR NO KEY UPDATE OF s
            """,
            [one.owner_id for one in goods],
            [one.product_id for one in goods],
        )
        return {Goods(owner, product): available for owner, product, available in rows}

    async def save_warehouse(self, warehouse: Warehouse) -> None:
        """Write the decisions; the stock must still be locked."""
        await self.book_all(warehouse.bookings)
        await self._save_allocations(warehouse.changed)

    async def book_all(self, bookings: Sequence[Booking]) -> None:
        """Write movements whose stock is locked; a name that was booked before is an error."""
        if not bookings:
            return
        changes = (
            (one.goods, -one.movement.stock_change) for one in bookings if one.movement.action not in STOCK_NEUTRAL
        )
        if shipped := {goods: n for goods, n in sum_by_goods(changes).items() if n > 0}:
            await self.take_from_lots(shipped)
        names = [transaction_id(booking.name) for booking in bookings]
        entries = [
            (name, entry) for name, booking in zip(names, bookings, strict=True) for entry in booking.movement.entries
        ]
        await self.connection.execute(
            """-- book_all
            WITH booked AS (
                INSERT INTO ledger_transaction (transaction_id, owner_id, product_id, action, reason, quantity,
                                                order_id, line_id, cause, booked_by, happened_at, booked_at)
                SELECT *, $12::timestamptz
                FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                            $8::text[], $9::text[], $10::text[], $11::timestamptz[])
                RETURNING number, transaction_id, owner_id, product_id
            )
            INSERT INTO ledger_entry (number, place, owner_id, product_id, quantity)
            SELECT booked.number, entry.place, booked.owner_id, booked.product_id, entry.quantity
            FROM unnest($13::uuid[], $14::text[], $15::bigint[]) AS entry (transaction_id, place, quantity)
            JOIN booked USING (transaction_id)
            """,
            names,
            [booking.goods.owner_id for booking in bookings],
            [booking.goods.product_id for booking in bookings],
            [booking.movement.action for booking in bookings],
            [booking.movement.reason for booking in bookings],
            [booking.movement.quantity for booking in bookings],
            [booking.holder_id for booking in bookings],
            [booking.line_id for booking in bookings],
            [booking.source.cause for booking in bookings],
            [booking.source.booked_by for booking in bookings],
            [booking.source.occurred_at for booking in bookings],
            self.now,
            [name for name, _ in entries],
            [entry.place for _, entry in entries],
            [entry.quantity for _, entry in entries],
        )

    async def _save_allocations(self, allocations: Sequence[Allocation]) -> None:
        if not allocations:
            return
        await self.connection.execute(
            """-- _save_allocations
            INSERT INTO allocation (holder_id, line_id, owner_id, product_id, quantity, state, shipped, round,
                                    changed_at)
            SELECT *, $9::timestamptz
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[],
                        $8::integer[])
            ON CONFLICT (holder_id, line_id, owner_id, product_id) DO UPDATE SET
                quantity = excluded.quantity, state = excluded.state, shipped = excluded.shipped,
                round = excluded.round, changed_at = excluded.changed_at
            """,
            [one.holder_id for one in allocations],
            [one.line_id for one in allocations],
            [one.goods.owner_id for one in allocations],
            [one.goods.product_id for one in allocations],
            [one.quantity for one in allocations],
            [one.state for one in allocations],
            [one.shipped for one in allocations],
            [one.round for one in allocations],
            self.now,
        )

    async def list_allocated(self, holder_id: str) -> dict[Goods, int]:
        allocations = await self._list_allocations([holder_id])
        return sum_by_goods((one.goods, one.open_quantity) for one in allocations)

    async def list_settled_orders(self, order_ids: Collection[str]) -> set[str]:
        """Return the orders that ended, or found nothing available, before anything was allocated to them."""
        rows = await self.connection.fetch(
            "-- list_settled_orders\nSELECT order_id FROM settled_order WHERE order_id = ANY($1::text[])",
            list(order_ids),
        )
        return {order_id for (order_id,) in rows}

    async def save_settled_orders(self, outcomes: Mapping[str, str]) -> None:
        if outcomes:
            await self.connection.execute(
                """-- save_settled_orders
                INSERT INTO settled_order (order_id, outcome, settled_at)
                SELECT *, $3::timestamptz FROM unnest($1::text[], $2::text[]) ON CONFLICT (order_id) DO NOTHING
                """,
                list(outcomes),
                list(outcomes.values()),
                self.now,
            )

    async def delete_settled_orders(self, before: datetime) -> None:
        await self.connection.execute(
            "-- delete_settled_orders\nDELETE FROM settled_order WHERE settled_at < $1", before
        )


def transaction_id(name: str) -> str:
    """Return the transaction id of a booking; blake2b is fast, and every allocation needs an id."""
    return blake2b(name.encode(), digest_size=16).hexdigest()
