"""What providers sent, the names they give orders, and the tokens orders go out with."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from libs.kit import Store as KitStore


class Callback(NamedTuple):
    """A callback as it was received; `verdict` None while nothing was made of it."""

    provider_id: str
    callback_id: str
    received_at: datetime
    body: bytes | None
    digest: bytes
    verdict: str | None
    reason: str

    def has(self, body: bytes) -> bool:
        """Tell whether it was received with this body."""
        return self.digest == _digest(body)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


class Callbacks(KitStore):
    """SQL about callbacks."""

    async def add_callback(self, provider_id: str, callback_id: str, headers: Mapping[str, str], body: bytes) -> None:
        """Keep a callback that was not received before."""
        await self.connection.execute(
            """-- add_callback
            INSERT INTO callback (provider_id, callback_id, received_at, headers, body, digest)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (provider_id, callback_id) DO UPDATE SET repeats = callback.repeats + 1
            """,
            provider_id,
            callback_id,
            self.now,
            dict(headers),
            body,
            _digest(body),
        )

    async def lock_callback(self, provider_id: str, callback_id: str) -> Callback | None:
        row = await self.connection.fetchrow(
            """-- lock_callback
            SELECT provider_id, callback_id, received_at, body, digest, verdict, reason
            FROM callback WHERE provider_id = $1 AND callback_id = $2 FOR UPDATE
            """,
            provider_id,
            callback_id,
        )
        return None if row is None else Callback(**row)

    async def lock_unjudged(self, received_before: datetime, limit: int) -> Sequence[Callback]:
        """Return callbacks that were kept and not judged: whoever received them was interrupted."""
        rows = await self.connection.fetch(
            """-- lock_unjudged
            SELECT provider_id, callback_id, received_at, body, digest, verdict, reason
            FROM callback WHERE verdict IS NULL AND received_at < $1
            ORDER BY received_at, callback_id LIMIT $2 FOR UPDATE SKIP LOCKED
            """,
            received_before,
            limit,
        )
        return [Callback(**row) for row in rows]

    async def judge_callback(self, callback: Callback, order_id: str | None, verdict: str, reason: str) -> None:
        """Write down what became of a callback; about an erased customer's order nothing else is kept."""
        await self.connection.execute(
            """-- judge_callback
            UPDATE callback SET verdict = $4, reason = left($5, 500), order_id = $3,
                body = CASE WHEN EXISTS (SELECT FROM orders WHERE order_id = $3 AND erased_at IS NOT NULL)
                    THEN NULL ELSE body END
            WHERE provider_id = $1 AND callback_id = $2
            """,
            callback.provider_id,
            callback.callback_id,
            order_id,
            verdict,
            reason,
        )

    async def forget_callbacks(self, customer_id: str) -> None:
        """Drop what providers wrote about a customer's orders, and where their tokens let goods be sent."""
        await self.connection.execute(
            """-- forget_callbacks
            UPDATE callback SET body = NULL
            FROM orders WHERE orders.order_id = callback.order_id AND orders.customer_id = $1
            """,
            customer_id,
        )
        await self.connection.execute(
            """-- forget_ship_to_digests
            UPDATE order_token SET ship_to_sha256 = NULL
            FROM orders WHERE orders.order_id = order_token.order_id AND orders.customer_id = $1
            """,
            customer_id,
        )

    async def forget_old_callbacks(self, before: datetime) -> None:
        await self.connection.execute(
            """-- forget_old_callbacks
            UPDATE callback SET body = NULL WHERE body IS NOT NULL AND received_at < $1 AND verdict IS NOT NULL
            """,
            before,
        )
