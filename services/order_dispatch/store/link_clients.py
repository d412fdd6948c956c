"""How we are known to providers that link customers, and the customers on their way there and back."""

from datetime import datetime

from libs.kit import Store as KitStore
from services.order_dispatch.domain.links import Attempt, LinkClient


class LinkClients(KitStore):
    """SQL about clients and attempts."""

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
            """-- find_link_client
            SELECT provider_id, authorize_url, token_url, api_url, client_id, client_secret_sealed, scope, revoke_url,
                options
            FROM link_client WHERE provider_id = $1
            """,
            provider_id,
        )
        return None if row is None else LinkClient(**row)

    async def add_attempt(self, state_sha256: bytes, attempt: Attempt, minutes: float) -> datetime:
        """Keep what is needed when the customer comes back, and return until when; the state only as a digest."""
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

    async def use_attempt(self, state_sha256: bytes) -> Attempt | None:
        """Return the attempt and use it up; None where it is unknown, used or too old."""
        row = await self.connection.fetchrow(
            """-- use_attempt
            UPDATE link_attempt SET used_at = now()
            WHERE state_sha256 = $1 AND used_at IS NULL AND expires_at > now()
            RETURNING customer_id, device_id, provider_id, verifier_sealed, redirect_uri
            """,
            state_sha256,
        )
        return None if row is None else Attempt(**row)

    async def forget_attempts(self) -> None:
        await self.connection.execute("-- forget_attempts\nDELETE FROM link_attempt WHERE expires_at < now()")

    async def find_client_of(self, link_id: str) -> LinkClient | None:
        row = await self.connection.fetchrow(
            """-- find_client_of
            SELECT provider_id, authorize_url, token_url, api_url, client_id, client_secret_sealed, scope, revoke_url,
                options
            FROM link_client JOIN link USING (provider_id) WHERE link_id = $1
            """,
            link_id,
        )
        return None if row is None else LinkClient(**row)

    async def is_registered_since(self, device_id: str, registration: int) -> bool:
        """Tell whether a device has a later registration than this one."""
        later: int | None = await self.connection.fetchval(
            "-- is_registered_since\nSELECT 1 FROM device WHERE device_id = $1 AND registration > $2",
            device_id,
            registration,
        )
        return later is not None

    async def owns_device(self, customer_id: str, device_id: str) -> bool:
        """Tell whether this is the customer's device today; until the end of the transaction nobody else asks."""
        found: int | None = await self.connection.fetchval(
            """-- owns_device
            SELECT 1 FROM device WHERE device_id = $2 AND customer_id = $1 AND state = 'active' FOR UPDATE
            """,
            customer_id,
            device_id,
        )
        return found is not None
