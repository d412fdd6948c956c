"""Periodic jobs: expire checkouts, take expired goods from sale, delete old rows."""

from datetime import timedelta
from uuid import uuid4

from replenish_contracts.catalogue import Event
from services.inventory.domain import Booking, Source, expire, lapse
from services.inventory.store import Store


async def expire_checkouts(store: Store) -> list[Event]:
    """Release the goods of checkouts that were not paid in time; allocations of orders never expire."""
    expired = await store.expire_checkouts(store.settings.rows_per_job_run)
    if expired:
        warehouse = await store.lock_warehouse(expired)
        for checkout_id in expired:
            warehouse.release(checkout_id, Source("expire_checkouts", store.now), lapse)
        await store.save_warehouse(warehouse)
    return []


async def remove_expired_goods(store: Store) -> list[Event]:
    """Take goods past their expiry date from sale; allocated goods follow when they are released."""
    today = store.now.date()
    overdue = await store.list_goods_with_expired_lots(today, store.settings.rows_per_job_run)
    await store.lock_warehouse([], overdue)
    source = Source("remove_expired_goods", store.now)
    await store.book_all(
        [
            Booking(f"spoiled/{uuid4()}", goods, expire(spoiled), source)
            for goods in overdue
            if (spoiled := await store.get_expired_quantity(goods, today))
        ]
    )
    return []


async def delete_old_rows(store: Store) -> list[Event]:
    await store.delete_carts(store.now - timedelta(days=store.settings.cart_days))
    await store.delete_empty_lots()
    await store.delete_settled_orders(store.now - timedelta(days=store.settings.settled_days))
    return []
