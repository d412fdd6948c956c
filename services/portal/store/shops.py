"""SQL about provider keys and shop sessions; expiry uses the database's clock, which is real time."""

from typing import NamedTuple

from libs.kit import Store


class ShopSession(NamedTuple):
    """A signed-in browser of a shop."""

    provider_id: str
    csrf: str


class ShopStore(Store):
    async def save_provider_key(self, provider_id: str, key_sha256: bytes) -> None:
        """Replace a provider's key and end all its sessions."""
        await self.connection.execute(
            """-- save_provider_key
            INSERT INTO provider_key (provider_id, key_sha256) VALUES ($1, $2)
            ON CONFLICT (provider_id) DO UPDATE SET key_sha256 = excluded.key_sha256, made_at = now()
            """,
            provider_id,
            key_sha256,
        )
        await self.connection.execute(
            """-- save_provider_key
            DELETE FROM shop_session WHERE provider_id = $1
            """,
            provider_id,
        )

    async def has_provider_key(self, provider_id: str, key_sha256: bytes) -> bool:
        found: bool = await self.connection.fetchval(
            """-- has_provider_key
            SELECT EXISTS (SELECT FROM provider_key WHERE provider_id = $1 AND key_sha256 = $2)
            """,
            provider_id,
            key_sha256,
        )
        return found

    async def add_shop_session(self, token_sha256: bytes, session: ShopSession, days: int) -> None:
        await self.connection.execute(
            """-- add_shop_session
            INSERT INTO shop_session (token_sha256, provider_id, csrf, expires_at)
            VALUES ($1, $2, $3, now() + make_interval(days => $4))
            """,
            token_sha256,
            session.provider_id,
            session.csrf,
            days,
        )

    async def find_shop_session(self, token_sha256: bytes) -> ShopSession | None:
        row = await self.connection.fetchrow(
            """-- find_shop_session
            SELECT provider_id, csrf FROM shop_session WHERE token_sha256 = $1 AND expires_at > now()
            """,
            token_sha256,
        )
        return ShopSession(**row) if row else None

    async def end_shop_session(self, token_sha256: bytes) -> None:
        await self.connection.execute(
            """-- end_shop_session
            DELETE FROM shop_session WHERE token_sha256 = $1
            """,
            token_sha256,
        )

    async def delete_expired_shop_sessions(self) -> None:
        await self.connection.execute(
            """-- delete_expired_shop_sessions
            DELETE FROM shop_session WHERE expires_at < now()
            """
        )
