"""The sealed tokens of links, renewed by one at a time; their times are real, not the service's clock's."""

from uuid import UUID

from libs.kit import Store as KitStore
from services.order_dispatch.domain.links import Sealed


class LinkTokens(KitStore):
    """SQL about tokens."""

    async def find_tokens(self, link_id: str, margin_seconds: float) -> Sealed | None:
        """Return a link's tokens; None where it has none any more."""
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
        """Become the one who renews this access token; None where somebody does, or did."""
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
        """Keep new tokens, a missing second one being the old; False where the attempt is no longer its own."""
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
