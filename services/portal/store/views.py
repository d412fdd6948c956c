"""SQL that updates the read models from events; events about erased customers have no effect."""

import hashlib
from datetime import datetime

from libs.kit import Store
from replenish_contracts.events import OfferChanged, ProviderSubscriptionChanged, SubscriptionChanged
from services.portal.domain.board import Notice, SlotView, Wait
from services.portal.domain.order_events import OrderEvent, is_end, occurred_at


class ViewStore(Store):
    async def touch(self, customer_id: str) -> None:
        """Notify open pages of this customer."""
        await self.connection.execute(
            """-- touch
            INSERT INTO touch (customer_id) VALUES ($1)
            """,
            customer_id,
        )

    async def save_slot_view(self, place: tuple[str, str], customer_id: str, view: SlotView) -> None:
        """Record a slot's level; rate and run-out time keep their values if None."""
        await self._save_and_touch(
            """-- save_slot_view
            INSERT INTO slot_view AS known (device_id, slot, customer_id, level, rate_per_day, run_out_at, anomaly,
                occurred_at)
            SELECT device_id, $2, customer_id, $4, $5, $6, $7, $8 FROM device
            WHERE device_id = $1 AND customer_id = $3 AND state = 'registered'
            ON CONFLICT (device_id, slot) DO UPDATE
            SET customer_id = excluded.customer_id, level = excluded.level, anomaly = excluded.anomaly,
                rate_per_day = coalesce(excluded.rate_per_day, known.rate_per_day),
                run_out_at = coalesce(excluded.run_out_at, known.run_out_at), occurred_at = excluded.occurred_at
            """,
            *place,
            customer_id,
            view.level,
            view.rate_per_day,
            view.run_out_at,
            view.anomaly,
            view.occurred_at,
        )

    async def save_subscription_view(self, event: SubscriptionChanged) -> None:
        await self._save_and_touch(
            """-- save_subscription_view
            INSERT INTO subscription_view
                (subscription_id, customer_id, product_id, provider_id, packs, pack_size, mode, status)
            SELECT $2, customer_id, $3, $4, $5, $6, $7, $8 FROM customer WHERE customer_id = $1 AND erased_at IS NULL
            ON CONFLICT (subscription_id) DO UPDATE
            SET provider_id = excluded.provider_id, packs = excluded.packs, pack_size = excluded.pack_size,
                mode = excluded.mode, status = excluded.status
            """,
            event.customer_id,
            event.subscription_id,
            event.product_id,
            event.provider_id,
            event.packs,
            event.pack_size,
            event.mode,
            event.status,
        )

    async def save_wait_view(self, customer_id: str, wait: Wait) -> None:
        await self._save_and_touch(
            """-- save_wait_view
            INSERT INTO wait_view (customer_id, product_id, reason, wake_up, reconsider_at, order_id, occurred_at,
                provider_id, since, test)
            SELECT customer_id, $2, $3, $4, $5, $6, $7, $8, $9, $10
            FROM customer WHERE customer_id = $1 AND erased_at IS NULL
            ON CONFLICT (customer_id, product_id) DO UPDATE
            SET reason = excluded.reason, wake_up = excluded.wake_up, reconsider_at = excluded.reconsider_at,
                order_id = excluded.order_id, occurred_at = excluded.occurred_at, provider_id = excluded.provider_id,
                since = excluded.since, test = excluded.test
            """,
            customer_id,
            wait.product_id,
            wait.reason,
            wait.wake_up,
            wait.reconsider_at,
            wait.order_id,
            wait.occurred_at,
            wait.provider_id,
            wait.since,
            wait.test,
        )

    async def save_linked_slot_view(self, event: ProviderSubscriptionChanged) -> None:
        await self._save_and_touch(
            """-- save_linked_slot_view
            INSERT INTO linked_slot_view AS known (device_id, slot, provider_id, customer_id, subscribed, items,
                changed_at)
            SELECT $2, $3, $4, customer_id, $5, $6, $7 FROM customer WHERE customer_id = $1 AND erased_at IS NULL
            ON CONFLICT (device_id, slot, provider_id) DO UPDATE
            SET customer_id = excluded.customer_id, subscribed = excluded.subscribed, items = excluded.items,
                -- A pause keeps its beginning if the products change meanwhile.
                changed_at = CASE WHEN known.subscribed OR excluded.subscribed
                    OR known.customer_id <> excluded.customer_id THEN excluded.changed_at ELSE known.changed_at END
            """,
            event.customer_id,
            event.device_id,
            event.slot,
            event.provider_id,
            event.subscribed,
            [item.model_dump(mode="json") for item in event.items],
            event.occurred_at,
        )

    async def delete_linked_slot_views(self, customer_id: str, device_id: str, provider_id: str) -> None:
        await self._save_and_touch(
            """-- delete_linked_slot_views
            DELETE FROM linked_slot_view WHERE customer_id = $1 AND device_id = $2 AND provider_id = $3
            """,
            customer_id,
            device_id,
            provider_id,
        )

    async def delete_wait_views(self, customer_id: str, product_ids: list[str]) -> None:
        await self._save_and_touch(
            """-- delete_wait_views
            DELETE FROM wait_view WHERE customer_id = $1 AND product_id = ANY($2::text[])
            """,
            customer_id,
            product_ids,
        )

    async def save_shelf_view(self, customer_id: str, product_id: str, shelf: int, at: datetime) -> None:
        await self._save_and_touch(
            """-- save_shelf_view
            INSERT INTO shelf_view (customer_id, product_id, shelf, occurred_at)
            SELECT customer_id, $2, $3, $4 FROM customer WHERE customer_id = $1 AND erased_at IS NULL
            ON CONFLICT (customer_id, product_id) DO UPDATE SET shelf = excluded.shelf,
                occurred_at = excluded.occurred_at
            """,
            customer_id,
            product_id,
            shelf,
            at,
        )

    async def save_order_event(self, event: OrderEvent) -> None:
        """Add an event to its order, once; events with the same content are the same."""
        name, data = type(event).__name__, event.model_dump_json(exclude_none=True)
        await self.connection.execute(
            """-- save_order_event
            WITH saved AS (
                INSERT INTO order_view AS known (order_id, customer_id, began_at, ended)
                SELECT $2, customer_id, $3, $4 FROM customer WHERE customer_id = $1 AND erased_at IS NULL
                ON CONFLICT (order_id) DO UPDATE
                SET began_at = least(known.began_at, excluded.began_at), ended = known.ended OR excluded.ended
                RETURNING order_id, customer_id
            ), added AS (
                INSERT INTO order_event_view (order_id, event_sha256, type, data)
                SELECT order_id, $5, $6, $7::text::jsonb FROM saved
                ON CONFLICT (order_id, event_sha256) DO NOTHING
            )
            INSERT INTO touch (customer_id) SELECT customer_id FROM saved
            """,
            event.customer_id,
            event.order_id,
            occurred_at(event),
            is_end(event),
            hashlib.sha256(f"{name} {data}".encode()).digest(),
            name,
            data,
        )

    async def add_notice_view(self, notice_id: str, customer_id: str, notice: Notice) -> None:
        await self._save_and_touch(
            """-- add_notice_view
            INSERT INTO notice_view (notice_id, customer_id, kind, channel, product_id, occurred_at, order_id)
            SELECT $2, customer_id, $3, $4, $5, $6, $7 FROM customer WHERE customer_id = $1 AND erased_at IS NULL
            ON CONFLICT (notice_id) DO NOTHING
            """,
            customer_id,
            notice_id,
            notice.kind,
            notice.channel,
            notice.product_id,
            notice.occurred_at,
            notice.order_id,
        )

    async def save_provider_view(self, provider_id: str, name: str) -> None:
        await self.connection.execute(
            """-- save_provider_view
            INSERT INTO provider_view (provider_id, name) VALUES ($1, $2)
            ON CONFLICT (provider_id) DO UPDATE SET name = excluded.name
            """,
            provider_id,
            name,
        )

    async def save_offer_view(self, event: OfferChanged) -> None:
        await self.connection.execute(
            """-- save_offer_view
            INSERT INTO offer_view (provider_id, product_id, title, pack_size, price, currency)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (provider_id, product_id) DO UPDATE
            SET title = excluded.title, pack_size = excluded.pack_size, price = excluded.price,
                currency = excluded.currency
            """,
            event.provider_id,
            event.product_id,
            event.title,
            event.pack_size,
            event.price,
            event.currency,
        )

    async def _save_and_touch(self, statement: str, *arguments: object) -> None:
        """Run the statement and notify open pages of the affected customers, in one statement."""
        name, _, body = statement.partition("\n")
        await self.connection.execute(
            f"""{name}
            WITH saved AS ({body} RETURNING customer_id)
            INSERT INTO touch (customer_id) SELECT customer_id FROM saved
            """,  # all parts are constants of this module
            *arguments,
        )
