"""SQL of order results and provider scorecards."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from replenish_contracts.events import OrderDelivered, OrderPlaced, lines_of
from services.reorder_decision.domain import OrderResult, Scorecard
from services.reorder_decision.store.pools import Pools

ProviderProduct = tuple[str, str]

#: Columns of `scorecard_view` that `_scorecard_of` reads.
SCORECARD_COLUMNS = """
    provider_id, product_id, delivered, broken, promised, on_time, short, filled, priced, dearness,
    lead_days, learned_days, stated_days
"""


class ProductScorecard(NamedTuple):
    """The scorecard of a provider and product."""

    provider_id: str
    product_id: str
    record: Scorecard
    took_days: tuple[float, ...]
    learned_days: float | None
    stated_days: float | None


class Scorecards(Pools):
    """Events update the row of their order; a periodic job adds them up, so that orders do not contend for it."""

    async def save_order_id(self, order_id: str, lines: Sequence[tuple[str, int]]) -> None:
        """Store the order that these lines, as (pool_id, epoch), are part of now; a proposal is no order yet."""
        await self.connection.execute(
            """-- save_order_id
            UPDATE reorder AS r SET order_id = $1, decided_id = coalesce(r.decided_id, r.order_id)
            FROM unnest($2::text[], $3::bigint[]) AS line (pool_id, epoch)
            WHERE (r.pool_id, r.epoch) = (line.pool_id, line.epoch) AND r.state <> 'proposed' AND r.order_id <> $1
            """,
            order_id,
            *(list(column) for column in zip(*lines, strict=True)),
        )

    async def save_acceptance(self, event: OrderPlaced) -> None:
        await self.connection.execute(
            """-- save_acceptance
            UPDATE reorder AS r SET quantity = line.quantity, promised_at = coalesce(promised_at, $4),
                promised_date = CASE WHEN promised_at IS NULL THEN $5::date ELSE promised_date END
            FROM unnest($2::text[], $3::bigint[]) AS line (pool_id, quantity)
            WHERE r.order_id = $1 AND r.pool_id = line.pool_id AND r.result IS NULL
            """,
            event.order_id,
            *_quantities_of(event),
            event.expected_at,
            event.expected_date,
        )

    async def save_delivery(self, event: OrderDelivered) -> None:
        """Record the delivered lines; the price ratio of the event counts for each of them."""
        await self.connection.execute(
            """-- save_delivery
            UPDATE reorder AS r SET result = 'delivered', received = line.quantity, finished_at = $4, price = $5,
                billed = $6
            FROM unnest($2::text[], $3::bigint[]) AS line (pool_id, quantity)
            WHERE r.order_id = $1 AND r.pool_id = line.pool_id AND r.result IS NULL
            """,
            event.order_id,
            *_quantities_of(event),
            *(event.delivered_at, event.price, event.billed),
        )

    async def save_provider_failure(self, order_id: str, pool_ids: Sequence[str]) -> None:
        """Record that these pools' lines of an order ended without delivery through the provider's fault."""
        await self.connection.execute(
            """-- save_provider_failure
            UPDATE reorder SET result = 'broken' WHERE order_id = $1 AND pool_id = ANY($2::text[]) AND result IS NULL
            """,
            order_id,
            pool_ids,
        )

    async def claim_results(self, limit: int) -> list[tuple[ProviderProduct, OrderResult]]:
        """Return the results of finished orders and mark them as counted."""
        rows = await self.connection.fetch(
            """-- claim_results
            UPDATE reorder AS r SET counted = true FROM pool AS p
            WHERE p.pool_id = r.pool_id AND (r.pool_id, r.epoch) IN (
                SELECT pool_id, epoch FROM reorder WHERE result IS NOT NULL AND NOT counted AND provider_id IS NOT NULL
                ORDER BY pool_id, epoch LIMIT $1)
            RETURNING r.provider_id, p.product_id, r.decided_at, r.quantity, r.result = 'delivered' AS delivered,
                coalesce(r.received, 0) AS received, r.promised_at, r.finished_at, r.price, r.billed,
                r.promised_date
            """,
            limit,
        )
        return [((row[0], row[1]), OrderResult(*tuple(row)[2:])) for row in rows]

    async def lock_scorecards(self, sold: Sequence[ProviderProduct]) -> list[ProductScorecard]:
        """Lock and return these scorecards ordered by key, creating missing ones."""
        keys = [list(part) for part in zip(*sorted(set(sold)), strict=True)]
        await self.connection.execute(
            """-- lock_scorecards
            INSERT INTO scorecard (provider_id, product_id) SELECT * FROM unnest($1::text[], $2::text[])
            ON CONFLICT DO NOTHING
            """,
            *keys,
        )
        await self.connection.execute(
            """-- lock_scorecards
            SELECT FROM scorecard WHERE (provider_id, product_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
            ORDER BY provider_id, product_id FOR UPDATE
            """,
            *keys,
        )
        rows = await self.connection.fetch(
            f"""-- lock_scorecards
            SELECT {SCORECARD_COLUMNS}
            FROM scorecard_view
            WHERE (provider_id, product_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
            ORDER BY provider_id, product_id
            """,
            *keys,
        )
        return [_scorecard_of(row) for row in rows]

    async def list_scorecards(self, provider_id: str) -> list[ProductScorecard]:
        rows = await self.connection.fetch(
            f"""-- list_scorecards
            SELECT {SCORECARD_COLUMNS}
            FROM scorecard_view WHERE provider_id = $1 ORDER BY product_id
            """,
            provider_id,
        )
        return [_scorecard_of(row) for row in rows]

    async def is_known_provider(self, provider_id: str) -> bool:
        known: bool = await self.connection.fetchval(
            "-- is_known_provider\nSELECT EXISTS (SELECT FROM provider WHERE provider_id = $1)", provider_id
        )
        return known

    async def save_scorecard(self, scorecard: ProductScorecard) -> None:
        await self.connection.execute(
            """-- save_scorecard
            UPDATE scorecard SET delivered = $3, broken = $4, promised = $5, on_time = $6, short = $7, filled = $8,
                priced = $9, dearness = $10, lead_days = $11, learned_days = $12
            WHERE provider_id = $1 AND product_id = $2
            """,
            *(
                scorecard.provider_id,
                scorecard.product_id,
                *asdict(scorecard.record).values(),
                scorecard.took_days,
                scorecard.learned_days,
            ),
        )

    async def list_changed_lead_times(self) -> list[tuple[str, str, float | None]]:
        """Return the scorecards whose learned lead time differs from the one in their pools' triggers."""
        rows = await self.connection.fetch(
            """-- list_changed_lead_times
            SELECT provider_id, product_id, learned_days FROM scorecard
            WHERE learned_days IS DISTINCT FROM trigger_days ORDER BY provider_id, product_id
            """
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def list_pools_to_reassess(self, provider_id: str, product_id: str) -> list[str]:
        rows = await self.connection.fetch(
            """-- list_pools_to_reassess
            SELECT s.pool_id FROM subscription AS s
            JOIN scorecard AS r USING (provider_id, product_id) LEFT JOIN provider AS p USING (provider_id)
            WHERE s.provider_id = $1 AND s.product_id = $2 AND s.status = 'active' AND s.days > 0
                AND greatest(s.days, coalesce(r.learned_days, p.lead_time_days))
                    <> greatest(s.days, coalesce(r.trigger_days, p.lead_time_days))
            ORDER BY s.pool_id
            """,
            provider_id,
            product_id,
        )
        return [row["pool_id"] for row in rows]

    async def save_trigger_days(self, provider_id: str, product_id: str, learned_days: float | None) -> None:
        await self.connection.execute(
            "-- save_trigger_days\nUPDATE scorecard SET trigger_days = $3 WHERE provider_id = $1 AND product_id = $2",
            *(provider_id, product_id, learned_days),
        )


def _quantities_of(event: OrderPlaced | OrderDelivered) -> tuple[list[str], list[int]]:
    lines = lines_of(event)
    return [line.pool_id for line in lines], [line.quantity for line in lines]


def _scorecard_of(row: Any) -> ProductScorecard:
    columns = tuple(row)
    return ProductScorecard(
        row["provider_id"],
        row["product_id"],
        Scorecard(*columns[2:10]),
        tuple(row["lead_days"]),
        row["learned_days"],
        row["stated_days"],
    )
