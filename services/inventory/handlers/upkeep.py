"""What time does to stock: reservations lapse, goods go off, and what nobody can ask about is forgotten."""

from datetime import timedelta
from uuid import uuid4

from libs.contracts.catalogue import Event
from services.inventory.domain import Booking, Source, lapse, spoil
from services.inventory.store import Store


async def expire_checkouts(store: Store) -> list[Event]:
    """Let the goods of checkouts go that nobody paid in time; what an order keeps never expires."""
    expired = await store.expire_checkouts(store.settings.tick_rows)
    if expired:
        warehouse = await store.open_warehouse(expired)
        for checkout_id in expired:
            warehouse.release(checkout_id, Source("expire_checkouts", store.now), lapse)
        await store.close_warehouse(warehouse)
    return []


async def take_spoiled(store: Store) -> list[Event]:
    """Take goods from sale whose last day is over; those kept for orders follow when they are let go."""
    today = store.now.date()
    overdue = await store.list_overdue(today, store.settings.tick_rows)
    await store.open_warehouse([], overdue)
    source = Source("take_spoiled", store.now)
    await store.book_all(
        [
            Booking(f"spoiled/{uuid4()}", goods, spoil(spoiled), source)
            for goods in overdue
            if (spoiled := await store.get_spoiled(goods, today))
        ]
    )
    return []


async def forget_old(store: Store) -> list[Event]:
    await store.forget_carts(store.now - timedelta(days=store.settings.cart_days))
    await store.forget_lots()
    await store.forget_settled(store.now - timedelta(days=store.settings.settled_days))
    return []
