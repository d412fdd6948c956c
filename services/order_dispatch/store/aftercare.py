"""What is left to settle about orders: goods that did not come, and orders taken for fraud."""

from collections.abc import Sequence

from asyncpg import Record

from libs.kit import Store as KitStore
from replenish_contracts.events import ClaimRaised


class Aftercare(KitStore):
    """SQL about claims and suspicions."""

    async def add_claim(self, claim: ClaimRaised) -> None:
        """Note what is missing; the customer's count comes after what the provider admitted, and counts."""
        await self.connection.execute(
            """-- add_claim
            INSERT INTO claim (order_id, ordered, received, raised_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (order_id) DO UPDATE SET received = excluded.received, raised_at = excluded.raised_at
            """,
            claim.order_id,
            claim.ordered,
            claim.received,
            claim.occurred_at,
        )

    async def list_claims(self, customer_id: str | None, provider_id: str | None, limit: int) -> Sequence[Record]:
        """Return what did not come, of one customer or provider or of all, the latest first."""
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_claims
            SELECT order_id, customer_id, provider_id, product_id, unit, scale, ordered, received, raised_at
            FROM claim JOIN orders USING (order_id)
            WHERE ($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR provider_id = $2)
            ORDER BY raised_at DESC, order_id LIMIT $3
            """,
            customer_id,
            provider_id,
            limit,
        )
        return rows

    async def find_suspicion(self, pool_id: str) -> str | None:
        """Return an order of this pool that an operator takes for fraud."""
        order_id: str | None = await self.connection.fetchval(
            """-- find_suspicion
            SELECT order_id FROM orders
            WHERE pool_id = $1 AND fraud_at IS NOT NULL AND fraud_cleared_at IS NULL ORDER BY order_id LIMIT 1
            """,
            pool_id,
        )
        return order_id
