"""SQL of links of devices with providers, and of their slots as the providers report them."""

from collections.abc import Sequence

from replenish_contracts.events import LinkCreated, LinkEnded, ProviderSubscriptionChanged, SlotMove
from services.reorder_decision.store.pools import Pools


class Links(Pools):
    """The latest link of each device and provider; an ended one stays, so that it is not taken for a missing one."""

    async def save_link(self, link: LinkCreated) -> bool:
        """Store a new link without its slots; False if a later change is stored, or the customer was erased."""
        saved: str | None = await self.connection.fetchval(
            """-- save_link
            WITH saved AS (
                INSERT INTO link (device_id, provider_id, link_id, customer_id, active, changed_at)
                SELECT $1, $2, $3, $4, true, $5
                WHERE NOT EXISTS (SELECT FROM erased_customer WHERE customer_id = $4)
                ON CONFLICT (device_id, provider_id) DO UPDATE
                SET link_id = excluded.link_id, customer_id = excluded.customer_id, active = true,
                    changed_at = excluded.changed_at
                WHERE link.changed_at <= excluded.changed_at
                RETURNING device_id),
            forgotten AS (DELETE FROM linked_slot WHERE device_id = $1 AND provider_id = $2
                AND EXISTS (SELECT FROM saved))
            SELECT device_id FROM saved
            """,
            link.device_id,
            link.provider_id,
            link.link_id,
            link.customer_id,
            link.occurred_at,
        )
        return saved is not None

    async def end_link(self, link: LinkEnded) -> bool:
        """Store the end of a link; False if another one of the device is stored, or the customer was erased."""
        saved: str | None = await self.connection.fetchval(
            """-- end_link
            INSERT INTO link (device_id, provider_id, link_id, customer_id, active, changed_at)
            SELECT $1, $2, $3, $4, false, $5
            WHERE NOT EXISTS (SELECT FROM erased_customer WHERE customer_id = $4)
            ON CONFLICT (device_id, provider_id) DO UPDATE
            SET link_id = excluded.link_id, active = false, changed_at = excluded.changed_at
            WHERE link.customer_id = excluded.customer_id
                AND coalesce(link.link_id, excluded.link_id) = excluded.link_id
            RETURNING device_id
            """,
            link.device_id,
            link.provider_id,
            link.link_id,
            link.customer_id,
            link.occurred_at,
        )
        return saved is not None

    async def save_linked_slot(self, changed: ProviderSubscriptionChanged) -> bool:
        """Store a slot as the provider reports it; False if the device's link is another customer's or was erased.

        A slot whose link is not known yet, because the device was replaced, gets one.
        """
        saved: str | None = await self.connection.fetchval(
            """-- save_linked_slot
            WITH linked AS (
                INSERT INTO link (device_id, provider_id, customer_id, active, changed_at)
                SELECT $1, $2, $3, true, $7
                WHERE NOT EXISTS (SELECT FROM erased_customer WHERE customer_id = $3)
                ON CONFLICT (device_id, provider_id) DO UPDATE SET customer_id = excluded.customer_id
                WHERE link.customer_id = excluded.customer_id AND link.active
                RETURNING device_id)
            INSERT INTO linked_slot (device_id, provider_id, slot, subscribed, items, changed_at)
            SELECT device_id, $2, $4, $5, $6, $7 FROM linked
            ON CONFLICT (device_id, provider_id, slot) DO UPDATE
            SET subscribed = excluded.subscribed, items = excluded.items,
                -- A pause keeps its beginning if the products change meanwhile.
                changed_at = CASE WHEN linked_slot.subscribed OR excluded.subscribed THEN excluded.changed_at
                    ELSE linked_slot.changed_at END
            RETURNING device_id
            """,
            changed.device_id,
            changed.provider_id,
            changed.customer_id,
            changed.slot,
            changed.subscribed,
            [item.reference for item in changed.items],
            changed.occurred_at,
        )
        return saved is not None

    async def move_links(self, old_device_id: str, new_device_id: str, moves: Sequence[SlotMove]) -> None:
        """Move the links of a replaced device; slots without a successor are dropped, later reports are kept."""
        await self.connection.execute(
            """-- move_links
            INSERT INTO link (device_id, provider_id, link_id, customer_id, active, changed_at)
            SELECT $2, provider_id, link_id, customer_id, active, changed_at FROM link WHERE device_id = $1
            ON CONFLICT (device_id, provider_id) DO UPDATE SET link_id = coalesce(link.link_id, excluded.link_id)
            """,
            old_device_id,
            new_device_id,
        )
        await self.connection.execute(
            """-- move_links
            INSERT INTO linked_slot (device_id, provider_id, slot, subscribed, items, changed_at)
            SELECT $2, provider_id, new_slot, subscribed, items, changed_at
            FROM linked_slot JOIN unnest($3::text[], $4::text[]) AS moves (old_slot, new_slot) ON slot = old_slot
            WHERE device_id = $1
            ON CONFLICT (device_id, provider_id, slot) DO NOTHING
            """,
            old_device_id,
            new_device_id,
            [move.old_slot for move in moves],
            [move.new_slot for move in moves],
        )
        await self.connection.execute("-- move_links\nDELETE FROM link WHERE device_id = $1", old_device_id)

    async def list_pool_ids_of_device(self, device_id: str) -> list[str]:
        rows = await self.connection.fetch(
            """-- list_pool_ids_of_device
            SELECT DISTINCT pool_id FROM slot WHERE device_id = $1 ORDER BY pool_id
            """,
            device_id,
        )
        return [row["pool_id"] for row in rows]
