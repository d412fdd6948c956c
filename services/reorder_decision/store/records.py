"""SQL of order results and providers' records."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from replenish_contracts.events import OrderDelivered
from services.reorder_decision.domain import Record, Result
from services.reorder_decision.store.pools import Pools

Sold = tuple[str, str]


class Kept(NamedTuple):
    """The stored record of a provider and product."""

    provider_id: str
    product_id: str
    record: Record
    took_days: tuple[float, ...]
    learned_days: float | None
    stated_days: float | None


class Records(Pools):
    """Events update the row of their order; a periodic job adds them up, so that orders do not contend for a record."""

    async def note_placed(self, order_id: str, quantity: int, promised_at: datetime | None) -> None:
        """Store the accepted quantity and the first promised date."""
        await self.connection.execute(
            """-- note_placed
            UPDATE reorder SET quantity = $2, promised_at = coalesce(promised_at, $3)
            WHERE order_id = $1 AND result IS NULL
            """,
            order_id,
            quantity,
            promised_at,
        )

    async def note_delivered(self, event: OrderDelivered) -> None:
        await self.connection.execute(
            """-- note_delivered
            UPDATE reorder SET result = 'delivered', received = $2, finished_at = $3, price = $4, billed = $5
            WHERE order_id = $1 AND result IS NULL
            """,
            *(event.order_id, event.quantity, event.delivered_at, event.price, event.billed),
        )

    async def note_broken(self, order_id: str) -> None:
        """Record that an order ended without delivery through the provider's fault."""
        await self.connection.execute(
            "-- note_broken\nUPDATE reorder SET result = 'broken' WHERE order_id = $1 AND result IS NULL", order_id
        )

    async def take_results(self, limit: int) -> list[tuple[Sold, Result]]:
        """Return the results of finished orders and mark them as counted."""
        rows = await self.connection.fetch(
            """-- take_results
            UPDATE reorder AS r SET counted = true FROM pool AS p
            WHERE p.pool_id = r.pool_id AND r.order_id IN (
                SELECT order_id FROM reorder WHERE result IS NOT NULL AND NOT counted AND provider_id IS NOT NULL
                ORDER BY order_id LIMIT $1)
            RETURNING r.provider_id, p.product_id, r.decided_at, r.quantity, r.result = 'delivered' AS delivered,
                coalesce(r.received, 0) AS received, r.promised_at, r.finished_at, r.price, r.billed
            """,
            limit,
        )
        return [((row[0], row[1]), Result(*tuple(row)[2:])) for row in rows]

    async def lock_records(self, sold: Sequence[Sold]) -> list[Kept]:
        """Lock and return these records ordered by key, creating missing ones."""
        keys = [list(part) for part in zip(*sorted(set(sold)), strict=True)]
        await self.connection.execute(
            """-- create_records
            INSERT INTO record (provider_id, product_id) SELECT * FROM unnest($1::text[], $2::text[])
            ON CONFLICT DO NOTHING
            """,
            *keys,
        )
        await self.connection.execute(
            """-- lock_records
            SELECT FROM record WHERE (provider_id, product_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
            ORDER BY provider_id, product_id FOR UPDATE
            """,
            *keys,
        )
        rows = await self.connection.fetch(
            """-- list_locked_records
            SELECT provider_id, product_id, delivered, broken, promised, on_time, short, filled, priced, dearness,
                   lead_days, learned_days, stated_days
            FROM known_record
            WHERE (provider_id, product_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
            ORDER BY provider_id, product_id
            """,
            *keys,
        )
        return [_to_kept(row) for row in rows]

    async def list_records(self, provider_id: str) -> list[Kept]:
        rows = await self.connection.fetch(
            """-- list_records
            SELECT provider_id, product_id, delivered, broken, promised, on_time, short, filled, priced, dearness,
                   lead_days, learned_days, stated_days
            FROM known_record WHERE provider_id = $1 ORDER BY product_id
            """,
            provider_id,
        )
        return [_to_kept(row) for row in rows]

    async def knows_provider(self, provider_id: str) -> bool:
        known: bool = await self.connection.fetchval(
            "-- knows_provider\nSELECT EXISTS (SELECT FROM provider WHERE provider_id = $1)", provider_id
        )
        return known

    async def save_record(self, kept: Kept) -> None:
        await self.connection.execute(
            """-- save_record
            UPDATE record SET delivered = $3, broken = $4, promised = $5, on_time = $6, short = $7, filled = $8,
                priced = $9, dearness = $10, lead_days = $11, learned_days = $12
            WHERE provider_id = $1 AND product_id = $2
            """,
            *(kept.provider_id, kept.product_id, *asdict(kept.record).values(), kept.took_days, kept.learned_days),
        )

    async def list_outdated(self) -> list[tuple[str, str, float | None]]:
        """Return the records whose learned lead time differs from the one in their pools' triggers."""
        rows = await self.connection.fetch(
            """-- list_outdated
            SELECT provider_id, product_id, learned_days FROM record
            WHERE learned_days IS DISTINCT FROM told_days ORDER BY provider_id, product_id
            """
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def list_pools_minding(self, provider_id: str, product_id: str) -> list[str]:
        """Return the pools whose days of supply change with the learned lead time."""
        rows = await self.connection.fetch(
            """-- list_pools_minding
            SELECT s.pool_id FROM subscription AS s
            JOIN record AS r USING (provider_id, product_id) LEFT JOIN provider AS p USING (provider_id)
            WHERE s.provider_id = $1 AND s.product_id = $2 AND s.status = 'active' AND s.days > 0
                AND greatest(s.days, coalesce(r.learned_days, p.lead_time_days))
                    <> greatest(s.days, coalesce(r.told_days, p.lead_time_days))
            ORDER BY s.pool_id
            """,
            provider_id,
            product_id,
        )
        return [row["pool_id"] for row in rows]

    async def note_told(self, provider_id: str, product_id: str, learned_days: float | None) -> None:
        await self.connection.execute(
            "-- note_told\nUPDATE record SET told_days = $3 WHERE provider_id = $1 AND product_id = $2",
            *(provider_id, product_id, learned_days),
        )


def _to_kept(row: Any) -> Kept:
    columns = tuple(row)
    return Kept(
        row["provider_id"],
        row["product_id"],
        Record(*columns[2:10]),
        tuple(row["lead_days"]),
        row["learned_days"],
        row["stated_days"],
    )
