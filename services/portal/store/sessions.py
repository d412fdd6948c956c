"""SQL about sessions and sign-in links; expiry uses the database's clock, which is real time."""

from typing import NamedTuple

from libs.kit import Store


class Session(NamedTuple):
    """A signed-in browser."""

    customer_id: str
    csrf: str


class SessionStore(Store):
    async def add_sign_in_link(self, token_sha256: bytes, customer_id: str, minutes: int) -> None:
        await self.connection.execute(
            """-- add_sign_in_link
            INSERT INTO sign_in_link (token_sha256, customer_id, expires_at)
            VALUES ($1, $2, now() + make_interval(mins => $3))
            """,
            token_sha256,
            customer_id,
            minutes,
        )

    async def has_sign_in_link(self, token_sha256: bytes) -> bool:
        """Return whether a link is unused and not expired."""
        found: bool = await self.connection.fetchval(
            """-- has_sign_in_link
            SELECT EXISTS (SELECT FROM sign_in_link WHERE token_sha256 = $1 AND expires_at > now())
            """,
            token_sha256,
        )
        return found

    async def use_sign_in_link(self, token_sha256: bytes) -> str | None:
        """Redeem a valid link and return its customer; None if used or expired."""
        customer_id: str | None = await self.connection.fetchval(
            """-- use_sign_in_link
            DELETE FROM sign_in_link WHERE token_sha256 = $1 AND expires_at > now() RETURNING customer_id
            """,
            token_sha256,
        )
        return customer_id

    async def add_session(self, token_sha256: bytes, session: Session, days: int) -> None:
        await self.connection.execute(
            """-- add_session
            INSERT INTO session (token_sha256, customer_id, csrf, expires_at)
            VALUES ($1, $2, $3, now() + make_interval(days => $4))
            """,
            token_sha256,
            session.customer_id,
            session.csrf,
            days,
        )

    async def find_session(self, token_sha256: bytes) -> Session | None:
        row = await self.connection.fetchrow(
            """-- find_session
            SELECT customer_id, csrf FROM session WHERE token_sha256 = $1 AND expires_at > now()
            """,
            token_sha256,
        )
        return Session(**row) if row else None

    async def end_session(self, token_sha256: bytes) -> None:
        await self.connection.execute(
            """-- end_session
            DELETE FROM session WHERE token_sha256 = $1
            """,
            token_sha256,
        )

    async def delete_expired_sessions(self) -> None:
        await self.connection.execute(
            """-- delete_expired_sessions
            DELETE FROM session WHERE expires_at < now()
            """
        )
        await self.connection.execute(
            """-- delete_expired_sessions
            DELETE FROM sign_in_link WHERE expires_at < now()
            """
        )
