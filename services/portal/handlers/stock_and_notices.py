"""Handlers for shelf stock and sent messages, and the clean-up job."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import CustomerNotified, StockArrived, StockCounted
from services.portal.domain.board import Notice
from services.portal.store import Store

TOUCHES_KEPT_MINUTES = 60  # far longer than the polling interval of open pages (`live_poll_ms`)


async def on_stock_arrived(event: StockArrived, store: Store) -> list[Event]:
    await store.save_shelf_view(event.owner_id, event.product_id, event.shelf, event.occurred_at)
    return []


async def on_stock_counted(event: StockCounted, store: Store) -> list[Event]:
    await store.save_shelf_view(event.owner_id, event.product_id, event.shelf, event.occurred_at)
    return []


async def on_customer_notified(event: CustomerNotified, store: Store) -> list[Event]:
    notice = Notice(event.kind, event.channel, event.product_id, event.occurred_at, event.order_id)
    await store.add_notice_view(event.notice_id, event.customer_id, notice)
    return []


async def delete_expired(store: Store) -> list[Event]:
    await store.delete_expired_sessions()
    await store.delete_expired_shop_sessions()
    await store.delete_touches(TOUCHES_KEPT_MINUTES)
    return []
