"""Stock events of inventory."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import StockArrived, StockCounted
from services.reorder_decision.domain import stock_arrived, stock_counted
from services.reorder_decision.store import Store


async def on_stock_arrived(event: StockArrived, store: Store) -> list[Event]:
    pool = await store.lock_or_create_pool(event.owner_id, event.product_id)
    if pool is None:
        return []
    return await store.save_decision(
        pool,
        stock_arrived(
            pool,
            event.order_id,
            event.quantity,
            event.shelf,
            store.context,
            event.line_id,
            is_unclear=event.is_unclear is True,
        ),
    )


async def on_stock_counted(event: StockCounted, store: Store) -> list[Event]:
    pool = await store.lock_or_create_pool(event.owner_id, event.product_id)
    if pool is None:
        return []
    return await store.save_decision(pool, stock_counted(pool, event.shelf, store.context))
