"""SQL of subscriptions."""

from typing import Any

from services.reorder_decision.domain import Pool, Subscription
from services.reorder_decision.store.pools import Pools

#: Subscriptions with the state of their pool, and with unit and scale of its first slot.
SELECT_SUBSCRIPTIONS = """
    SELECT s.subscription_id, s.customer_id, s.product_id, s.pool_id, s.provider_id, s.packs, s.pack_size,
           s.mode, s.status, s.days, s.at_level, s.reports, s.version, s.alternatives, s.collect_hours,
           s.created_at, s.changed_at, p.situation, p.epoch, p.hold, p.reconsider_at, u.unit, u.scale,
           (SELECT json_agg(l ORDER BY l.device_id, l.slot) FROM (
                SELECT slot.device_id, slot.slot, link.active AS linked, link.changed_at AS linked_changed_at,
                       linked_slot.subscribed, linked_slot.changed_at AS subscribed_changed_at, linked_slot.items
                FROM slot JOIN link ON link.device_id = slot.device_id AND link.provider_id = s.provider_id
                    AND link.customer_id = s.customer_id
                LEFT JOIN linked_slot ON linked_slot.device_id = link.device_id
                    AND linked_slot.provider_id = link.provider_id AND linked_slot.slot = slot.slot
                WHERE slot.pool_id = s.pool_id) AS l) AS at_provider
    FROM subscription AS s JOIN pool AS p USING (pool_id)
    LEFT JOIN LATERAL (SELECT unit, scale FROM slot WHERE slot.pool_id = s.pool_id
                       ORDER BY device_id, slot LIMIT 1) AS u ON true
"""


class Subscriptions(Pools):
    """At most one subscription per pool is not ended, enforced by a unique index."""

    async def save_subscription(self, pool: Pool, subscription: Subscription) -> None:
        await self.connection.execute(
            """-- save_subscription
            INSERT INTO subscription (subscription_id, pool_id, customer_id, product_id, provider_id, packs, pack_size,
                                      mode, status, days, at_level, reports, version, created_at, changed_at,
                                      alternatives, collect_hours)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16)
            ON CONFLICT (subscription_id) DO UPDATE SET
                provider_id = excluded.provider_id, packs = excluded.packs, pack_size = excluded.pack_size,
                mode = excluded.mode, status = excluded.status, days = excluded.days, at_level = excluded.at_level,
                reports = excluded.reports, version = excluded.version, changed_at = excluded.changed_at,
                alternatives = excluded.alternatives, collect_hours = excluded.collect_hours
            """,
            *(
                subscription.subscription_id,
                pool.pool_id,
                pool.customer_id,
                pool.product_id,
                subscription.provider_id,
                subscription.packs,
            ),
            *(
                subscription.pack_size,
                subscription.mode,
                subscription.status,
                subscription.days,
                subscription.at_level,
                subscription.reports,
                subscription.version,
                self.now,
            ),
            subscription.alternatives,
            subscription.collect_hours,
        )

    async def find_subscription(self, subscription_id: str) -> Any:
        return await self.connection.fetchrow(
            f"""-- find_subscription
            {SELECT_SUBSCRIPTIONS}
            WHERE s.subscription_id = $1
            """,
            subscription_id,
        )

    async def list_subscriptions(self, customer_id: str) -> list[Any]:
        return await self.connection.fetch(
            f"""-- list_subscriptions
            {SELECT_SUBSCRIPTIONS}
            WHERE s.customer_id = $1 ORDER BY s.number
            """,
            customer_id,
        )
