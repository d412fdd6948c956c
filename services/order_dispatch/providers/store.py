"""SQL of providers, offers, order tokens and the providers' order ids."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Record

from libs.kit import Store as KitStore
from replenish_contracts.events import ShipTo
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain.order import Order
from services.order_dispatch.domain.provider import Offer, Provider
from services.order_dispatch.providers.tokens import OrderToken, derive_token, hash_token, ship_to_digest

NONCE_BYTES = 32
PROVIDER_COLUMNS = """
    provider_id, name, protocol, active, lead_time_days, payment, url, account, cancel_window_hours,
    modify_window_hours, resolution_hours, allows_substitutes,
    -- A provider that registers our devices as test devices delivers nothing, like a test provider.
    test OR EXISTS (
        SELECT FROM link_client
        WHERE link_client.provider_id = provider.provider_id AND options ->> 'is_test_device' = 'true') AS test
"""
OFFER_COLUMNS = "provider_id, product_id, title, pack_size, unit, scale, price, currency, available"


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token's order, limits and redemption. `now` is the database's time: tokens expire in real time."""

    order_id: str
    provider_id: str
    #: The lines as they were requested, each an object of JSON.
    lines: list[dict[str, Any]]
    ship_to_sha256: str | None
    max_amount: int | None
    currency: str | None
    expires_at: datetime
    redeemed_at: datetime | None
    order_state: str
    now: datetime


class ProviderStore(KitStore):
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
            f"""-- find_provider
            SELECT {PROVIDER_COLUMNS}
            FROM provider WHERE provider_id = $1
            """,
            provider_id,
        )
        return None if row is None else Provider(**row)

    async def lock_provider(self, provider_id: str) -> Provider | None:
        row = await self.connection.fetchrow(
            f"""-- lock_provider
            SELECT {PROVIDER_COLUMNS}
            FROM provider WHERE provider_id = $1 FOR UPDATE
            """,
            provider_id,
        )
        return None if row is None else Provider(**row)

    async def list_providers(self) -> Sequence[Provider]:
        rows = await self.connection.fetch(
            f"""-- list_providers
            SELECT {PROVIDER_COLUMNS}
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

    async def find_offers(self, provider_id: str, product_ids: Sequence[str]) -> dict[str, Offer]:
        """Return a provider's offers of these products, by product."""
        rows = await self.connection.fetch(
            f"""-- find_offers
            SELECT {OFFER_COLUMNS}
            FROM offer WHERE provider_id = $1 AND product_id = ANY($2::text[])
            """,
            provider_id,
            product_ids,
        )
        return {row["product_id"]: _offer(row) for row in rows}

    async def list_offers_of(self, provider_id: str) -> Sequence[Offer]:
        rows = await self.connection.fetch(
            f"""-- list_offers_of
            SELECT {OFFER_COLUMNS}
            FROM offer WHERE provider_id = $1 ORDER BY product_id
            """,
            provider_id,
        )
        return [_offer(row) for row in rows]

    async def list_offers(self) -> Sequence[Offer]:
        rows = await self.connection.fetch(
            f"""-- list_offers
            SELECT {OFFER_COLUMNS}
            FROM offer ORDER BY provider_id, product_id
            """
        )
        return [_offer(row) for row in rows]

    async def issue_token(self, order: Order, ship_to: ShipTo, provider_secrets: Mapping[str, str]) -> OrderToken:
        """Return the order's token: the same on each call, until the provider's secrets change."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        await self._add_token(order, ship_to, nonce, derive_token(provider_secrets, order.order_id, nonce))
        row = await self.connection.fetchrow(
            """-- lock_issued_token
            SELECT nonce, hash, max_amount, currency, expires_at FROM order_token WHERE order_id = $1 FOR UPDATE
            """,
            order.order_id,
        )
        assert row is not None  # noqa: S101  # added above, or by an earlier call
        token = derive_token(provider_secrets, order.order_id, row["nonce"])
        if hash_token(token) != row["hash"]:
            await self.connection.execute(
                """-- save_token_hash
                UPDATE order_token SET hash = $2 WHERE order_id = $1 AND redeemed_at IS NULL
                """,
                order.order_id,
                hash_token(token),
            )
        return OrderToken(token, row["expires_at"], row["max_amount"], row["currency"])

    async def _add_token(self, order: Order, ship_to: ShipTo, nonce: bytes, token: str) -> None:
        await self.connection.execute(
            """-- add_token
            INSERT INTO order_token (
                order_id, provider_id, hash, nonce, lines, ship_to_sha256, max_amount, currency, expires_at
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9))
            ON CONFLICT (order_id) DO NOTHING
            """,
            *(order.order_id, order.provider_id, hash_token(token), nonce),
            [
                {name: getattr(line, name) for name in ("line_id", "product_id", "packs", "quantity", "unit", "scale")}
                for line in order.open_lines
            ],
            *(ship_to_digest(ship_to), order.price, order.currency),
            self.settings.order_token_hours * 3600,
        )

    async def lock_token(self, token: str) -> StoredToken | None:
        """Lock the row of a token; None if no such token was issued."""
        row = await self.connection.fetchrow(
            """-- lock_token
            SELECT t.order_id, t.provider_id, t.lines, t.ship_to_sha256, t.max_amount, t.currency, t.expires_at,
                t.redeemed_at, orders.state AS order_state, now() AS now
            FROM order_token t JOIN orders USING (order_id) WHERE t.hash = $1 FOR UPDATE OF t
            """,
            hash_token(token),
        )
        return None if row is None else StoredToken(**row)

    async def redeem_token(self, order_id: str, amount: int | None) -> None:
        await self.connection.execute(
            """-- redeem_token
            UPDATE order_token SET redeemed_at = now(), redeemed_amount = $2 WHERE order_id = $1
            """,
            order_id,
            amount,
        )

    async def save_reference(self, provider_id: str, order_id: str, reference: str) -> None:
        await self.connection.execute(
            """-- save_reference
            INSERT INTO order_reference (provider_id, reference, order_id) VALUES ($1, $2, $3)
            ON CONFLICT (provider_id, order_id) DO UPDATE SET reference = excluded.reference
            """,
            provider_id,
            reference,
            order_id,
        )

    async def find_reference(self, provider_id: str, order_id: str) -> str | None:
        found: str | None = await self.connection.fetchval(
            """-- find_reference
            SELECT reference FROM order_reference WHERE provider_id = $1 AND order_id = $2
            """,
            provider_id,
            order_id,
        )
        return found

    async def find_referenced_order(self, provider_id: str, reference: str) -> str | None:
        found: str | None = await self.connection.fetchval(
            """-- find_referenced_order
            SELECT order_id FROM order_reference WHERE provider_id = $1 AND reference = $2
            """,
            provider_id,
            reference,
        )
        return found


def _offer(row: Record) -> Offer:
    return Offer(**{**row, "unit": BaseUnit(row["unit"])})
