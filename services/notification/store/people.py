"""SQL of preferences and of erased customers."""

from collections.abc import Mapping

from libs.kit import Store as KitStore
from services.notification.domain import Kind


class People(KitStore):
    """Preferences, and the ids of erased customers."""

    async def list_preferences(self, customer_id: str) -> dict[Kind, bool]:
        rows = await self.connection.fetch(
            """-- list_preferences
            SELECT kind, enabled FROM preference WHERE customer_id = $1
            """,
            customer_id,
        )
        return {Kind(row["kind"]): row["enabled"] for row in rows}

    async def find_preference(self, customer_id: str, kind: Kind) -> bool | None:
        enabled: bool | None = await self.connection.fetchval(
            """-- find_preference
            SELECT enabled FROM preference WHERE customer_id = $1 AND kind = $2
            """,
            customer_id,
            kind,
        )
        return enabled

    async def save_preferences(self, customer_id: str, chosen: Mapping[Kind, bool]) -> None:
        await self.connection.executemany(
            """-- save_preferences
            INSERT INTO preference (customer_id, kind, enabled) VALUES ($1, $2, $3)
            ON CONFLICT (customer_id, kind) DO UPDATE SET enabled = excluded.enabled
            """,
            [(customer_id, kind, enabled) for kind, enabled in chosen.items()],
        )

    async def is_erased(self, customer_id: str) -> bool:
        erased: bool = await self.connection.fetchval(
            """-- is_erased
            SELECT EXISTS (SELECT FROM erased_customer WHERE customer_id = $1)
            """,
            customer_id,
        )
        return erased

    async def erase_customer(self, customer_id: str) -> None:
        """Delete all data of a customer; the id stays in `erased_customer`, so that late events are not stored."""
        await self.connection.execute(
            """-- erase_customer
            WITH notices AS (DELETE FROM notice WHERE customer_id = $1),
            preferences AS (DELETE FROM preference WHERE customer_id = $1),
            slots AS (DELETE FROM slot WHERE customer_id = $1),
            crossings AS (DELETE FROM crossing WHERE customer_id = $1),
            orders AS (DELETE FROM known_order WHERE customer_id = $1),
            lines AS (DELETE FROM order_line WHERE customer_id = $1)
            INSERT INTO erased_customer (customer_id) VALUES ($1) ON CONFLICT (customer_id) DO NOTHING
            """,
            customer_id,
        )
