"""SQL that locks, reads and saves pools."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from libs import kit
from services.reorder_decision.domain import (
    Context,
    Hold,
    Holiday,
    Offer,
    Order,
    Pool,
    Rules,
    Situation,
    Slot,
    Subscription,
    Trigger,
    pool_id_of,
)

T = TypeVar("T")

#: Columns of `pool` that `_pool_of` reads.
POOL_COLUMNS = """
    pool_id, customer_id, product_id, epoch, situation, hold, wait, trigger, shelf, shelf_event, cancels,
    failures, low_reports, stale_crossings, avoided
"""
#: The rest of a pool, from the other tables.
SELECT_PARTS = """
    SELECT (SELECT json_agg(s ORDER BY s.device_id, s.slot) FROM (
                SELECT device_id, slot, unit, scale, capacity, level, uncertainty, rate_per_day, level_event,
                       level_at, answered, coalesce((SELECT json_agg(l ORDER BY l.provider_id) FROM (
                            SELECT link.provider_id, active, link.changed_at, subscribed,
                                   linked_slot.changed_at AS subscribed_at, coalesce(items, '{}') AS items
                            FROM link LEFT JOIN linked_slot
                                ON linked_slot.device_id = link.device_id
                                    AND linked_slot.provider_id = link.provider_id AND linked_slot.slot = slot.slot
                            WHERE link.device_id = slot.device_id AND link.customer_id = p.customer_id
                       ) AS l), '[]') AS links
                FROM slot WHERE pool_id = p.pool_id) AS s) AS slots,
           (SELECT json_object_agg(device_id, registration) FROM device WHERE device_id IN (
                SELECT device_id FROM slot WHERE pool_id = p.pool_id)) AS registrations,
           (SELECT row_to_json(s) FROM (
                SELECT subscription_id, provider_id, packs, pack_size, mode, status, days, at_level, reports,
                       version, alternatives, collect_hours
                FROM subscription WHERE pool_id = p.pool_id AND status <> 'ended') AS s) AS subscription,
           (SELECT row_to_json(o) FROM (
                SELECT o.* FROM subscription AS s JOIN offer_view AS o USING (provider_id, product_id)
                WHERE s.pool_id = p.pool_id AND s.status <> 'ended') AS o) AS offer,
           (SELECT json_agg(o ORDER BY o.provider_id) FROM (
                SELECT o.* FROM subscription AS s CROSS JOIN unnest(s.alternatives) AS other (provider_id)
                JOIN offer_view AS o ON (o.provider_id, o.product_id) = (other.provider_id, s.product_id)
                WHERE s.pool_id = p.pool_id AND s.status <> 'ended') AS o) AS rivals,
           (SELECT row_to_json(h) FROM (
                SELECT starts_at, ends_at FROM holiday WHERE customer_id = p.customer_id) AS h) AS holiday,
           (SELECT row_to_json(r) FROM (
                SELECT order_id, epoch, quantity, state = 'proposed' AS proposed, provider_id
                FROM reorder WHERE pool_id = p.pool_id AND state <> 'ended') AS r) AS "order",
           ARRAY(SELECT c.pool_id FROM pool AS c
                 WHERE c.customer_id = p.customer_id AND c.collect_until IS NOT NULL AND c.pool_id <> p.pool_id
                 ORDER BY c.pool_id) AS collecting_pool_ids
"""


class Pools(kit.Store):
    """Pools with all inputs of a decision."""

    @property
    def context(self) -> Context:
        settings = self.settings
        rules = Rules(
            settings.cancel_backoff_days,
            settings.failure_backoff_days,
            settings.failure_backoff_limit_days,
            settings.enough_backoff_days,
            settings.default_lead_time_days,
            settings.unclear_backoff_days,
        )
        return Context(self.now, self.cause, rules)

    async def lock_or_create_pool(self, customer_id: str, product_id: str) -> Pool | None:
        """Lock and return the pool, creating it if missing; None if the customer was erased."""
        pool_id = pool_id_of(customer_id, product_id)
        pool = await self.lock_pool(pool_id)
        if pool is None and not await self._is_erased(customer_id):
            await self._create_pool(pool_id, customer_id, product_id)
            pool = await self.lock_pool(pool_id)
        return pool

    async def lock_pool(self, pool_id: str) -> Pool | None:
        row = await self.connection.fetchrow(
            f"""-- lock_pool
            SELECT {POOL_COLUMNS} FROM pool WHERE pool_id = $1 FOR UPDATE
            """,
            pool_id,
        )
        return None if row is None else (await self._with_parts([row]))[0]

    async def lock_pools_of_lines(self, pool_ids: Sequence[str]) -> list[Pool]:
        """Lock and return the existing pools ordered by id."""
        rows = await self.connection.fetch(
            f"""-- lock_pools_of_lines
            SELECT {POOL_COLUMNS} FROM pool WHERE pool_id = ANY($1::text[]) ORDER BY pool_id FOR UPDATE
            """,
            pool_ids,
        )
        return await self._with_parts(rows) if rows else []

    async def lock_collecting_pools(self, pool_ids: Sequence[str]) -> list[Pool]:
        """Lock and return those of these pools that collect.

        Pools that other transactions have locked are skipped: waiting for them could deadlock, and they are ordered at
        their deadline. `lock_pools` has locked the pools that collected before the batch.
        """
        rows = await self.connection.fetch(
            f"""-- lock_collecting_pools
            SELECT {POOL_COLUMNS} FROM pool WHERE pool_id = ANY($1::text[]) AND collect_until IS NOT NULL
            ORDER BY pool_id FOR UPDATE SKIP LOCKED
            """,
            pool_ids,
        )
        return await self._with_parts(rows) if rows else []

    async def lock_pools(self, pool_ids: Sequence[str]) -> None:
        """Lock the existing pools ordered by id; every transaction uses this order, which avoids deadlocks."""
        await self.connection.execute(
            """-- lock_pools
            SELECT FROM pool WHERE pool_id = ANY($1::text[]) ORDER BY pool_id FOR UPDATE
            """,
            pool_ids,
        )

    async def _with_parts(self, rows: Sequence[Any]) -> list[Pool]:
        """Read the parts of locked pools in a new statement: the snapshot of the first may predate its lock."""
        if len(rows) == 1:
            # Postgres folds one row of VALUES into the subqueries; unnest costs it a tenth more.
            parts = await self.connection.fetch(
                f"""-- _with_parts
                {SELECT_PARTS} FROM (VALUES ($1::text, $2::text)) AS p (pool_id, customer_id)
                """,
                rows[0]["pool_id"],
                rows[0]["customer_id"],
            )
        else:
            parts = await self.connection.fetch(
                f"""-- _with_parts
                {SELECT_PARTS} FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS p (pool_id, customer_id, place)
                ORDER BY p.place
                """,
                [row["pool_id"] for row in rows],
                [row["customer_id"] for row in rows],
            )
        return [_pool_of(row, parts_of_row) for row, parts_of_row in zip(rows, parts, strict=True)]

    async def _create_pool(self, pool_id: str, customer_id: str, product_id: str) -> None:
        await self.connection.execute(
            """-- _create_pool
            INSERT INTO pool (pool_id, customer_id, product_id, hold, changed_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING
            """,
            pool_id,
            customer_id,
            product_id,
            _encode(Pool(pool_id, customer_id, product_id).hold),
            self.now,
        )

    async def _is_erased(self, customer_id: str) -> bool:
        erased: bool = await self.connection.fetchval(
            "-- _is_erased\nSELECT EXISTS (SELECT FROM erased_customer WHERE customer_id = $1)", customer_id
        )
        return erased

    async def save_pool(self, *pools: Pool) -> None:
        """Save one or more pools, in one round trip."""
        query = """-- save_pool
            UPDATE pool SET epoch = $2, situation = $3, hold = $4, wait = $5, trigger = $6, reconsider_at = $7,
                shelf = $8, shelf_event = $9, cancels = $10, failures = $11, low_reports = $12, stale_crossings = $13,
                changed_at = $14, avoided = $15, collect_until = $16
            WHERE pool_id = $1
            """
        if len(pools) == 1:
            await self.connection.execute(query, *_columns_of(pools[0], self.now))
        elif pools:
            await self.connection.executemany(query, [_columns_of(pool, self.now) for pool in pools])


def _pool_of(row: Any, parts: Any) -> Pool:
    return Pool(
        row["pool_id"],
        row["customer_id"],
        row["product_id"],
        row["epoch"],
        Situation(row["situation"]),
        _decode(row["hold"], Hold),
        _decode(row["wait"], Hold),
        _decode(row["trigger"], Trigger),
        *(row["shelf"], row["shelf_event"], row["cancels"], row["failures"]),
        *(row["low_reports"], row["stale_crossings"]),
        _decode(parts["slots"], tuple[Slot, ...]) or (),
        _decode(parts["subscription"], Subscription),
        _decode(parts["offer"], Offer),
        _decode(parts["order"], Order),
        _decode(parts["rivals"], tuple[Offer, ...]) or (),
        tuple(row["avoided"]),
        _decode(parts["holiday"], Holiday),
        _decode(parts["registrations"], dict[str, int]) or {},
        tuple(parts["collecting_pool_ids"]),
    )


def _columns_of(pool: Pool, now: datetime) -> tuple[Any, ...]:
    return (
        *(pool.pool_id, pool.epoch, pool.situation, _encode(pool.hold), _encode(pool.wait)),
        *(_encode(pool.trigger), pool.hold.until if pool.hold else None, pool.shelf, pool.shelf_event),
        *(pool.cancels, pool.failures, pool.low_reports, pool.stale_crossings, now, pool.avoided),
        pool.collect_until,
    )


def _decode(text: str | None, form: type[T]) -> T | None:
    return None if text is None else msgspec.json.decode(text, type=form)


def _encode(value: Hold | Trigger | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
