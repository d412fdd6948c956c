"""Rows of carts and checkouts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from libs import kit
from services.inventory.domain import Goods, Quantities, State


class Cart(NamedTuple):
    """A customer's cart; `checkout_id` is set once it is checked out."""

    cart_id: str
    customer_id: str
    checkout_id: str | None
    wanted: dict[Goods, int]


class Checkout(NamedTuple):
    """A checkout; `expires_at` is None if its state does not expire."""

    checkout_id: str
    customer_id: str
    state: State
    expires_at: datetime | None
    wanted: dict[Goods, int]


class Checkouts(kit.Store):
    """Carts and checkouts with their lines."""

    async def add_cart(self, cart_id: str, customer_id: str) -> Cart:
        await self.connection.execute(
            "-- add_cart\nINSERT INTO cart (cart_id, customer_id, changed_at) VALUES ($1, $2, $3)",
            cart_id,
            customer_id,
            self.now,
        )
        return Cart(cart_id, customer_id, None, {})

    async def lock_cart(self, cart_id: str) -> Cart | None:
        row = await self.connection.fetchrow(
            "-- lock_cart\nSELECT customer_id, checkout_id FROM cart WHERE cart_id = $1 FOR UPDATE", cart_id
        )
        return await self._read_cart(cart_id, row)

    async def find_cart(self, cart_id: str) -> Cart | None:
        row = await self.connection.fetchrow(
            "-- find_cart\nSELECT customer_id, checkout_id FROM cart WHERE cart_id = $1", cart_id
        )
        return await self._read_cart(cart_id, row)

    async def _read_cart(self, cart_id: str, row: Any) -> Cart | None:
        if row is None:
            return None
        items = await self.connection.fetch(
            """-- _read_cart
            SELECT owner_id, product_id, quantity FROM cart_item WHERE cart_id = $1 ORDER BY owner_id, product_id
            """,
            cart_id,
        )
        return Cart(cart_id, row["customer_id"], row["checkout_id"], _wanted(items))

    async def save_items(self, cart_id: str, wanted: Quantities) -> None:
        await self.connection.execute("-- save_items\nDELETE FROM cart_item WHERE cart_id = $1", cart_id)
        await self.connection.execute(
            """-- save_items
            INSERT INTO cart_item (cart_id, owner_id, product_id, quantity)
            SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[])
            """,
            cart_id,
            *_columns(wanted),
        )
        await self.connection.execute(
            "-- save_items\nUPDATE cart SET changed_at = $2 WHERE cart_id = $1", cart_id, self.now
        )

    async def close_cart(self, cart_id: str, checkout_id: str) -> None:
        await self.connection.execute(
            "-- close_cart\nUPDATE cart SET checkout_id = $2, changed_at = $3 WHERE cart_id = $1",
            cart_id,
            checkout_id,
            self.now,
        )

    async def delete_carts(self, before: datetime) -> None:
        await self.connection.execute("-- delete_carts\nDELETE FROM cart WHERE changed_at < $1", before)

    async def add_checkout(self, checkout: Checkout) -> None:
        await self.connection.execute(
            """-- add_checkout
            INSERT INTO checkout (checkout_id, customer_id, state, expires_at, created_at, changed_at)
            VALUES ($1, $2, $3, $4, $5, $5)
            """,
            *checkout[:4],
            self.now,
        )
        await self.connection.execute(
            """-- add_checkout
            INSERT INTO checkout_line (checkout_id, owner_id, product_id, quantity)
            SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[])
            """,
            checkout.checkout_id,
            *_columns(checkout.wanted),
        )

    async def lock_checkout(self, checkout_id: str) -> Checkout | None:
        row = await self.connection.fetchrow(
            """-- lock_checkout
            SELECT customer_id, state, expires_at FROM checkout WHERE checkout_id = $1 FOR UPDATE
            """,
            checkout_id,
        )
        return await self._read_checkout(checkout_id, row)

    async def find_checkout(self, checkout_id: str) -> Checkout | None:
        row = await self.connection.fetchrow(
            "-- find_checkout\nSELECT customer_id, state, expires_at FROM checkout WHERE checkout_id = $1", checkout_id
        )
        return await self._read_checkout(checkout_id, row)

    async def _read_checkout(self, checkout_id: str, row: Any) -> Checkout | None:
        if row is None:
            return None
        lines = await self.connection.fetch(
            """-- _read_checkout
            SELECT owner_id, product_id, quantity FROM checkout_line WHERE checkout_id = $1
            ORDER BY owner_id, product_id
            """,
            checkout_id,
        )
        return Checkout(checkout_id, row["customer_id"], State(row["state"]), row["expires_at"], _wanted(lines))

    async def save_checkout(self, checkout: Checkout) -> None:
        await self.connection.execute(
            """-- save_checkout
            UPDATE checkout SET state = $2, expires_at = $3, changed_at = $4 WHERE checkout_id = $1
            """,
            checkout.checkout_id,
            checkout.state,
            checkout.expires_at,
            self.now,
        )

    async def expire_checkouts(self, limit: int) -> list[str]:
        """Mark overdue checkouts as expired and return their ids; locked ones are skipped until the next run."""
        rows = await self.connection.fetch(
            """-- expire_checkouts
            UPDATE checkout SET state = 'expired', expires_at = NULL, changed_at = $1
            WHERE checkout_id IN (
                SELECT checkout_id FROM checkout WHERE expires_at <= $1
                ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            RETURNING checkout_id
            """,
            self.now,
            limit,
        )
        return [checkout_id for (checkout_id,) in rows]


def _wanted(rows: Sequence[Any]) -> dict[Goods, int]:
    return {Goods(row["owner_id"], row["product_id"]): row["quantity"] for row in rows}


def _columns(wanted: Quantities) -> tuple[list[str], list[str], list[int]]:
    return [goods.owner_id for goods in wanted], [goods.product_id for goods in wanted], list(wanted.values())
