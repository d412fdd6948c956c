"""SQL of the facts that mails are rendered from."""

from datetime import datetime
from typing import Any

from libs.kit import Store as KitStore
from replenish_contracts.events import (
    OrderDrafted,
    OrderModified,
    ReorderApproved,
    SlotSpec,
    ThresholdCrossed,
    split_order_id,
)
from services.notification.domain import Facts, LineFacts, LineState, Notice, line_rows
from services.notification.store.lines import MERGE_LINES


class FactTables(KitStore):
    """Orders, slots, crossings, providers and offers; facts of an erased customer are not stored."""

    async def save_provider(self, provider_id: str, name: str, protocol: str) -> None:
        await self.connection.execute(
            """-- save_provider
            INSERT INTO provider (provider_id, name, protocol) VALUES ($1, $2, $3)
            ON CONFLICT (provider_id) DO UPDATE SET name = excluded.name, protocol = excluded.protocol
            """,
            provider_id,
            name,
            protocol,
        )

    async def find_protocol(self, provider_id: str) -> str | None:
        protocol: str | None = await self.connection.fetchval(
            """-- find_protocol
            SELECT protocol FROM provider WHERE provider_id = $1
            """,
            provider_id,
        )
        return protocol

    async def save_offer(self, provider_id: str, product_id: str, title: str) -> None:
        await self.connection.execute(
            """-- save_offer
            INSERT INTO offer (provider_id, product_id, title) VALUES ($1, $2, $3)
            ON CONFLICT (provider_id, product_id) DO UPDATE SET title = excluded.title
            """,
            provider_id,
            product_id,
            title,
        )

    async def save_slots(self, customer_id: str, device_id: str, slots: tuple[SlotSpec, ...]) -> None:
        await self.connection.executemany(
            """-- save_slots
            INSERT INTO slot (device_id, slot, customer_id, product_id, unit, scale)
            SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT FROM erased_customer WHERE customer_id = $3)
            ON CONFLICT (device_id, slot) DO UPDATE
            SET customer_id = excluded.customer_id, product_id = excluded.product_id, unit = excluded.unit,
                scale = excluded.scale
            """,
            [(device_id, spec.slot, customer_id, spec.product_id, spec.unit, spec.scale) for spec in slots],
        )

    async def delete_slots(self, customer_id: str, device_id: str) -> None:
        await self.connection.execute(
            """-- delete_slots
            DELETE FROM slot WHERE device_id = $1 AND customer_id = $2
            """,
            device_id,
            customer_id,
        )

    async def save_crossing(self, event: ThresholdCrossed) -> None:
        await self.connection.execute(
            """-- save_crossing
            INSERT INTO crossing (pool_id, customer_id, epoch, level, rate_per_day, run_out_at)
            SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT FROM erased_customer WHERE customer_id = $2)
            ON CONFLICT (pool_id) DO UPDATE
            SET epoch = excluded.epoch, level = excluded.level, rate_per_day = excluded.rate_per_day,
                run_out_at = excluded.run_out_at
            WHERE crossing.epoch < excluded.epoch
            """,
            event.pool_id,
            event.customer_id,
            event.epoch,
            event.level,
            event.rate_per_day,
            event.run_out_at,
        )

    async def save_approval(self, event: ReorderApproved) -> None:
        """Save the approval for its order, and for those that its later lines have if the order is split."""
        lines = event.all_lines
        parts = [split_order_id(event.order_id, line.line_id) for line in lines[1:]]
        await self.connection.execute(
            """-- save_approval
            INSERT INTO known_order (order_id, customer_id, provider_id, pool_id, epoch, needed_by)
            SELECT part.order_id, $1, $2, part.pool_id, part.epoch, $3
            FROM unnest($4::text[], $5::text[], $6::integer[]) AS part(order_id, pool_id, epoch)
            WHERE NOT EXISTS (SELECT FROM erased_customer WHERE customer_id = $1)
            ORDER BY part.order_id
            ON CONFLICT (order_id) DO UPDATE SET epoch = excluded.epoch, needed_by = excluded.needed_by
            """,
            event.customer_id,
            event.provider_id,
            event.needed_by,
            [event.order_id, *parts],
            [event.pool_id, *(line.pool_id for line in lines[1:])],
            [event.epoch, *(line.epoch for line in lines[1:])],
        )

    async def save_draft(self, event: OrderDrafted | OrderModified) -> None:
        await self.connection.execute(
            f"""-- save_draft
            WITH merged AS ({MERGE_LINES})
            INSERT INTO known_order AS known (order_id, customer_id, provider_id, pool_id, quantity, price, fee,
                currency, drafted_at)
            SELECT $1, $2, $4, $5, $6, $7, $8, $9, $10
            WHERE NOT EXISTS (SELECT FROM erased_customer WHERE customer_id = $2)
            ON CONFLICT (order_id) DO UPDATE
            SET quantity = excluded.quantity, price = excluded.price, fee = excluded.fee, currency = excluded.currency,
                drafted_at = excluded.drafted_at
            WHERE known.drafted_at IS NULL OR known.drafted_at <= excluded.drafted_at
            """,
            event.order_id,
            event.customer_id,
            line_rows(event),
            event.provider_id,
            event.pool_id,
            event.quantity,
            event.price,
            event.fee,
            event.currency,
            event.occurred_at,
        )

    async def get_facts(self, notice: Notice) -> Facts:
        row = await self.connection.fetchrow(
            """-- get_facts
            SELECT
                coalesce(chosen.title, any_offer.title) AS title, provider.name AS provider,
                o.quantity, o.price, o.fee, o.currency, o.needed_by, o.epoch IS NOT NULL AS approved,
                coalesce(own_line.unit, slot.unit) AS unit, coalesce(own_line.scale, slot.scale, 0) AS scale,
                crossing.level, crossing.rate_per_day, crossing.run_out_at, listed.lines
            FROM (SELECT $1::text AS customer_id, $2::text AS order_id, $3::text AS product_id,
                $4::text AS pool_id, $5::integer AS epoch) AS asked
            LEFT JOIN known_order AS o ON o.order_id = asked.order_id
            LEFT JOIN LATERAL (SELECT unit, scale, epoch FROM order_line WHERE order_line.order_id = asked.order_id
                AND order_line.pool_id = asked.pool_id ORDER BY line_id LIMIT 1) AS own_line ON true
            LEFT JOIN provider ON provider.provider_id = o.provider_id
            LEFT JOIN offer AS chosen ON chosen.provider_id = o.provider_id AND chosen.product_id = asked.product_id
            LEFT JOIN LATERAL (SELECT title FROM offer WHERE product_id = asked.product_id
                ORDER BY provider_id LIMIT 1) AS any_offer ON true
            LEFT JOIN LATERAL (SELECT unit, scale FROM slot WHERE slot.customer_id = asked.customer_id
                AND slot.product_id = asked.product_id ORDER BY device_id, slot LIMIT 1) AS slot ON true
            LEFT JOIN crossing ON crossing.pool_id = asked.pool_id
                AND crossing.epoch = coalesce(own_line.epoch, o.epoch, asked.epoch)
            LEFT JOIN LATERAL (
                SELECT jsonb_agg(jsonb_build_object(
                    'line_id', line.line_id,
                    'product_id', line.product_id,
                    'title', coalesce(
                        (SELECT title FROM offer
                            WHERE offer.provider_id = o.provider_id AND offer.product_id = line.product_id),
                        (SELECT title FROM offer WHERE offer.product_id = line.product_id
                            ORDER BY provider_id LIMIT 1)),
                    'substitute', coalesce(
                        (SELECT title FROM offer
                            WHERE offer.provider_id = o.provider_id AND offer.product_id = line.substitute),
                        line.substitute),
                    'unit', coalesce(line.unit, (SELECT unit FROM slot WHERE slot.customer_id = line.customer_id
                        AND slot.product_id = line.product_id ORDER BY device_id, slot LIMIT 1)),
                    'scale', coalesce(line.scale, (SELECT scale FROM slot WHERE slot.customer_id = line.customer_id
                        AND slot.product_id = line.product_id ORDER BY device_id, slot LIMIT 1), 0),
                    'quantity', line.quantity,
                    'packs', line.packs,
                    'pack_size', line.pack_size,
                    'unit_price', line.unit_price,
                    'state', line.state,
                    'shipped', (SELECT sum(value::bigint) FROM jsonb_each_text(line.shipped)),
                    'run_out_at', (SELECT run_out_at FROM crossing
                        WHERE crossing.pool_id = line.pool_id AND crossing.epoch = line.epoch)
                ) ORDER BY line.position, line.line_id) AS lines
                FROM order_line AS line WHERE line.order_id = asked.order_id
            ) AS listed ON true
            """,
            notice.customer_id,
            notice.order_id,
            notice.product_id,
            notice.pool_id,
            notice.epoch,
        )
        return Facts() if row is None else Facts(**{**row, "lines": tuple(map(_line_of, row["lines"] or ()))})


def _line_of(fields: dict[str, Any]) -> LineFacts:
    run_out_at = fields["run_out_at"]
    return LineFacts(
        **{
            **fields,
            "state": LineState(fields["state"]),
            "run_out_at": datetime.fromisoformat(run_out_at) if run_out_at else None,
        }
    )
