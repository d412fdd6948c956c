"""Who sells what."""

from collections.abc import Sequence

from asyncpg import Record

from libs.kit import Store as KitStore
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain import Offer, Provider


class Offers(KitStore):
    """SQL about providers and offers."""

    async def save_provider(self, provider: Provider) -> None:
        await self.connection.execute(
            """-- save_provider
            INSERT INTO provider (provider_id, name, protocol, active, lead_time_days, payment, url, account,
                cancel_window_hours, modify_window_hours, resolution_hours, allows_substitutes, test)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            ON CONFLICT (provider_id) DO UPDATE
            SET name = excluded.name, protocol = excluded.protocol, active = excluded.active,
                lead_time_days = excluded.lead_time_days, payment = excluded.payment, url = excluded.url,
                account = excluded.account, cancel_window_hours = excluded.cancel_window_hours,
                modify_window_hours = excluded.modify_window_hours, resolution_hours = excluded.resolution_hours,
                allows_substitutes = excluded.allows_substitutes, test = excluded.test
            """,
            *(provider.provider_id, provider.name, provider.protocol, provider.active, provider.lead_time_days),
            *(provider.payment, provider.url, dict(provider.account), provider.cancel_window_hours),
            *(provider.modify_window_hours, provider.resolution_hours, provider.allows_substitutes, provider.test),
        )

    async def save_secrets(self, provider_id: str, sealed: bytes | None) -> None:
        """Keep what proves to a provider who we are; it comes here sealed."""
        await self.connection.execute(
            """-- save_secrets
            UPDATE provider SET secrets = $2 WHERE provider_id = $1
            """,
            provider_id,
            sealed,
        )

    async def find_secrets(self, provider_id: str) -> bytes | None:
        sealed: bytes | None = await self.connection.fetchval(
            """-- find_secrets
            SELECT secrets FROM provider WHERE provider_id = $1
            """,
            provider_id,
        )
        return sealed

    async def find_provider(self, provider_id: str) -> Provider | None:
        row = await self.connection.fetchrow(
            """-- find_provider
            SELECT provider_id, name, protocol, active, lead_time_days, payment, url, account, cancel_window_hours,
                modify_window_hours, resolution_hours, allows_substitutes, test
            FROM provider WHERE provider_id = $1
            """,
            provider_id,
        )
        return None if row is None else Provider(**row)

    async def lock_provider(self, provider_id: str) -> Provider | None:
        row = await self.connection.fetchrow(
            """-- lock_provider
            SELECT provider_id, name, protocol, active, lead_time_days, payment, url, account, cancel_window_hours,
                modify_window_hours, resolution_hours, allows_substitutes, test
            FROM provider WHERE provider_id = $1 FOR UPDATE
            """,
            provider_id,
        )
        return None if row is None else Provider(**row)

    async def list_providers(self) -> Sequence[Provider]:
        rows = await self.connection.fetch(
            """-- list_providers
            SELECT provider_id, name, protocol, active, lead_time_days, payment, url, account, cancel_window_hours,
                modify_window_hours, resolution_hours, allows_substitutes, test
            FROM provider ORDER BY provider_id
            """
        )
        return [Provider(**row) for row in rows]

    async def save_offer(self, offer: Offer) -> None:
        await self.connection.execute(
            """-- save_offer
            INSERT INTO offer (provider_id, product_id, title, pack_size, unit, scale, price, currency, available)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (provider_id, product_id) DO UPDATE
            SET title = excluded.title, pack_size = excluded.pack_size, unit = excluded.unit, scale = excluded.scale,
                price = excluded.price, currency = excluded.currency, available = excluded.available
            """,
            offer.provider_id,
            offer.product_id,
            offer.title,
            offer.pack_size,
            offer.unit,
            offer.scale,
            offer.price,
            offer.currency,
            offer.available,
        )

    async def find_offer(self, provider_id: str, product_id: str) -> Offer | None:
        row = await self.connection.fetchrow(
            """-- find_offer
            SELECT provider_id, product_id, title, pack_size, unit, scale, price, currency, available
            FROM offer WHERE provider_id = $1 AND product_id = $2
            """,
            provider_id,
            product_id,
        )
        return None if row is None else _offer(row)

    async def list_offers(self) -> Sequence[Offer]:
        rows = await self.connection.fetch(
            """-- list_offers
            SELECT provider_id, product_id, title, pack_size, unit, scale, price, currency, available
            FROM offer ORDER BY provider_id, product_id
            """
        )
        return [_offer(row) for row in rows]


def _offer(row: Record) -> Offer:
    return Offer(**{**row, "unit": BaseUnit(row["unit"])})
