"""What happens to the goods when something happened to a device, an order or a slot."""

from datetime import timedelta

from libs.contracts.catalogue import Event
from libs.contracts.events import (
    CountCause,
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    FillCause,
    OrderCancelled,
    OrderDelivered,
    OrderFailed,
    OrderShipped,
    SlotCorrected,
    SlotFilled,
    StockArrived,
    StockCounted,
)
from libs.kit import NotYet
from services.inventory.domain import (
    Consignment,
    Journey,
    correct,
    deliver,
    load,
    move_out,
    send_back,
    settle,
    ship,
    taken_by,
)
from services.inventory.store import Goods, Origin, Store


async def on_device_registered(event: DeviceRegistered, store: Store) -> list[Event]:
    if await store.save_device(event.customer_id, event.device_id, event.registration, event.slots):
        store.appear(f"device:{event.device_id}")
    return []


async def on_device_replaced(event: DeviceReplaced, store: Store) -> list[Event]:
    if await store.save_device(event.customer_id, event.device_id, event.registration, event.slots):
        if event.replaces != event.device_id:
            await store.delete_slots(event.replaces)
        store.appear(f"device:{event.device_id}")
    return []


async def on_device_deregistered(event: DeviceDeregistered, store: Store) -> list[Event]:
    """Forget the slots; the shelf stays, it belongs to the customer and not to the device."""
    await store.end_device(event.device_id, event.registration)
    store.appear(f"device:{event.device_id}")
    return []


async def on_customer_erased(event: CustomerErased, store: Store) -> list[Event]:
    """Empty the shelves and forget the household; the entries stay, under an id nobody can resolve."""
    said: list[Event] = []
    for goods, shelf in await store.lock_shelves_of(event.customer_id):
        said += await _empty(
            goods, shelf, Origin(f"erased/{goods.product_id}/{_event_name(store)}", "CustomerErased", store.now), store
        )
    await store.erase_customer(event.customer_id)
    return said


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
    goods = Goods(event.customer_id, event.product_id)
    shelf = await store.lock_shelf(goods)
    consignment = await store.lock_consignment(event.order_id)
    if consignment.journey is Journey.DELIVERED:
        return []
    owed = await store.get_owed(goods, event.at - timedelta(days=store.settings.early_loading_days))
    movement = deliver(consignment, event.quantity)
    origin = Origin(f"delivered/{event.order_id}", "OrderDelivered", event.at, event.order_id)
    await store.book(goods, movement, origin)
    await store.save_consignment(goods, event.order_id, Consignment(Journey.DELIVERED, consignment.shipped))
    store.appear(f"arrived:{event.order_id}")
    shelf += movement.shelf_change
    arrived = StockArrived(
        owner_id=goods.owner_id,
        product_id=goods.product_id,
        order_id=event.order_id,
        quantity=event.quantity,
        shelf=shelf,
        at=event.at,
    )
    if await store.is_erased(event.customer_id):
        left = Origin(f"left/{event.order_id}", "OrderDelivered", event.at, event.order_id)
        return [arrived, *await _empty(goods, shelf, left, store)]
    return [arrived, *await _settle(goods, owed, arrived, store)]


async def on_slot_filled(event: SlotFilled, store: Store) -> list[Event]:
    """Move what a slot took from the shelf; an arrival's loading waits until the arrival is credited."""
    slot = await store.find_slot(event.device_id, event.slot)
    if slot is None and not await store.is_known_device(event.device_id):
        raise NotYet(f"device:{event.device_id}")
    if event.cause is FillCause.ARRIVAL and event.order_id and not await store.has_arrived(event.order_id):
        raise NotYet(f"arrived:{event.order_id}")
    if await store.is_erased(event.customer_id):
        return []
    goods = Goods(event.customer_id, event.product_id)
    shelf = await store.lock_shelf(goods)
    movement = load(taken_by(slot, event.quantity, event.level), shelf)
    origin = Origin(_event_name(store), "SlotFilled", event.at, event.order_id)
    if not await store.book(goods, movement, origin) or not movement.shelf_change:
        return []
    return [_counted(goods, shelf + movement.shelf_change, movement.shelf_change, CountCause.LOADED, origin)]


async def on_slot_corrected(event: SlotCorrected, store: Store) -> list[Event]:
    if await store.is_erased(event.customer_id):
        return []
    goods = Goods(event.customer_id, event.product_id)
    await store.lock_shelf(goods)
    await store.book(goods, correct(event.difference), Origin(_event_name(store), "SlotCorrected", event.at))
    return []


def _event_name(store: Store) -> str:
    """Name a transaction after the event handled; without its id two loadings would look like one."""
    if store.cause is None:
        raise ValueError("a loading or correction is booked under the id of its event, and there is none")
    return f"event/{store.cause}"


async def _settle(goods: Goods, owed: int, arrived: StockArrived, store: Store) -> list[Event]:
    movement = settle(owed, arrived.quantity)
    origin = Origin(f"settled/{arrived.order_id}", "OrderDelivered", arrived.at, arrived.order_id)
    if not await store.book(goods, movement, origin):
        return []
    shelf = arrived.shelf + movement.shelf_change
    return [_counted(goods, shelf, movement.shelf_change, CountCause.SETTLED, origin)]


async def _empty(goods: Goods, shelf: int, origin: Origin, store: Store) -> list[Event]:
    if not await store.book(goods, move_out(shelf), origin):
        return []
    return [_counted(goods, 0, -shelf, CountCause.MOVED_OUT, origin)]


def _counted(goods: Goods, shelf: int, difference: int, cause: CountCause, origin: Origin) -> StockCounted:
    return StockCounted(
        owner_id=goods.owner_id,
        product_id=goods.product_id,
        shelf=shelf,
        difference=difference,
        cause=cause,
        at=origin.at,
    )
