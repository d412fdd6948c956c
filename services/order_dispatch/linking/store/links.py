"""SQL of links, link clients, attempts and sealed tokens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.kit import Store as KitStore
from services.order_dispatch.domain.links import Attempt, Link, LinkClient, LinkState, Sealed

CLIENT_COLUMNS = """
    provider_id, authorize_url, token_url, api_url, client_id, client_secret_sealed, scope, revoke_url, options
"""
LINK_COLUMNS = "link_id, customer_id, device_id, provider_id, serial, state, created_at, active_at"


class Links(KitStore):
    async def save_link_client(self, client: LinkClient) -> None:
        await self.connection.execute(
            """-- save_link_client
            INSERT INTO link_client (provider_id, authorize_url, token_url, api_url, client_id, client_secret_sealed,
                scope, revoke_url, options)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (provider_id) DO UPDATE
            SET authorize_url = excluded.authorize_url, token_url = excluded.token_url, api_url = excluded.api_url,
                client_id = excluded.client_id, client_secret_sealed = excluded.client_secret_sealed,
                scope = excluded.scope, revoke_url = excluded.revoke_url, options = excluded.options
            """,
            *(client.provider_id, client.authorize_url, client.token_url, client.api_url, client.client_id),
            *(client.client_secret_sealed, client.scope, client.revoke_url, dict(client.options)),
        )

    async def find_link_client(self, provider_id: str) -> LinkClient | None:
        row = await self.connection.fetchrow(
            f"""-- find_link_client
            SELECT {CLIENT_COLUMNS}
            FROM link_client WHERE provider_id = $1
            """,
            provider_id,
        )
        return None if row is None else LinkClient(**row)

    async def add_attempt(self, state_sha256: bytes, attempt: Attempt, minutes: float) -> datetime:
        """Add an attempt and return its expiry; of the OAuth state only a hash is stored."""
        expires_at: datetime = await self.connection.fetchval(
            """-- add_attempt
            INSERT INTO link_attempt (state_sha256, customer_id, device_id, provider_id, verifier_sealed, redirect_uri,
                expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)) RETURNING expires_at
            """,
            state_sha256,
            *(attempt.customer_id, attempt.device_id, attempt.provider_id),
            *(attempt.verifier_sealed, attempt.redirect_uri, minutes * 60),
        )
        return expires_at

    async def redeem_attempt(self, state_sha256: bytes) -> Attempt | None:
        """Mark an attempt as used and return it; None if it is unknown, used or expired."""
        row = await self.connection.fetchrow(
            """-- redeem_attempt
            UPDATE link_attempt SET used_at = now()
            WHERE state_sha256 = $1 AND used_at IS NULL AND expires_at > now()
            RETURNING customer_id, device_id, provider_id, verifier_sealed, redirect_uri
            """,
            state_sha256,
        )
        return None if row is None else Attempt(**row)

    async def delete_expired_attempts(self) -> None:
        await self.connection.execute("-- delete_expired_attempts\nDELETE FROM link_attempt WHERE expires_at < now()")

    async def find_client_of_link(self, link_id: str) -> LinkClient | None:
        row = await self.connection.fetchrow(
            f"""-- find_client_of_link
            SELECT {CLIENT_COLUMNS}
            FROM link_client JOIN link USING (provider_id) WHERE link_id = $1
            """,
            link_id,
        )
        return None if row is None else LinkClient(**row)

    async def has_later_registration(self, device_id: str, registration: int) -> bool:
        later: int | None = await self.connection.fetchval(
            "-- has_later_registration\nSELECT 1 FROM device WHERE device_id = $1 AND registration > $2",
            device_id,
            registration,
        )
        return later is not None

    async def lock_device_of_customer(self, customer_id: str, device_id: str) -> bool:
        found: int | None = await self.connection.fetchval(
            """-- lock_device_of_customer
            SELECT 1 FROM device WHERE device_id = $2 AND customer_id = $1 AND state = 'active' FOR UPDATE
            """,
            customer_id,
            device_id,
        )
        return found is not None

    async def add_link(self, link: Link, tokens: tuple[bytes, bytes | None], seconds: float | None) -> None:
        """Add an active link with its sealed tokens; `seconds` is the lifetime of the access token."""
        await self.connection.execute(
            """-- add_link
            INSERT INTO link (link_id, customer_id, device_id, provider_id, serial, state, created_at, active_at,
                access_sealed, refresh_sealed, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + make_interval(secs => $11))
            """,
            *(link.link_id, link.customer_id, link.device_id, link.provider_id, link.serial, link.state),
            *(link.created_at, link.active_at, *tokens, seconds),
        )

    async def add_unwanted_link(self, link: Link, tokens: tuple[bytes, bytes | None], seconds: float | None) -> None:
        """Store tokens of a device that may not be linked any more, until they are revoked."""
        await self.connection.execute(
            """-- add_unwanted_link
            INSERT INTO link (link_id, customer_id, device_id, provider_id, serial, state, created_at, active_at,
                ended_at, end_reason, access_sealed, refresh_sealed, expires_at, erased)
            VALUES ($1, $2, $3, $4, $5, 'ending', $6, $6, $6, 'the device was removed before the link was created',
                $7, $8, now() + make_interval(secs => $9), true)
            """,
            *(link.link_id, link.customer_id, link.device_id, link.provider_id, link.serial, link.created_at),
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
            f"""-- lock_link
            SELECT {LINK_COLUMNS}
            FROM link WHERE link_id = $1 FOR UPDATE
            """,
            link_id,
        )
        return None if row is None else _link(row)

    async def find_link(self, link_id: str) -> Link | None:
        row = await self.connection.fetchrow(
            f"""-- find_link
            SELECT {LINK_COLUMNS}
            FROM link WHERE link_id = $1
            """,
            link_id,
        )
        return None if row is None else _link(row)

    async def lock_active_link(self, provider_id: str, device_id: str) -> Link | None:
        row = await self.connection.fetchrow(
            f"""-- lock_active_link
            SELECT {LINK_COLUMNS}
            FROM link WHERE provider_id = $1 AND device_id = $2 AND state = 'active' FOR UPDATE
            """,
            provider_id,
            device_id,
        )
        return None if row is None else _link(row)

    async def lock_link_of_serial(self, provider_id: str, serial: str) -> Link | None:
        """Lock the active link of a device by the provider's id of it; the newest if several have the same id."""
        row = await self.connection.fetchrow(
            f"""-- lock_link_of_serial
            SELECT {LINK_COLUMNS}
            FROM link WHERE provider_id = $1 AND serial = $2 AND state = 'active'
            ORDER BY created_at DESC, link_id LIMIT 1 FOR UPDATE
            """,
            provider_id,
            serial,
        )
        return None if row is None else _link(row)

    async def lock_links(self, customer_id: str | None, device_id: str | None = None) -> Sequence[Link]:
        """Lock the active links of a customer, of a device, or of a customer's device, in the order of their ids."""
        rows = await self.connection.fetch(
            f"""-- lock_links
            SELECT {LINK_COLUMNS} FROM link
            WHERE state = 'active' AND ($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR device_id = $2)
            ORDER BY link_id FOR UPDATE
            """,
            customer_id,
            device_id,
        )
        return [_link(row) for row in rows]

    async def list_active_links(self) -> Sequence[Link]:
        rows = await self.connection.fetch(
            f"""-- list_active_links
            SELECT {LINK_COLUMNS}
            FROM link WHERE state = 'active' ORDER BY link_id
            """
        )
        return [_link(row) for row in rows]

    async def list_links(self, customer_id: str) -> Sequence[Record]:
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_links
            SELECT link_id, device_id, provider_id, state, created_at, ended_at, end_reason,
                (SELECT coalesce(jsonb_agg(jsonb_build_object('slot', slot, 'subscribed', subscribed, 'items', items)
                    ORDER BY slot), '[]') FROM link_slot WHERE link_slot.link_id = link.link_id) AS slots
            FROM link WHERE customer_id = $1 ORDER BY created_at DESC, link_id
            """,
            customer_id,
        )
        return rows

    async def end_link(self, link_id: str, reason: str, state: LinkState) -> None:
        """Set the state to ending or ended; deletes the provider's customer id and, if ended, the tokens."""
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
        await self.connection.execute(
            "-- save_remote_customer\nUPDATE link SET remote_customer = $2 WHERE link_id = $1", link_id, remote_customer
        )

    async def move_link(self, link_id: str, device_id: str) -> None:
        await self.connection.execute(
            "-- move_link\nUPDATE link SET device_id = $2 WHERE link_id = $1", link_id, device_id
        )

    async def erase_links(self, customer_id: str) -> None:
        """Delete a customer's ended links, attempts and shelf; links with tokens are deleted once these are revoked."""
        await self.connection.execute(
            """-- erase_links
            WITH marked AS (UPDATE link SET erased = true WHERE customer_id = $1 AND state <> 'ended'),
            attempts AS (DELETE FROM link_attempt WHERE customer_id = $1),
            shelves AS (DELETE FROM shelf WHERE customer_id = $1)
            DELETE FROM link WHERE customer_id = $1 AND state = 'ended'
            """,
            customer_id,
        )

    async def delete_erased_link(self, link_id: str) -> None:
        await self.connection.execute("-- delete_erased_link\nDELETE FROM link WHERE link_id = $1 AND erased", link_id)

    async def find_tokens(self, link_id: str, margin_seconds: float) -> Sealed | None:
        """Return a link's tokens, or None if they were deleted; `fresh` if the access token is valid for the margin."""
        row = await self.connection.fetchrow(
            """-- find_tokens
            SELECT access_sealed AS access, refresh_sealed AS refresh,
                expires_at IS NULL OR expires_at > now() + make_interval(secs => $2) AS fresh
            FROM link WHERE link_id = $1 AND access_sealed IS NOT NULL
            """,
            link_id,
            margin_seconds,
        )
        return None if row is None else Sealed(**row)

    async def claim_refresh(self, link_id: str, attempt: UUID, stale: bytes, lease_seconds: float) -> bytes | None:
        """Claim the renewal of an access token and return the refresh token; None if it is claimed or was renewed."""
        sealed: bytes | None = await self.connection.fetchval(
            """-- claim_refresh
            UPDATE link SET refresh_attempt = $2, refresh_until = now() + make_interval(secs => $4)
            WHERE link_id = $1 AND access_sealed = $3 AND (refresh_until IS NULL OR refresh_until < now())
            RETURNING refresh_sealed
            """,
            link_id,
            attempt,
            stale,
            lease_seconds,
        )
        return sealed

    async def save_tokens(
        self, link_id: str, attempt: UUID | None, tokens: tuple[bytes, bytes | None], seconds: float | None
    ) -> bool:
        """Save renewed tokens; without a new refresh token the old one stays. False if the claim has expired."""
        saved: int | None = await self.connection.fetchval(
            """-- save_tokens
            UPDATE link SET access_sealed = $3, refresh_sealed = coalesce($4, refresh_sealed),
                expires_at = now() + make_interval(secs => $5), refresh_attempt = NULL, refresh_until = NULL
            WHERE link_id = $1 AND state <> 'ended' AND ($2::uuid IS NULL OR refresh_attempt = $2) RETURNING 1
            """,
            link_id,
            attempt,
            *tokens,
            seconds,
        )
        return saved is not None

    async def release_refresh(self, link_id: str, attempt: UUID) -> None:
        await self.connection.execute(
            """-- release_refresh
            UPDATE link SET refresh_attempt = NULL, refresh_until = NULL WHERE link_id = $1 AND refresh_attempt = $2
            """,
            link_id,
            attempt,
        )

    async def find_order_reference(self, provider_id: str, order_id: str) -> str | None:
        reference: str | None = await self.connection.fetchval(
            "-- find_order_reference\nSELECT reference FROM orders WHERE provider_id = $1 AND order_id = $2",
            provider_id,
            order_id,
        )
        return reference

    async def is_reference_used(self, provider_id: str, reference: str, order_id: str) -> bool:
        found: int | None = await self.connection.fetchval(
            """-- is_reference_used
            SELECT 1 FROM orders WHERE provider_id = $1 AND reference = $2 AND order_id <> $3 LIMIT 1
            """,
            provider_id,
            reference,
            order_id,
        )
        return found is not None

    async def erase_notifications(self, provider_id: str, serial: str) -> None:
        """Delete the content of notifications about a device; their outcomes stay."""
        await self.connection.execute(
            """-- erase_notifications
            UPDATE sns_message SET body = '{}', serial = NULL WHERE provider_id = $1 AND serial = $2
            """,
            provider_id,
            serial,
        )


def _link(row: Record) -> Link:
    return Link(**{**row, "state": LinkState(row["state"])})
