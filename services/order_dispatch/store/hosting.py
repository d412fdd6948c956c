"""Orders as the shops that are asked about them see them."""

from collections.abc import Sequence
from datetime import datetime

from libs.kit import Store as KitStore
from services.order_dispatch.domain import Order
from services.order_dispatch.store.orders import as_order


class Hosting(KitStore):
    """SQL about orders of shops that are kept here."""

    async def list_shop_orders(
        self, provider_id: str, before: tuple[datetime, str] | None, limit: int, *, is_open: bool
    ) -> Sequence[Order]:
        """Return a shop's orders that it was asked about, the newest first; open ones await an answer or goods."""
        drafted_at, order_id = before or (None, None)
        rows = await self.connection.fetch(
            """-- list_shop_orders
            SELECT order_id, customer_id, product_id, pool_id, provider_id, device_id, slot, packs, pack_size, quantity,
                unit, scale, receipt_id, drafted_at, price, currency, needed_by, state, step, look_at, asks,
                promised_at, expected_at, shipped_quantity, tracking, delivered_at, evidence,
                cancel_by, cancel_reason, cancel_at, test, reserved_at, authorized_at, sent_at, doubtful_until,
                resolve_by, reference, billed, billed_currency, substitute, returned_quantity, given_back,
                payment_trouble, fraud_at, fraud_cleared_at, keeper, answer_by, taken, taken_for, counted_quantity
            FROM orders
            WHERE provider_id = $1 AND keeper = 'shop' AND (NOT $2 OR state IN ('placing', 'placed', 'shipped'))
                AND ($3::timestamptz IS NULL OR (drafted_at, order_id) < ($3, $4))
            ORDER BY drafted_at DESC, order_id DESC LIMIT $5
            """,
            provider_id,
            is_open,
            drafted_at,
            order_id,
            limit,
        )
        return [as_order(row) for row in rows]
