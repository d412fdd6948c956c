"""How far an order's goods are on their way to the customer's shelf, and back."""

from datetime import timedelta

from libs.contracts.catalogue import Event
from libs.contracts.events import (
    ClaimRaised,
    CountCause,
    OrderCancelled,
    OrderDelivered,
    OrderFailed,
    OrderReturned,
    OrderShipped,
    StockArrived,
)
from services.inventory.domain import Consignment, Journey, deliver, miss, send_back, settle, ship, take_back
from services.inventory.handlers.shelf import counted, empty
from services.inventory.store import Goods, Origin, Store


async def on_order_shipped(event: OrderShipped, store: Store) -> list[Event]:
    goods = Goods(event.customer_id, event.product_id)
    await store.lock_shelf(goods)
    if (await store.lock_consignment(event.order_id)).journey is not Journey.ORDERED:
        return []
    origin = Origin(f"shipped/{event.order_id}", "OrderShipped", event.at, event.order_id)
    await store.book(goods, ship(event.quantity), origin)
    await store.save_consignment(goods, event.order_id, Consignment(Journey.IN_TRANSIT, event.quantity))
    return []


async def on_order_ended(event: OrderCancelled | OrderFailed, store: Store) -> list[Event]:
    """Take the goods of an order that ended on its way out of transit."""
    goods = Goods(event.customer_id, event.product_id)
    await store.lock_shelf(goods)
    consignment = await store.lock_consignment(event.order_id)
    if consignment.journey is not Journey.IN_TRANSIT:
        return []
    origin = Origin(f"returned/{event.order_id}", type(event).__name__, event.at, event.order_id)
    await store.book(goods, send_back(consignment), origin)
    await store.save_consignment(goods, event.order_id, Consignment(Journey.RETURNED))
    return []


async def on_order_delivered(event: OrderDelivered, store: Store) -> list[Event]:
    """Credit an order's goods, once; what a rehearsal delivers is nothing, and that is told like any arrival."""
    quantity = 0 if event.test else event.quantity
    goods = Goods(event.customer_id, event.product_id)
    shelf = await store.lock_shelf(goods)
    consignment = await store.lock_consignment(event.order_id)
    if consignment.journey is Journey.DELIVERED:
        return []
    owed = await store.get_owed(goods, event.at - timedelta(days=store.settings.early_loading_days))
    movement = deliver(consignment, quantity)
    origin = Origin(f"delivered/{event.order_id}", "OrderDelivered", event.at, event.order_id)
    await store.book(goods, movement, origin)
    await store.save_consignment(goods, event.order_id, Consignment(Journey.DELIVERED, consignment.shipped))
    store.appear(f"arrived:{event.order_id}")
    shelf += movement.shelf_change
    arrived = StockArrived(
        owner_id=goods.owner_id,
        product_id=goods.product_id,
        order_id=event.order_id,
        quantity=quantity,
        shelf=shelf,
        at=event.at,
    )
    if await store.is_erased(event.customer_id):
        left = Origin(f"left/{event.order_id}", "OrderDelivered", event.at, event.order_id)
        return [arrived, *await empty(goods, shelf, left, store)]
    return [arrived, *await _settle(goods, owed, arrived, store)]


async def on_order_returned(event: OrderReturned, store: Store) -> list[Event]:
    """Take goods that go back to the provider off the shelf, once per order."""
    goods = Goods(event.customer_id, event.product_id)
    shelf = await store.lock_shelf(goods)
    movement = take_back(event.quantity, shelf)
    origin = Origin(f"went back/{event.order_id}", "OrderReturned", event.at, event.order_id)
    if not await store.book(goods, movement, origin) or not movement.shelf_change:
        return []
    return [counted(goods, shelf + movement.shelf_change, movement.shelf_change, CountCause.RETURNED, origin)]


async def on_claim_raised(event: ClaimRaised, store: Store) -> list[Event]:
    """Take off the shelf what was credited for an order and the customer says never came, once per order."""
    goods = Goods(event.customer_id, event.product_id)
    shelf = await store.lock_shelf(goods)
    movement = miss(await store.get_credited(goods, event.order_id), event.received, shelf)
    origin = Origin(f"missing/{event.order_id}", "ClaimRaised", event.at, event.order_id)
    if not await store.book(goods, movement, origin):
        return []
    return [counted(goods, shelf + movement.shelf_change, movement.shelf_change, CountCause.COUNTED, origin)]


async def _settle(goods: Goods, owed: int, arrived: StockArrived, store: Store) -> list[Event]:
    movement = settle(owed, arrived.quantity)
    origin = Origin(f"settled/{arrived.order_id}", "OrderDelivered", arrived.at, arrived.order_id)
    if not await store.book(goods, movement, origin):
        return []
    shelf = arrived.shelf + movement.shelf_change
    return [counted(goods, shelf, movement.shelf_change, CountCause.SETTLED, origin)]
