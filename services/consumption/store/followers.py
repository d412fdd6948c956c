"""Providers that receive every change of a slot's level."""

from libs.kit import Store


class Followers(Store):
    async def save_follower(self, device_id: str, slot: str, provider_id: str, *, following: bool) -> bool:
        """Record whether a provider follows a slot; return whether the slot has any follower now."""
        await self.connection.execute(
            """-- save_follower
            WITH ended AS (
                DELETE FROM follower WHERE device_id = $1 AND slot = $2 AND provider_id = $3 AND NOT $4)
            INSERT INTO follower (device_id, slot, provider_id) SELECT $1, $2, $3 WHERE $4 ON CONFLICT DO NOTHING
            """,
            device_id,
            slot,
            provider_id,
            following,
        )
        linked: bool = await self.connection.fetchval(
            """-- save_follower
            UPDATE slot SET linked = EXISTS (
                SELECT FROM follower WHERE follower.device_id = $1 AND follower.slot = $2)
            WHERE device_id = $1 AND slot = $2 RETURNING linked
            """,
            device_id,
            slot,
        )
        return linked
