"""Links of customers with providers, and how they end."""

from collections.abc import Sequence

from asyncpg import Record

from libs.kit import Store as KitStore
from services.order_dispatch.domain.links import Link, LinkState


class Links(KitStore):
    """SQL about links, but neither their tokens nor their slots."""

    async def add_link(self, link: Link, tokens: tuple[bytes, bytes | None], seconds: float | None) -> None:
        """Add an active link with its sealed tokens, of which the first lives for so many seconds."""
        await self.connection.execute(
            """-- add_link
            INSERT INTO link (link_id, customer_id, device_id, provider_id, serial, state, made_at, active_at,
                access_sealed, refresh_sealed, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + make_interval(secs => $11))
            """,
            *(link.link_id, link.customer_id, link.device_id, link.provider_id, link.serial, link.state),
            *(link.made_at, link.active_at, *tokens, seconds),
        )

    async def add_unwanted_link(self, link: Link, tokens: tuple[bytes, bytes | None], seconds: float | None) -> None:
        """Keep tokens that came too late just long enough to have them revoked."""
        await self.connection.execute(
            """-- add_unwanted_link
            INSERT INTO link (link_id, customer_id, device_id, provider_id, serial, state, made_at, active_at,
                ended_at, end_reason, access_sealed, refresh_sealed, expires_at, erased)
            VALUES ($1, $2, $3, $4, $5, 'ending', $6, $6, $6, 'the device left before it was made', $7, $8,
                now() + make_interval(secs => $9), true)
            """,
            *(link.link_id, link.customer_id, link.device_id, link.provider_id, link.serial, link.made_at),
            *(*tokens, seconds),
        )

    async def find_active_link(self, provider_id: str, device_id: str) -> str | None:
        found: str | None = await self.connection.fetchval(
            """-- find_active_link
            SELECT link_id FROM link WHERE provider_id = $1 AND device_id = $2 AND state = 'active'
            """,
            provider_id,
            device_id,
        )
        return found

    async def lock_link(self, link_id: str) -> Link | None:
        row = await self.connection.fetchrow(
            """-- lock_link
            SELECT link_id, customer_id, device_id, provider_id, serial, state, made_at, active_at
            FROM link WHERE link_id = $1 FOR UPDATE
            """,
            link_id,
        )
        return None if row is None else _link(row)

    async def find_link(self, link_id: str) -> Link | None:
        row = await self.connection.fetchrow(
            """-- find_link
            SELECT link_id, customer_id, device_id, provider_id, serial, state, made_at, active_at
            FROM link WHERE link_id = $1
            """,
            link_id,
        )
        return None if row is None else _link(row)

    async def lock_active_link(self, provider_id: str, device_id: str) -> Link | None:
        row = await self.connection.fetchrow(
            """-- lock_active_link
            SELECT link_id, customer_id, device_id, provider_id, serial, state, made_at, active_at
            FROM link WHERE provider_id = $1 AND device_id = $2 AND state = 'active' FOR UPDATE
            """,
            provider_id,
            device_id,
        )
        return None if row is None else _link(row)

    async def lock_link_of_serial(self, provider_id: str, serial: str) -> Link | None:
        """Return the active link of the device that the provider calls so."""
        row = await self.connection.fetchrow(
            """-- lock_link_of_serial
            SELECT link_id, customer_id, device_id, provider_id, serial, state, made_at, active_at
            FROM link WHERE provider_id = $1 AND serial = $2 AND state = 'active'
            ORDER BY made_at DESC, link_id LIMIT 1 FOR UPDATE
            """,
            provider_id,
            serial,
        )
        return None if row is None else _link(row)

    async def lock_links(self, customer_id: str | None, device_id: str | None = None) -> Sequence[Link]:
        """Return the active links of a customer, or of one device, or of both, locked in order of their ids."""
        rows = await self.connection.fetch(
            """-- lock_links
            SELECT link_id, customer_id, device_id, provider_id, serial, state, made_at, active_at FROM link
            WHERE state = 'active' AND ($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR device_id = $2)
            ORDER BY link_id FOR UPDATE
            """,
            customer_id,
            device_id,
        )
        return [_link(row) for row in rows]

    async def list_active_links(self) -> Sequence[Link]:
        rows = await self.connection.fetch(
            """-- list_active_links
            SELECT link_id, customer_id, device_id, provider_id, serial, state, made_at, active_at
            FROM link WHERE state = 'active' ORDER BY link_id
            """
        )
        return [_link(row) for row in rows]

    async def list_links(self, customer_id: str) -> Sequence[Record]:
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_links
            SELECT link_id, device_id, provider_id, state, made_at, ended_at, end_reason,
                (SELECT coalesce(jsonb_agg(jsonb_build_object('slot', slot, 'subscribed', subscribed, 'items', items)
                    ORDER BY slot), '[]') FROM link_slot WHERE link_slot.link_id = link.link_id) AS slots
            FROM link WHERE customer_id = $1 ORDER BY made_at DESC, link_id
            """,
            customer_id,
        )
        return rows

    async def end_link(self, link_id: str, reason: str, state: LinkState) -> None:
        """Stop using a link; an ended one keeps no token and nothing the provider told of the customer."""
        await self.connection.execute(
            """-- end_link
            UPDATE link SET state = $3, ended_at = coalesce(ended_at, $4), end_reason = coalesce(end_reason, $2),
                remote_customer = NULL,
                access_sealed = CASE WHEN $3 = 'ending' THEN access_sealed END,
                refresh_sealed = CASE WHEN $3 = 'ending' THEN refresh_sealed END,
                expires_at = CASE WHEN $3 = 'ending' THEN expires_at END
            WHERE link_id = $1
            """,
            link_id,
            reason,
            state,
            self.now,
        )

    async def save_remote_customer(self, link_id: str, remote_customer: str) -> None:
        """Note what the provider calls the customer."""
        await self.connection.execute(
            "-- save_remote_customer\nUPDATE link SET remote_customer = $2 WHERE link_id = $1", link_id, remote_customer
        )

    async def move_link(self, link_id: str, device_id: str) -> None:
        await self.connection.execute(
            "-- move_link\nUPDATE link SET device_id = $2 WHERE link_id = $1", link_id, device_id
        )

    async def erase_links(self, customer_id: str) -> None:
        """Forget a customer's links: at once where no token is left to be revoked, else when it is."""
        await self.connection.execute(
            """-- erase_links
            WITH marked AS (UPDATE link SET erased = true WHERE customer_id = $1 AND state <> 'ended'),
            tried AS (DELETE FROM link_attempt WHERE customer_id = $1),
            kept AS (DELETE FROM shelf WHERE customer_id = $1)
            DELETE FROM link WHERE customer_id = $1 AND state = 'ended'
            """,
            customer_id,
        )

    async def drop_erased_link(self, link_id: str) -> None:
        await self.connection.execute("-- drop_erased_link\nDELETE FROM link WHERE link_id = $1 AND erased", link_id)


def _link(row: Record) -> Link:
    return Link(**{**row, "state": LinkState(row["state"])})
