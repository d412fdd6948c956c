"""Who sells what, and which pools want it."""

from collections.abc import Sequence

from libs.contracts.events import OfferChanged, ProviderChanged
from services.reorder_decision.domain import Offer, Pool
from services.reorder_decision.store.pools import Pools


class Offers(Pools):
    """Providers and their offers, as far as a decision depends on them."""

    async def save_offer(self, offer: OfferChanged) -> bool:
        """Take an offer over; return whether something about it changed that orders depend on."""
        before = await self.connection.fetchrow(
            """-- lock_offer
            SELECT pack_size, unit, scale, available FROM offer WHERE provider_id = $1 AND product_id = $2 FOR UPDATE
            """,
            offer.provider_id,
            offer.product_id,
        )
        await self.connection.execute(
            """-- save_offer
            INSERT INTO offer (provider_id, product_id, pack_size, price, currency, available, event, unit, scale)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (provider_id, product_id) DO UPDATE SET
                pack_size = excluded.pack_size, price = excluded.price, currency = excluded.currency,
                available = excluded.available, event = excluded.event,
                unit = excluded.unit, scale = excluded.scale
            """,
            *(offer.provider_id, offer.product_id, offer.pack_size, offer.price, offer.currency, offer.available),
            *(self.cause, offer.unit, offer.scale),
        )
        return before is None or tuple(before) != (offer.pack_size, offer.unit, offer.scale, offer.available)

    async def save_provider(self, provider: ProviderChanged) -> bool:
        """Take a provider over; return whether it began or ceased to take orders."""
        before = await self.connection.fetchval(
            "-- lock_provider\nSELECT active FROM provider WHERE provider_id = $1 FOR UPDATE", provider.provider_id
        )
        await self.connection.execute(
            """-- save_provider
            INSERT INTO provider (provider_id, active) VALUES ($1, $2)
            ON CONFLICT (provider_id) DO UPDATE SET active = excluded.active
            """,
            provider.provider_id,
            provider.active,
        )
        return bool(before is None or before != provider.active)

    async def find_offer(self, provider_id: str, product_id: str) -> Offer | None:
        row = await self.connection.fetchrow(
            """-- find_offer
            SELECT o.pack_size, o.price, o.currency, o.available, coalesce(p.active, true) AS provider_active, o.event,
                   o.unit, o.scale
            FROM offer AS o LEFT JOIN provider AS p USING (provider_id) WHERE o.provider_id = $1 AND o.product_id = $2
            """,
            provider_id,
            product_id,
        )
        return Offer(**row) if row else None

    async def list_offers_of(self, pool: Pool) -> dict[str, Offer]:
        """Return who offers the pool's product, by provider."""
        rows = await self.connection.fetch(
            """-- list_offers_of
            SELECT provider_id, o.pack_size, o.price, o.currency, o.available,
                   coalesce(p.active, true) AS provider_active, o.event, o.unit, o.scale
            FROM offer AS o LEFT JOIN provider AS p USING (provider_id) WHERE o.product_id = $1 ORDER BY provider_id
            """,
            pool.product_id,
        )
        return {row["provider_id"]: Offer(**{k: v for k, v in row.items() if k != "provider_id"}) for row in rows}

    async def list_pools_buying(self, provider_id: str, product_id: str | None) -> list[str]:
        """Return the pools whose active subscription is for this provider, and this product if one is named."""
        rows = await self.connection.fetch(
            """-- list_pools_buying
            SELECT pool_id FROM subscription
            WHERE provider_id = $1 AND ($2::text IS NULL OR product_id = $2) AND status = 'active' ORDER BY pool_id
            """,
            provider_id,
            product_id,
        )
        return [row["pool_id"] for row in rows]

    async def list_pool_ids_touched(
        self,
        device_ids: Sequence[str],
        offers: Sequence[tuple[str, str | None]],
        customer_ids: Sequence[str],
    ) -> set[str]:
        """Return the pools of these devices' slots and of these customers, and the first that buy these offers."""
        rows = await self.connection.fetch(
            """-- list_pool_ids_touched
            SELECT pool_id FROM slot WHERE device_id = ANY($1::text[])
            UNION SELECT pool_id FROM pool WHERE customer_id = ANY($2::text[])
            UNION SELECT first.pool_id
            FROM unnest($3::text[], $4::text[]) AS asked (provider_id, product_id), LATERAL (
                SELECT s.pool_id FROM subscription AS s
                WHERE s.provider_id = asked.provider_id AND s.status = 'active'
                    AND (asked.product_id IS NULL OR s.product_id = asked.product_id)
                ORDER BY s.pool_id LIMIT $5) AS first
            """,
            device_ids,
            customer_ids,
            [provider_id for provider_id, _ in offers],
            [product_id for _, product_id in offers],
            self.settings.pools_per_turn,
        )
        return {row["pool_id"] for row in rows}

    async def mark_due(self, pool_ids: list[str]) -> None:
        """Let a tick look at these pools; so many at once would hold their locks too long."""
        await self.connection.execute(
            """-- mark_due
            UPDATE pool SET reconsider_at = $2
            WHERE pool_id IN (SELECT pool_id FROM pool WHERE pool_id = ANY($1::text[]) ORDER BY pool_id FOR UPDATE)
            """,
            pool_ids,
            self.now,
        )

    async def list_due(self, limit: int) -> list[str]:
        rows = await self.connection.fetch(
            """-- list_due
            SELECT pool_id FROM (SELECT pool_id FROM pool WHERE reconsider_at <= $1 ORDER BY reconsider_at LIMIT $2)
            AS due ORDER BY pool_id
            """,
            self.now,
            limit,
        )
        return [row["pool_id"] for row in rows]
