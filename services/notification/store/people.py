"""SQL of preferences and of erased customers."""

from collections.abc import Mapping

from libs.kit import Store as KitStore
from services.notification.domain import Kind


class People(KitStore):
    """Preferences, and the ids of erased customers."""

    async def list_preferences(self, customer_id: str) -> dict[Kind, bool]:
        rows = await self.connection.fetch(
            """-- list_preferences
            SELECT kind, told FROM preference WHERE customer_id = $1
            """,
            customer_id,
        )
        return {Kind(row["kind"]): row["told"] for row in rows}

    async def find_preference(self, customer_id: str, kind: Kind) -> bool | None:
        told: bool | None = await self.connection.fetchval(
            """-- find_preference
            SELECT told FROM preference WHERE customer_id = $1 AND kind = $2
            """,
            customer_id,
            kind,
        )
        return told

    async def save_preferences(self, customer_id: str, chosen: Mapping[Kind, bool]) -> None:
        await self.connection.executemany(
            """-- save_preferences
            INSERT INTO preference (customer_id, kind, told) VALUES ($1, $2, $3)
            ON CONFLICT (customer_id, kind) DO UPDATE SET told = excluded.told
            """,
            [(customer_id, kind, told) for kind, told in chosen.items()],
        )

    async def is_gone(self, customer_id: str) -> bool:
        gone: bool = await self.connection.fetchval(
            """-- is_gone
            SELECT EXISTS (SELECT FROM gone WHERE customer_id = $1)
            """,
            customer_id,
        )
        return gone

    async def forget(self, customer_id: str) -> None:
        """Delete all data of a customer; the id stays in `gone`, so that late events are not stored."""
        await self.connection.execute(
            """-- forget
            WITH notices AS (DELETE FROM notice WHERE customer_id = $1),
            preferences AS (DELETE FROM preference WHERE customer_id = $1),
            slots AS (DELETE FROM slot WHERE customer_id = $1),
            crossings AS (DELETE FROM crossing WHERE customer_id = $1),
            orders AS (DELETE FROM known_order WHERE customer_id = $1)
            INSERT INTO gone (customer_id) VALUES ($1) ON CONFLICT (customer_id) DO NOTHING
            """,
            customer_id,
        )
