"""The single-use tokens of orders: issued before a call, redeemed once."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from libs.kit import Store as KitStore
from replenish_contracts.events import ShipTo
from services.order_dispatch.domain import Order
from services.order_dispatch.outward import Allowance, hash_of, make_token, ship_to_digest

NONCE_BYTES = 32


@dataclass(frozen=True, slots=True)
class OrderToken:
    """What a token is good for, and what became of it; `now` is the database's time, as tokens use real time."""

    order_id: str
    provider_id: str
    product_id: str
    packs: int
    quantity: int
    unit: str
    scale: int
    ship_to_sha256: str | None
    max_amount: int | None
    currency: str | None
    expires_at: datetime
    redeemed_at: datetime | None
    order_state: str
    now: datetime


class Tokens(KitStore):
    """SQL about orders' tokens."""

    async def issue_token(self, order: Order, ship_to: ShipTo, provider_secrets: Mapping[str, str]) -> Allowance:
        """Return the order's token, made now or before; new secrets of the provider make a new one."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        await self._add_token(order, ship_to, nonce, make_token(provider_secrets, order.order_id, nonce))
        row = await self.connection.fetchrow(
            """-- lock_issued_token
            SELECT nonce, hash, max_amount, currency, expires_at FROM order_token WHERE order_id = $1 FOR UPDATE
            """,
            order.order_id,
        )
        assert row is not None  # noqa: S101  # it was just added, or there before
        token = make_token(provider_secrets, order.order_id, row["nonce"])
        if hash_of(token) != row["hash"]:
            await self.connection.execute(
                """-- save_token_hash
                UPDATE order_token SET hash = $2 WHERE order_id = $1 AND redeemed_at IS NULL
                """,
                order.order_id,
                hash_of(token),
            )
        return Allowance(token, row["expires_at"], row["max_amount"], row["currency"])

    async def _add_token(self, order: Order, ship_to: ShipTo, nonce: bytes, token: str) -> None:
        await self.connection.execute(
            """-- add_token
            INSERT INTO order_token (
                order_id, provider_id, hash, nonce, product_id, packs, quantity, unit, scale, ship_to_sha256,
                max_amount, currency, expires_at
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now() + make_interval(secs => $13))
            ON CONFLICT (order_id) DO NOTHING
            """,
            *(order.order_id, order.provider_id, hash_of(token), nonce, order.product_id, order.packs),
            *(order.quantity, order.unit, order.scale, ship_to_digest(ship_to), order.price, order.currency),
            self.settings.order_token_hours * 3600,
        )

    async def lock_token(self, token: str) -> OrderToken | None:
        """Return a token by itself, locked; None where it was never issued."""
        row = await self.connection.fetchrow(
            """-- lock_token
            SELECT t.order_id, t.provider_id, t.product_id, t.packs, t.quantity, t.unit, t.scale, t.ship_to_sha256,
                t.max_amount, t.currency, t.expires_at, t.redeemed_at, orders.state AS order_state, now() AS now
            FROM order_token t JOIN orders USING (order_id) WHERE t.hash = $1 FOR UPDATE OF t
            """,
            hash_of(token),
        )
        return None if row is None else OrderToken(**row)

    async def redeem_token(self, order_id: str, amount: int | None) -> None:
        await self.connection.execute(
            """-- redeem_token
            UPDATE order_token SET redeemed_at = now(), redeemed_amount = $2 WHERE order_id = $1
            """,
            order_id,
            amount,
        )
