"""SQL of the slots of links."""

from collections.abc import Sequence
from datetime import datetime

from libs.kit import Store as KitStore
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain.links import Block, RemoteItem, RemoteSlot, SlotUse


class LinkSlots(KitStore):
    async def add_link_slots(self, link_id: str, device_id: str) -> None:
        await self.connection.execute(
            """-- add_link_slots
            INSERT INTO link_slot (link_id, remote_slot, slot)
            SELECT $1, slot, slot FROM slot WHERE device_id = $2 ORDER BY slot
            ON CONFLICT (link_id, remote_slot) DO NOTHING
            """,
            link_id,
            device_id,
        )

    async def find_remote_slot(self, link_id: str, slot: str) -> str | None:
        found: str | None = await self.connection.fetchval(
            "-- find_remote_slot\nSELECT remote_slot FROM link_slot WHERE link_id = $1 AND slot = $2", link_id, slot
        )
        return found

    async def find_block(self, provider_id: str, device_id: str, slot: str) -> Block | None:
        """Return why the provider takes no order for this slot; None if it may."""
        row = await self.connection.fetchrow(
            """-- find_block
            SELECT link.link_id, link_slot.subscribed, link_slot.subscription_at AS paused_at
            FROM (SELECT) AS asked
            LEFT JOIN link ON provider_id = $1 AND device_id = $2 AND state = 'active'
            LEFT JOIN link_slot ON link_slot.link_id = link.link_id AND link_slot.slot = $3
            """,
            provider_id,
            device_id,
            slot,
        )
        if row is None or row["link_id"] is None:
            return Block("unlink", f"the device is not linked with {provider_id}")
        if row["subscribed"] is False:
            return Block("pause", f"paused at {provider_id} since {row['paused_at']:%Y-%m-%d %H:%M} UTC")
        return None

    async def find_linked_slot(self, link_id: str, remote_slot: str) -> str | None:
        found: str | None = await self.connection.fetchval(
            "-- find_linked_slot\nSELECT slot FROM link_slot WHERE link_id = $1 AND remote_slot = $2",
            link_id,
            remote_slot,
        )
        return found

    async def list_followed_slots(self, link_id: str) -> Sequence[str]:
        rows = await self.connection.fetch(
            "-- list_followed_slots\nSELECT slot FROM link_slot WHERE link_id = $1 AND subscribed ORDER BY slot",
            link_id,
        )
        return [row["slot"] for row in rows]

    async def list_remote_slots(self, link_id: str) -> list[tuple[str, RemoteSlot, datetime]]:
        """Return our name of each slot that the provider reported, its subscription, and when that was changed."""
        rows = await self.connection.fetch(
            """-- list_remote_slots
            SELECT slot, remote_slot, subscribed, items, subscription_at FROM link_slot
            WHERE link_id = $1 AND subscribed IS NOT NULL ORDER BY slot
            """,
            link_id,
        )
        return [
            (
                row["slot"],
                RemoteSlot(row["remote_slot"], row["subscribed"], tuple(RemoteItem(**item) for item in row["items"])),
                row["subscription_at"],
            )
            for row in rows
        ]

    async def find_slot_unit(self, link_id: str, remote_slot: str) -> tuple[BaseUnit, int] | None:
        row = await self.connection.fetchrow(
            """-- find_slot_unit
            SELECT slot.unit, slot.scale FROM link_slot JOIN link USING (link_id)
            JOIN slot ON slot.device_id = link.device_id AND slot.slot = link_slot.slot
            WHERE link_id = $1 AND remote_slot = $2
            """,
            link_id,
            remote_slot,
        )
        return None if row is None else (BaseUnit(row["unit"]), row["scale"])

    async def save_remote_slot(self, link_id: str, remote: RemoteSlot, at: datetime) -> tuple[str, bool, bool] | None:
        """Save a slot's subscription; returns None if there is no such slot or a later state was saved.

        Otherwise returns our name of the slot, whether anything changed, and whether it was switched on or off.
        """
        row = await self.connection.fetchrow(
            """-- save_remote_slot
            WITH before AS (
                SELECT slot, subscribed, items FROM link_slot WHERE link_id = $1 AND remote_slot = $2 FOR UPDATE)
            UPDATE link_slot SET subscribed = $3, items = $4, subscription_at = $5
            FROM before
            WHERE link_id = $1 AND remote_slot = $2 AND (subscription_at IS NULL OR subscription_at <= $5)
            RETURNING before.slot, before.subscribed IS DISTINCT FROM $3 OR before.items <> $4 AS changed,
                coalesce(before.subscribed, false) <> $3 AS switched
            """,
            link_id,
            remote.remote_slot,
            remote.subscribed,
            [{"reference": i.reference, "quantity": i.quantity, "unit": i.unit} for i in remote.items],
            at,
        )
        return None if row is None else (row["slot"], row["changed"], row["switched"])

    async def save_slot_use(
        self, device_id: str, slot: str, level: int, rate_per_day: float, at: datetime
    ) -> list[str]:
        """Save a slot's level, unless a later one was saved; returns the ids of links that follow the slot."""
        rows = await self.connection.fetch(
            """-- save_slot_use
            WITH saved AS (
                UPDATE link_slot SET level = $3, rate_per_day = $4, used_at = $5
                FROM link
                WHERE link.link_id = link_slot.link_id AND link.state = 'active' AND link.device_id = $1
                    AND slot = $2 AND (used_at IS NULL OR used_at <= $5)
                RETURNING link.link_id, subscribed),
            active AS (
                UPDATE link SET active_at = greatest(active_at, $5) FROM saved WHERE link.link_id = saved.link_id)
            SELECT link_id FROM saved WHERE subscribed ORDER BY link_id
            """,
            device_id,
            slot,
            level,
            rate_per_day,
            at,
        )
        return [row["link_id"] for row in rows]

    async def find_slot_use(self, link_id: str, slot: str) -> SlotUse | None:
        """Return the present level of a slot; None if the provider does not follow it."""
        row = await self.connection.fetchrow(
            """-- find_slot_use
            SELECT link_slot.slot, remote_slot, slot.unit, slot.scale, level, coalesce(capacity, level) AS capacity,
                rate_per_day, used_at, shelf.quantity AS on_hand, customer_setting.country
            FROM link_slot JOIN link USING (link_id)
            JOIN slot ON slot.device_id = link.device_id AND slot.slot = link_slot.slot
            LEFT JOIN customer_setting ON customer_setting.customer_id = link.customer_id
            LEFT JOIN shelf ON shelf.customer_id = link.customer_id AND shelf.product_id = slot.product_id
            WHERE link_id = $1 AND link_slot.slot = $2 AND link.state = 'active' AND subscribed AND level IS NOT NULL
            """,
            link_id,
            slot,
        )
        return None if row is None else SlotUse(**{**row, "unit": BaseUnit(row["unit"])})

    async def move_link_slots(self, link_id: str, moves: Sequence[tuple[str, str]]) -> None:
        """Rename our slots by pairs `(old, new)`; slots without a pair are deleted."""
        await self.connection.execute(
            """-- move_link_slots
            WITH moves AS (SELECT * FROM unnest($2::text[], $3::text[]) AS moves (old_slot, new_slot)),
            removed AS (
                DELETE FROM link_slot WHERE link_id = $1 AND slot NOT IN (SELECT old_slot FROM moves))
            UPDATE link_slot SET slot = moves.new_slot FROM moves WHERE link_id = $1 AND slot = moves.old_slot
            """,
            link_id,
            [old for old, _ in moves],
            [new for _, new in moves],
        )

    async def delete_link_slots(self, link_id: str) -> None:
        await self.connection.execute("-- delete_link_slots\nDELETE FROM link_slot WHERE link_id = $1", link_id)

    async def find_country(self, customer_id: str) -> str | None:
        """Return the country of the customer's delivery address, if known."""
        country: str | None = await self.connection.fetchval(
            """-- find_country
            SELECT country FROM customer_setting WHERE customer_id = $1
            """,
            customer_id,
        )
        return country

    async def save_shelf(self, customer_id: str, product_id: str, quantity: int) -> None:
        await self.connection.execute(
            """-- save_shelf
            INSERT INTO shelf (customer_id, product_id, quantity) VALUES ($1, $2, $3)
            ON CONFLICT (customer_id, product_id) DO UPDATE SET quantity = excluded.quantity
            """,
            customer_id,
            product_id,
            quantity,
        )
