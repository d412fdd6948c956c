"""SQL that reads and erases the read models of the page."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from asyncpg import Record

from libs.kit import Store
from services.portal.domain.board import CustomerView, LinkedSlot, Notice, Offer, SlotView, Subscription, Wait
from services.portal.domain.order_events import ORDER_EVENTS, read_order
from services.portal.domain.orders import Order, products_of

ORDERS_SHOWN = 30
NOTICES_SHOWN = 10
_EVENTS = {event.__name__: event for event in ORDER_EVENTS}


class PageStore(Store):
    async def read_customer_view(self, customer_id: str) -> CustomerView:
        orders = await self._list_orders(customer_id)
        return CustomerView(
            slots=await self._list_slot_views(customer_id),
            linked=await self._list_linked_slots(customer_id),
            subscriptions=await self._list_subscription_views(customer_id),
            waits=await self._list_wait_views(customer_id),
            shelves=await self._list_shelf_views(customer_id),
            orders=orders,
            offers=await self._list_offer_views(customer_id, products_of(orders)),
            providers=await self._list_provider_views(),
            notices=await self._list_notice_views(customer_id),
        )

    async def list_touches(self, customer_ids: list[str]) -> dict[str, tuple[int, int]]:
        """Return a version per customer that changes with every touch.

        Includes the count, because sequence numbers can commit out of order: the highest alone would miss a lower
        one that commits later.
        """
        rows = await self.connection.fetch(
            """-- list_touches
            SELECT customer_id, max(number) AS highest, count(*) AS rows
            FROM touch WHERE customer_id = ANY($1) GROUP BY customer_id
            """,
            customer_ids,
        )
        return {row["customer_id"]: (row["highest"], row["rows"]) for row in rows}

    async def delete_touches(self, older_than_minutes: int) -> None:
        await self.connection.execute(
            """-- delete_touches
            DELETE FROM touch WHERE touched_at < now() - make_interval(mins => $1)
            """,
            older_than_minutes,
        )

    async def find_order_owner(self, order_id: str) -> str | None:
        owner: str | None = await self.connection.fetchval(
            """-- find_order_owner
            SELECT customer_id FROM order_view WHERE order_id = $1
            UNION ALL SELECT customer_id FROM wait_view WHERE order_id = $1 LIMIT 1
            """,
            order_id,
        )
        return owner

    async def delete_slot_views(self, device_id: str) -> None:
        for statement in (
            "-- delete_slot_views\nDELETE FROM slot_view WHERE device_id = $1",
            "-- delete_slot_views\nDELETE FROM linked_slot_view WHERE device_id = $1",
        ):
            await self.connection.execute(statement, device_id)

    async def delete_views(self, customer_id: str) -> None:
        for statement in (
            "-- delete_views\nDELETE FROM slot_view WHERE customer_id = $1",
            "-- delete_views\nDELETE FROM linked_slot_view WHERE customer_id = $1",
            "-- delete_views\nDELETE FROM subscription_view WHERE customer_id = $1",
            "-- delete_views\nDELETE FROM wait_view WHERE customer_id = $1",
            "-- delete_views\nDELETE FROM shelf_view WHERE customer_id = $1",
            "-- delete_views\nDELETE FROM order_view WHERE customer_id = $1",
            "-- delete_views\nDELETE FROM notice_view WHERE customer_id = $1",
            "-- delete_views\nDELETE FROM touch WHERE customer_id = $1",
        ):
            await self.connection.execute(statement, customer_id)

    async def _list_slot_views(self, customer_id: str) -> dict[tuple[str, str], SlotView]:
        rows = await self.connection.fetch(
            """-- _list_slot_views
            SELECT device_id, slot, level, rate_per_day, run_out_at, occurred_at,
                anomaly FROM slot_view WHERE customer_id = $1
            """,
            customer_id,
        )
        return {
            (row["device_id"], row["slot"]): SlotView(
                row["level"], row["rate_per_day"], row["run_out_at"], row["occurred_at"], row["anomaly"]
            )
            for row in rows
        }

    async def _list_subscription_views(self, customer_id: str) -> tuple[Subscription, ...]:
        rows = await self.connection.fetch(
            """-- _list_subscription_views
            SELECT subscription_id, product_id, provider_id, packs, pack_size, mode, status
            FROM subscription_view WHERE customer_id = $1 AND status <> 'ended' ORDER BY product_id
            """,
            customer_id,
        )
        return tuple(Subscription(**row) for row in rows)

    async def _list_wait_views(self, customer_id: str) -> dict[str, Wait]:
        rows = await self.connection.fetch(
            """-- _list_wait_views
            SELECT product_id, reason, wake_up, reconsider_at, order_id, occurred_at, provider_id, since, test
            FROM wait_view WHERE customer_id = $1
            """,
            customer_id,
        )
        return {row["product_id"]: Wait(**row) for row in rows}

    async def _list_linked_slots(self, customer_id: str) -> dict[tuple[str, str], tuple[LinkedSlot, ...]]:
        rows = await self.connection.fetch(
            """-- _list_linked_slots
            SELECT device_id, slot, provider_id, subscribed, items, changed_at
            FROM linked_slot_view WHERE customer_id = $1 ORDER BY device_id, slot, provider_id
            """,
            customer_id,
        )
        found: dict[tuple[str, str], tuple[LinkedSlot, ...]] = {}
        for row in rows:
            items = tuple((item["reference"], item["quantity"]) for item in row["items"])
            place = (row["device_id"], row["slot"])
            linked = LinkedSlot(row["provider_id"], row["subscribed"], items, row["changed_at"])
            found[place] = (*found.get(place, ()), linked)
        return found

    async def _list_shelf_views(self, customer_id: str) -> dict[str, int]:
        rows = await self.connection.fetch(
            """-- _list_shelf_views
            SELECT product_id, shelf FROM shelf_view WHERE customer_id = $1
            """,
            customer_id,
        )
        return {row["product_id"]: row["shelf"] for row in rows}

    async def _list_orders(self, customer_id: str) -> tuple[Order, ...]:
        """Return the newest orders; open orders are always included."""
        rows = await self.connection.fetch(
            """-- _list_orders
            SELECT order_id, type, data::text FROM (
                SELECT order_id, ended, began_at FROM order_view WHERE customer_id = $1
                ORDER BY ended, began_at DESC, order_id LIMIT $2
            ) AS o JOIN order_event_view USING (order_id)
            ORDER BY o.ended, o.began_at DESC, order_id
            """,
            customer_id,
            ORDERS_SHOWN,
        )
        return tuple(_read_order(events) for _, events in groupby(rows, key=itemgetter("order_id")))

    async def _list_offer_views(self, customer_id: str, ordered: list[str]) -> dict[tuple[str, str], Offer]:
        rows = await self.connection.fetch(
            """-- _list_offer_views
            SELECT provider_id, product_id, title, pack_size, price, currency FROM offer_view
            WHERE product_id IN (
                SELECT product_id FROM device_slot JOIN device USING (device_id) WHERE customer_id = $1
                UNION SELECT unnest($2::text[])
                UNION SELECT product_id FROM subscription_view WHERE customer_id = $1
            )
            ORDER BY product_id, provider_id
            """,
            customer_id,
            ordered,
        )
        return {
            (row["provider_id"], row["product_id"]): Offer(
                row["title"], row["pack_size"], row["price"], row["currency"]
            )
            for row in rows
        }

    async def _list_provider_views(self) -> dict[str, str]:
        rows = await self.connection.fetch(
            """-- _list_provider_views
            SELECT provider_id, name FROM provider_view
            """
        )
        return {row["provider_id"]: row["name"] for row in rows}

    async def _list_notice_views(self, customer_id: str) -> tuple[Notice, ...]:
        rows = await self.connection.fetch(
            """-- _list_notice_views
            SELECT kind, channel, product_id, occurred_at, order_id
            FROM notice_view WHERE customer_id = $1 ORDER BY occurred_at DESC LIMIT $2
            """,
            customer_id,
            NOTICES_SHOWN,
        )
        return tuple(Notice(**row) for row in rows)


def _read_order(rows: Iterable[Record]) -> Order:
    return read_order(_EVENTS[row["type"]].model_validate_json(row["data"]) for row in rows)
