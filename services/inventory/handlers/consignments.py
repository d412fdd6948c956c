"""The customer's side of orders: goods in transit, delivered to the shelf, returned or missing."""

from datetime import timedelta

from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    ClaimRaised,
    CountCause,
    OrderCancelled,
    OrderDelivered,
    OrderFailed,
    OrderReturned,
    OrderShipped,
    StockArrived,
)
from services.inventory.domain import (
    Consignment,
    Journey,
    deliver,
    offset_early_load,
    send_back,
    ship,
    take_back,
    write_off_missing,
)
from services.inventory.handlers.shelf import empty_shelf, stock_counted
from services.inventory.store import Goods, Origin, Store


async def on_order_shipped(event: OrderShipped, store: Store) -> list[Event]:
    goods = Goods(event.customer_id, event.product_id)
    await store.lock_shelf(goods)
    if (await store.lock_consignment(event.order_id)).journey is not Journey.ORDERED:
        return []
    origin = Origin(f"shipped/{event.order_id}", "OrderShipped", event.occurred_at, event.order_id)
    await store.book(goods, ship(event.quantity), origin)
    await store.save_consignment(goods, event.order_id, Consignment(Journey.IN_TRANSIT, event.quantity))
    return []


async def on_order_ended(event: OrderCancelled | OrderFailed, store: Store) -> list[Event]:
    goods = Goods(event.customer_id, event.product_id)
    await store.lock_shelf(goods)
    consignment = await store.lock_consignment(event.order_id)
    if consignment.journey is not Journey.IN_TRANSIT:
        return []
    origin = Origin(f"returned/{event.order_id}", type(event).__name__, event.occurred_at, event.order_id)
    await store.book(goods, send_back(consignment), origin)
    await store.save_consignment(goods, event.order_id, Consignment(Journey.RETURNED))
    return []


async def on_order_delivered(event: OrderDelivered, store: Store) -> list[Event]:
    """Credit the goods once per order. A test order credits 0 and publishes StockArrived like any other."""
    quantity = 0 if event.test else event.quantity
    goods = Goods(event.customer_id, event.product_id)
    shelf = await store.lock_shelf(goods)
    consignment = await store.lock_consignment(event.order_id)
    if consignment.journey is Journey.DELIVERED:
        return []
    unexplained = await store.get_unexplained_loads(
        goods, event.occurred_at - timedelta(days=store.settings.early_loading_days)
    )
    movement = deliver(consignment, quantity)
    origin = Origin(f"delivered/{event.order_id}", "OrderDelivered", event.occurred_at, event.order_id)
    await store.book(goods, movement, origin)
    await store.save_consignment(goods, event.order_id, Consignment(Journey.DELIVERED, consignment.shipped))
    store.resolve_dependency(f"arrived:{event.order_id}")
    shelf += movement.shelf_change
    arrived = StockArrived(
        owner_id=goods.owner_id,
        product_id=goods.product_id,
        order_id=event.order_id,
        quantity=quantity,
        shelf=shelf,
        occurred_at=event.occurred_at,
    )
    if await store.is_erased(event.customer_id):
        moved_out = Origin(f"left/{event.order_id}", "OrderDelivered", event.occurred_at, event.order_id)
        return [arrived, *await empty_shelf(goods, shelf, moved_out, store)]
    movement = offset_early_load(unexplained, quantity)
    origin = Origin(f"settled/{event.order_id}", "OrderDelivered", event.occurred_at, event.order_id)
    if not await store.book(goods, movement, origin):
        return [arrived]
    change = movement.shelf_change
    return [arrived, stock_counted(goods, shelf + change, change, CountCause.SETTLED, origin)]


async def on_order_returned(event: OrderReturned, store: Store) -> list[Event]:
    """Take goods returned to the provider off the shelf, once per order."""
    goods = Goods(event.customer_id, event.product_id)
    shelf = await store.lock_shelf(goods)
    movement = take_back(event.quantity, shelf)
    origin = Origin(f"went back/{event.order_id}", "OrderReturned", event.occurred_at, event.order_id)
    if not await store.book(goods, movement, origin) or not movement.shelf_change:
        return []
    return [stock_counted(goods, shelf + movement.shelf_change, movement.shelf_change, CountCause.RETURNED, origin)]


async def on_claim_raised(event: ClaimRaised, store: Store) -> list[Event]:
    """Take credited goods that the customer reports as missing off the shelf, once per order."""
    goods = Goods(event.customer_id, event.product_id)
    shelf = await store.lock_shelf(goods)
    movement = write_off_missing(await store.get_credited(goods, event.order_id), event.received, shelf)
    origin = Origin(f"missing/{event.order_id}", "ClaimRaised", event.occurred_at, event.order_id)
    if not await store.book(goods, movement, origin):
        return []
    return [stock_counted(goods, shelf + movement.shelf_change, movement.shelf_change, CountCause.COUNTED, origin)]
