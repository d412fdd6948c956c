"""The names providers give our orders, written down before the order is asked for."""

from libs.kit import Store as KitStore


class References(KitStore):
    """SQL about the names providers give orders."""

    async def save_reference(self, provider_id: str, order_id: str, reference: str) -> None:
        await self.connection.execute(
            """-- save_reference
            INSERT INTO order_reference (provider_id, reference, order_id) VALUES ($1, $2, $3)
            ON CONFLICT (provider_id, order_id) DO UPDATE SET reference = excluded.reference
            """,
            provider_id,
            reference,
            order_id,
        )

    async def find_reference(self, provider_id: str, order_id: str) -> str | None:
        found: str | None = await self.connection.fetchval(
            """-- find_reference
            SELECT reference FROM order_reference WHERE provider_id = $1 AND order_id = $2
            """,
            provider_id,
            order_id,
        )
        return found

    async def find_referred(self, provider_id: str, reference: str) -> str | None:
        """Return our name for the order a provider knows under this one."""
        found: str | None = await self.connection.fetchval(
            """-- find_referred
            SELECT order_id FROM order_reference WHERE provider_id = $1 AND reference = $2
            """,
            provider_id,
            reference,
        )
        return found
