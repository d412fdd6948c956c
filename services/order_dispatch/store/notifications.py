"""Notifications of providers as they came, and the orders they are about."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from asyncpg import Record

from libs.kit import Store as KitStore


class Notifications(KitStore):
    """SQL about raw notifications and the providers' own numbers of orders."""

    async def add_notification(self, provider_id: str, message: dict[str, Any]) -> bool:
        """Keep a verified message as it came; False where it came before, which is counted."""
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
        """Return a message and its fate, locked."""
        row = await self.connection.fetchrow(
            """-- lock_notification
            SELECT body, fate FROM sns_message WHERE provider_id = $1 AND message_id = $2 FOR UPDATE
            """,
            provider_id,
            message_id,
        )
        return None if row is None else (row["body"], row["fate"])

    async def save_fate(self, provider_id: str, message_id: str, fate: str, reason: str) -> None:
        await self.connection.execute(
            """-- save_fate
            UPDATE sns_message SET fate = $3, reason = left($4, 500) WHERE provider_id = $1 AND message_id = $2
            """,
            provider_id,
            message_id,
            fate,
            reason,
        )

    async def note_subject(
        self, provider_id: str, message_id: str, notification: str, serial: str, instance_id: str | None
    ) -> None:
        """Note what a message turned out to be about."""
        await self.connection.execute(
            """-- note_subject
            UPDATE sns_message SET notification = $3, serial = $4, instance_id = $5
            WHERE provider_id = $1 AND message_id = $2
            """,
            *(provider_id, message_id, notification, serial, instance_id),
        )

    async def list_matchable(self, limit: int) -> Sequence[tuple[str, str]]:
        """Return messages that found no order when they came, and whose order is known by now."""
        rows = await self.connection.fetch(
            """-- list_matchable
            SELECT DISTINCT m.provider_id, m.message_id, m.received_at FROM sns_message AS m
            JOIN orders ON orders.provider_id = m.provider_id AND orders.reference = m.instance_id
            WHERE m.fate = 'unmatched' ORDER BY m.received_at, m.message_id LIMIT $1
            """,
            limit,
        )
        return [(row["provider_id"], row["message_id"]) for row in rows]

    async def list_notifications(self, provider_id: str, fate: str | None, limit: int) -> Sequence[Record]:
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_notifications
            SELECT message_id, type, notification, instance_id, serial, received_at, fate, reason, repeats
            FROM sns_message WHERE provider_id = $1 AND ($2::text IS NULL OR fate = $2)
            ORDER BY received_at DESC, message_id LIMIT $3
            """,
            provider_id,
            fate,
            limit,
        )
        return rows

    async def lock_order_of_instance(self, provider_id: str, instance_id: str) -> str | None:
        """Return our order that the provider numbers so, an open one before others."""
        order_id: str | None = await self.connection.fetchval(
            """-- lock_order_of_instance
            SELECT order_id FROM orders WHERE provider_id = $1 AND reference = $2
            ORDER BY state IN ('placing', 'unknown', 'placed', 'shipped') DESC, drafted_at DESC, order_id
            LIMIT 1 FOR UPDATE
            """,
            provider_id,
            instance_id,
        )
        return order_id

    async def adopt_instance(
        self, provider_id: str, place: tuple[str, str], instance_id: str, sent_by: datetime
    ) -> str | None:
        """Give the number to the slot's order the provider has not answered for, if it was asked before `sent_by`."""
        order_id: str | None = await self.connection.fetchval(
            """-- adopt_instance
            UPDATE orders SET reference = $4
            WHERE order_id = (
                SELECT orders.order_id FROM orders JOIN order_history AS h ON h.order_id = orders.order_id
                WHERE provider_id = $1 AND device_id = $2 AND slot = $3 AND reference IS NULL
                    AND state IN ('placing', 'unknown') AND h.to_state = 'placing' AND h.occurred_at <= $5
                ORDER BY h.occurred_at DESC LIMIT 1)
            RETURNING order_id
            """,
            provider_id,
            *place,
            instance_id,
            sent_by,
        )
        return order_id

    async def find_instance(self, provider_id: str, order_id: str) -> str | None:
        reference: str | None = await self.connection.fetchval(
            "-- find_instance\nSELECT reference FROM orders WHERE provider_id = $1 AND order_id = $2",
            provider_id,
            order_id,
        )
        return reference

    async def is_taken(self, provider_id: str, reference: str, order_id: str) -> bool:
        """Tell whether another order of ours has this number."""
        found: int | None = await self.connection.fetchval(
            """-- is_taken
            SELECT 1 FROM orders WHERE provider_id = $1 AND reference = $2 AND order_id <> $3 LIMIT 1
            """,
            provider_id,
            reference,
            order_id,
        )
        return found is not None

    async def forget_notifications(self, provider_id: str, serial: str) -> None:
        """Drop what notifications say about a device; what became of them stays."""
        await self.connection.execute(
            """-- forget_notifications
            UPDATE sns_message SET body = '{}', serial = NULL WHERE provider_id = $1 AND serial = $2
            """,
            provider_id,
            serial,
        )
