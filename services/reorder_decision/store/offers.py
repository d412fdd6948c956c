"""SQL of providers and offers, and of the pools that depend on them."""

from collections.abc import Iterable, Sequence

import msgspec

from replenish_contracts.events import OfferChanged, ProviderChanged
from services.reorder_decision.domain import Offer
from services.reorder_decision.store.pools import Pools


class Offers(Pools):
    """Providers and offers, as far as decisions use them."""

    async def lock_offers_shared(self, provider_ids: Iterable[str]) -> None:
        """Lock these providers' offers in shared mode until the end of the transaction.

        Without the lock, a concurrent offer change would miss the pool that this transaction makes subscribe to it.
        """
        await self.connection.execute(
            """-- lock_offers_shared
            SELECT pg_advisory_xact_lock_shared(hashtextextended('reorder_decision.offers:' || provider_id, 0))
            FROM unnest($1::text[]) AS kept (provider_id)
            """,
            sorted(provider_ids),
        )

    async def _lock_offers(self, provider_id: str) -> None:
        await self.connection.execute(
            """-- _lock_offers
            SELECT pg_advisory_xact_lock(hashtextextended('reorder_decision.offers:' || $1, 0))
            """,
            provider_id,
        )

    async def save_offer(self, offer: OfferChanged) -> bool:
        """Store an offer; return whether pack, unit or availability changed."""
        await self._lock_offers(offer.provider_id)
        before = await self.connection.fetchrow(
            """-- save_offer
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
        """Store a provider; return whether anything changed that decisions depend on."""
        await self._lock_offers(provider.provider_id)
        before = await self.connection.fetchrow(
            """-- save_provider
            SELECT active, lead_time_days, test, needs_link FROM provider WHERE provider_id = $1 FOR UPDATE
            """,
            provider.provider_id,
        )
        await self.connection.execute(
            """-- save_provider
            INSERT INTO provider (provider_id, active, lead_time_days, test, needs_link) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (provider_id) DO UPDATE
            SET active = excluded.active, lead_time_days = excluded.lead_time_days, test = excluded.test,
                needs_link = excluded.needs_link
            """,
            provider.provider_id,
            *(columns := (provider.active, provider.lead_time_days, provider.test, provider.needs_link)),
        )
        return before is None or tuple(before) != columns

    async def find_offer(self, provider_id: str, product_id: str) -> Offer | None:
        found = await self.list_offers([provider_id], product_id)
        return found[0] if found else None

    async def list_offers(self, provider_ids: Sequence[str], product_id: str) -> tuple[Offer, ...]:
        rows = await self.connection.fetch(
            """-- list_offers
            SELECT row_to_json(o) AS offer FROM offer_view AS o
            WHERE o.provider_id = ANY($1::text[]) AND o.product_id = $2 ORDER BY o.provider_id
            """,
            provider_ids,
            product_id,
        )
        return tuple(msgspec.json.decode(row["offer"], type=Offer) for row in rows)

    async def list_pools_buying(self, provider_id: str, product_id: str | None) -> list[str]:
        """Return the pools that would order from this provider, limited to a product if one is given.

        That includes pools with the provider as an alternative, if a provider of theirs is avoided.
        """
        rows = await self.connection.fetch(
            """-- list_pools_buying
            SELECT pool_id FROM subscription
            WHERE provider_id = $1 AND ($2::text IS NULL OR product_id = $2) AND status = 'active'
            UNION SELECT s.pool_id FROM subscription AS s JOIN pool AS p USING (pool_id)
            WHERE s.alternatives @> ARRAY[$1::text] AND ($2::text IS NULL OR s.product_id = $2)
                AND s.status = 'active' AND p.avoided <> '{}'
            ORDER BY pool_id
            """,
            provider_id,
            product_id,
        )
        return [row["pool_id"] for row in rows]

    async def list_affected_pool_ids(
        self,
        device_ids: Sequence[str],
        offers: Sequence[tuple[str, str | None]],
        customer_ids: Sequence[str],
        ordering_ids: Sequence[str],
    ) -> set[str]:
        """Return the pools of these devices and customers, and the first `pools_per_transaction` of each offer.

        Of the customers in `ordering_ids`, only the pools that collect are returned.
        """
        rows = await self.connection.fetch(
            """-- list_affected_pool_ids
            SELECT pool_id FROM slot WHERE device_id = ANY($1::text[])
            UNION SELECT pool_id FROM pool WHERE customer_id = ANY($2::text[])
            UNION SELECT pool_id FROM pool WHERE customer_id = ANY($6::text[]) AND collect_until IS NOT NULL
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
            self.settings.pools_per_transaction,
            ordering_ids,
        )
        return {row["pool_id"] for row in rows}

    async def mark_due(self, pool_ids: list[str]) -> None:
        """Leave these pools to the periodic job, because reassessing all at once would hold locks too long."""
        await self.connection.execute(
            """-- mark_due
            UPDATE pool SET reconsider_at = $2
            WHERE pool_id IN (SELECT pool_id FROM pool WHERE pool_id = ANY($1::text[]) ORDER BY pool_id FOR UPDATE)
            """,
            pool_ids,
            self.now,
        )

    async def list_due(self, limit: int) -> list[str]:
        """Return the pools that are due, and the collecting pools that the order of a due one can include, by id."""
        rows = await self.connection.fetch(
            """-- list_due
            WITH due AS (SELECT pool_id, customer_id, collect_until FROM pool
                         WHERE reconsider_at <= $1 ORDER BY reconsider_at LIMIT $2)
            SELECT pool_id FROM due
            UNION SELECT p.pool_id FROM due JOIN pool AS p USING (customer_id)
            WHERE due.collect_until IS NOT NULL AND p.collect_until IS NOT NULL
            ORDER BY pool_id
            """,
            self.now,
            limit,
        )
        return [row["pool_id"] for row in rows]
