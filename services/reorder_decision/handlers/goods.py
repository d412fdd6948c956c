"""What inventory says about shelves, and how orders end."""

from libs.contracts.catalogue import Event
from libs.contracts.events import OrderCancelled, OrderFailed, OrderRefused, StockArrived, StockCounted
from services.reorder_decision.domain import arrived, counted, ended, gone_silent
from services.reorder_decision.store import Store

#: Who cancels in the customer's name; anybody else's cancel is a failure to deliver.
CUSTOMER = "customer"
#: A provider's deadline, after which the order was taken back: another one may be asked without ordering twice.
SILENCE = "deadline"


async def on_stock_arrived(event: StockArrived, store: Store) -> list[Event]:
    pool = await store.lock_pool(event.owner_id, event.product_id)
    if pool is None:
        return []
    return await store.save(pool, arrived(pool, event.order_id, event.shelf, store.when))


async def on_stock_counted(event: StockCounted, store: Store) -> list[Event]:
    pool = await store.lock_pool(event.owner_id, event.product_id)
    if pool is None:
        return []
    return await store.save(pool, counted(pool, event.shelf, store.when))


async def on_order_ended(event: OrderCancelled | OrderRefused | OrderFailed, store: Store) -> list[Event]:
    pool = await store.find_pool(event.pool_id)
    if pool is None:
        return []
    if isinstance(event, OrderCancelled) and event.by == SILENCE:
        return await store.save(pool, gone_silent(pool, event.order_id, await store.list_offers_of(pool), store.when))
    by_customer = isinstance(event, OrderCancelled) and event.by == CUSTOMER
    return await store.save(pool, ended(pool, event.order_id, store.when, by_customer=by_customer))
