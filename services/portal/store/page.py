"""SQL that reads and erases the read models of the page."""

from libs.kit import Store
from services.portal.domain.board import OPEN, Known, Notice, Offer, Order, OrderState, Subscription, Told, Wait

ORDERS_SHOWN = 30
NOTICES_SHOWN = 10


class PageStore(Store):
    async def read_known(self, customer_id: str) -> Known:
        """Return all read models of a customer."""
        return Known(
            told=await self._told(customer_id),
            subscriptions=await self._subscriptions(customer_id),
            waits=await self._waits(customer_id),
            shelves=await self._shelves(customer_id),
            orders=await self._orders(customer_id),
            offers=await self._offers(customer_id),
            providers=await self._providers(),
            notices=await self._notices(customer_id),
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

    async def forget_touches(self, older_than_minutes: int) -> None:
        await self.connection.execute(
            """-- forget_touches
            DELETE FROM touch WHERE touched_at < now() - make_interval(mins => $1)
            """,
            older_than_minutes,
        )

    async def find_order_owner(self, order_id: str) -> str | None:
        owner: str | None = await self.connection.fetchval(
            """-- find_order_owner
            SELECT customer_id FROM order_told WHERE order_id = $1
            UNION ALL SELECT customer_id FROM wait_told WHERE order_id = $1 LIMIT 1
            """,
            order_id,
        )
        return owner

    async def erase_device_page(self, device_id: str) -> None:
        await self.connection.execute("-- erase_slots_told\nDELETE FROM slot_told WHERE device_id = $1", device_id)

    async def erase_page(self, customer_id: str) -> None:
        for statement in (
            "-- erase_slots\nDELETE FROM slot_told WHERE customer_id = $1",
            "-- erase_subscriptions\nDELETE FROM subscription_told WHERE customer_id = $1",
            "-- erase_waits\nDELETE FROM wait_told WHERE customer_id = $1",
            "-- erase_shelves\nDELETE FROM shelf_told WHERE customer_id = $1",
            "-- erase_orders\nDELETE FROM order_told WHERE customer_id = $1",
            "-- erase_notices\nDELETE FROM notice_told WHERE customer_id = $1",
            "-- erase_touches\nDELETE FROM touch WHERE customer_id = $1",
        ):
            await self.connection.execute(statement, customer_id)

    async def _told(self, customer_id: str) -> dict[tuple[str, str], Told]:
        rows = await self.connection.fetch(
            """-- list_slots_told
            SELECT device_id, slot, level, rate_per_day, run_out_at, occurred_at,
                doubted FROM slot_told WHERE customer_id = $1
            """,
            customer_id,
        )
        return {
            (row["device_id"], row["slot"]): Told(
                row["level"], row["rate_per_day"], row["run_out_at"], row["occurred_at"], row["doubted"]
            )
            for row in rows
        }

    async def _subscriptions(self, customer_id: str) -> tuple[Subscription, ...]:
        rows = await self.connection.fetch(
            """-- list_subscriptions_told
            SELECT subscription_id, product_id, provider_id, packs, pack_size, mode, status
            FROM subscription_told WHERE customer_id = $1 AND status <> 'ended' ORDER BY product_id
            """,
            customer_id,
        )
        return tuple(Subscription(**row) for row in rows)

    async def _waits(self, customer_id: str) -> dict[str, Wait]:
        rows = await self.connection.fetch(
            """-- list_waits_told
            SELECT product_id, reason, wake_up, reconsider_at, order_id,
                occurred_at FROM wait_told WHERE customer_id = $1
            """,
            customer_id,
        )
        return {row["product_id"]: Wait(**row) for row in rows}

    async def _shelves(self, customer_id: str) -> dict[str, int]:
        rows = await self.connection.fetch(
            """-- list_shelves_told
            SELECT product_id, shelf FROM shelf_told WHERE customer_id = $1
            """,
            customer_id,
        )
        return {row["product_id"]: row["shelf"] for row in rows}

    async def _orders(self, customer_id: str) -> tuple[Order, ...]:
        """Return the newest orders; open orders are always included."""
        rows = await self.connection.fetch(
            """-- list_orders_told
            SELECT order_id, product_id, provider_id, state, packs, quantity, price, currency, expected_at, tracking,
                   reason, began_at, changed_at, own
            FROM order_told WHERE customer_id = $1
            ORDER BY state = ANY($3::text[]) DESC, began_at DESC, order_id LIMIT $2
            """,
            customer_id,
            ORDERS_SHOWN,
            sorted(OPEN),
        )
        return tuple(Order(**dict(row) | {"state": OrderState(row["state"])}) for row in rows)

    async def _offers(self, customer_id: str) -> dict[tuple[str, str], Offer]:
        rows = await self.connection.fetch(
            """-- list_offers_told
            SELECT provider_id, product_id, title, pack_size, price, currency FROM offer_told
            WHERE product_id IN (
                SELECT product_id FROM device_slot JOIN device USING (device_id) WHERE customer_id = $1
                UNION SELECT product_id FROM order_told WHERE customer_id = $1
                UNION SELECT product_id FROM subscription_told WHERE customer_id = $1
            )
            ORDER BY product_id, provider_id
            """,
            customer_id,
        )
        return {
            (row["provider_id"], row["product_id"]): Offer(
                row["title"], row["pack_size"], row["price"], row["currency"]
            )
            for row in rows
        }

    async def _providers(self) -> dict[str, str]:
        rows = await self.connection.fetch(
            """-- list_providers_told
            SELECT provider_id, name FROM provider_told
            """
        )
        return {row["provider_id"]: row["name"] for row in rows}

    async def _notices(self, customer_id: str) -> tuple[Notice, ...]:
        rows = await self.connection.fetch(
            """-- list_notices_told
            SELECT kind, channel, product_id,
                occurred_at FROM notice_told WHERE customer_id = $1 ORDER BY occurred_at DESC LIMIT $2
            """,
            customer_id,
            NOTICES_SHOWN,
        )
        return tuple(Notice(**row) for row in rows)
