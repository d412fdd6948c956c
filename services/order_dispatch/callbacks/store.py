"""SQL of stored callbacks and SNS notifications."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from asyncpg import Record

from services.order_dispatch.orders.store import OrderStore


class Callback(NamedTuple):
    """A stored callback; `outcome` is None until it is processed."""

    provider_id: str
    callback_id: str
    received_at: datetime
    body: bytes | None
    digest: bytes
    outcome: str | None
    reason: str

    def has_body(self, body: bytes) -> bool:
        return self.digest == _digest(body)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


class CallbackStore(OrderStore):
    """The store of the service: callbacks and notifications, and the orders and links that they update."""

    async def add_callback(self, provider_id: str, callback_id: str, headers: Mapping[str, str], body: bytes) -> None:
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
            SELECT provider_id, callback_id, received_at, body, digest, outcome, reason
            FROM callback WHERE provider_id = $1 AND callback_id = $2 FOR UPDATE
            """,
            provider_id,
            callback_id,
        )
        return None if row is None else Callback(**row)

    async def lock_unprocessed_callbacks(self, received_before: datetime, limit: int) -> Sequence[Callback]:
        """Lock callbacks whose request was interrupted between storing and processing; locked rows are skipped."""
        rows = await self.connection.fetch(
            """-- lock_unprocessed_callbacks
            SELECT provider_id, callback_id, received_at, body, digest, outcome, reason
            FROM callback WHERE outcome IS NULL AND received_at < $1
            ORDER BY received_at, callback_id LIMIT $2 FOR UPDATE SKIP LOCKED
            """,
            received_before,
            limit,
        )
        return [Callback(**row) for row in rows]

    async def save_callback_outcome(self, callback: Callback, order_id: str | None, outcome: str, reason: str) -> None:
        """Save the outcome, and delete the body if the order's customer was erased."""
        await self.connection.execute(
            """-- save_callback_outcome
            UPDATE callback SET outcome = $4, reason = left($5, 500), order_id = $3,
                body = CASE WHEN EXISTS (SELECT FROM orders WHERE order_id = $3 AND erased_at IS NOT NULL)
                    THEN NULL ELSE body END
            WHERE provider_id = $1 AND callback_id = $2
            """,
            callback.provider_id,
            callback.callback_id,
            order_id,
            outcome,
            reason,
        )

    async def delete_old_callbacks(self, before: datetime) -> None:
        """Delete the bodies of processed callbacks; their digests remain."""
        await self.connection.execute(
            """-- delete_old_callbacks
            UPDATE callback SET body = NULL WHERE body IS NOT NULL AND received_at < $1 AND outcome IS NOT NULL
            """,
            before,
        )

    async def add_notification(self, provider_id: str, message: dict[str, Any]) -> bool:
        """Insert a verified message; return False for a repetition, which is counted."""
        repeats: int = await self.connection.fetchval(
            """-- add_notification
            INSERT INTO sns_message AS known (provider_id, message_id, topic_arn, type, body, received_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (provider_id, message_id) DO UPDATE SET repeats = known.repeats + 1 RETURNING repeats
            """,
            provider_id,
            message["MessageId"],
            message["TopicArn"],
            message["Type"],
            message,
            self.now,
        )
        return repeats == 0

    async def lock_notification(self, provider_id: str, message_id: str) -> tuple[dict[str, Any], str] | None:
        row = await self.connection.fetchrow(
            """-- lock_notification
            SELECT body, outcome FROM sns_message WHERE provider_id = $1 AND message_id = $2 FOR UPDATE
            """,
            provider_id,
            message_id,
        )
        return None if row is None else (row["body"], row["outcome"])

    async def save_notification_outcome(self, provider_id: str, message_id: str, outcome: str, reason: str) -> None:
        await self.connection.execute(
            """-- save_notification_outcome
            UPDATE sns_message SET outcome = $3, reason = left($4, 500) WHERE provider_id = $1 AND message_id = $2
            """,
            provider_id,
            message_id,
            outcome,
            reason,
        )

    async def save_notification_subject(
        self, provider_id: str, message_id: str, notification: str, serial: str, instance_id: str | None
    ) -> None:
        await self.connection.execute(
            """-- save_notification_subject
            UPDATE sns_message SET notification = $3, serial = $4, instance_id = $5
            WHERE provider_id = $1 AND message_id = $2
            """,
            *(provider_id, message_id, notification, serial, instance_id),
        )

    async def list_matchable_notifications(self, limit: int) -> Sequence[tuple[str, str]]:
        rows = await self.connection.fetch(
            """-- list_matchable_notifications
            SELECT DISTINCT m.provider_id, m.message_id, m.received_at FROM sns_message AS m
            JOIN orders ON orders.provider_id = m.provider_id AND orders.reference = m.instance_id
            WHERE m.outcome = 'unmatched' ORDER BY m.received_at, m.message_id LIMIT $1
            """,
            limit,
        )
        return [(row["provider_id"], row["message_id"]) for row in rows]

    async def list_notifications(self, provider_id: str, outcome: str | None, limit: int) -> Sequence[Record]:
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_notifications
            SELECT message_id, type, notification, instance_id, serial, received_at, outcome, reason, repeats
            FROM sns_message WHERE provider_id = $1 AND ($2::text IS NULL OR outcome = $2)
            ORDER BY received_at DESC, message_id LIMIT $3
            """,
            provider_id,
            outcome,
            limit,
        )
        return rows

    async def lock_order_by_reference(self, provider_id: str, instance_id: str) -> str | None:
        order_id: str | None = await self.connection.fetchval(
            """-- lock_order_by_reference
            SELECT order_id FROM orders WHERE provider_id = $1 AND reference = $2
            ORDER BY state IN ('placing', 'unknown', 'placed', 'shipped') DESC, drafted_at DESC, order_id
            LIMIT 1 FOR UPDATE
            """,
            provider_id,
            instance_id,
        )
        return order_id

    async def assign_reference(
        self, provider_id: str, place: tuple[str, str], instance_id: str, sent_by: datetime
    ) -> str | None:
        """Assign the instance id to the slot's order that has none and was submitted before the message was sent."""
        order_id: str | None = await self.connection.fetchval(
            """-- assign_reference
            UPDATE orders SET reference = $4
            WHERE order_id = (
                SELECT o.order_id FROM orders AS o
                JOIN order_line AS l ON l.order_id = o.order_id
                JOIN order_history AS h ON h.order_id = o.order_id
                WHERE o.provider_id = $1 AND l.device_id = $2 AND l.slot = $3 AND o.reference IS NULL
                    AND o.state IN ('placing', 'unknown') AND h.to_state = 'placing' AND h.occurred_at <= $5
                ORDER BY h.occurred_at DESC LIMIT 1)
            RETURNING order_id
            """,
            provider_id,
            *place,
            instance_id,
            sent_by,
        )
        return order_id
