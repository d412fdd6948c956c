"""Goods that move from a shelf into slots."""

from libs.kit import NotReadyError
from replenish_contracts.catalogue import Event
from replenish_contracts.events import CountCause, FillCause, SlotCorrected, SlotFilled
from services.inventory.domain import correct, load, loaded_quantity
from services.inventory.handlers.shelf import event_name, stock_counted
from services.inventory.store import Goods, Origin, Store


async def on_slot_filled(event: SlotFilled, store: Store) -> list[Event]:
    """Move loaded goods from the shelf to `loaded`.

    Raises NotReadyError until the device is known and, for a load by arrival, until the line's arrival is credited.
    """
    slot = await store.find_slot(event.device_id, event.slot)
    if slot is None and not await store.is_known_device(event.device_id):
        raise NotReadyError(f"device:{event.device_id}")
    if (
        event.cause is FillCause.ARRIVAL
        and event.order_id
        and not await store.is_delivered(event.order_id, event.product_id)
    ):
        raise NotReadyError(f"arrived:{event.order_id}")
    if await store.is_erased(event.customer_id):
        return []
    goods = Goods(event.customer_id, event.product_id)
    shelf = await store.lock_shelf(goods)
    movement = load(loaded_quantity(slot, event.quantity, event.level), shelf)
    origin = Origin(event_name(store), "SlotFilled", event.occurred_at, event.order_id)
    if not await store.book(goods, movement, origin) or not movement.shelf_change:
        return []
    return [stock_counted(goods, shelf + movement.shelf_change, movement.shelf_change, CountCause.LOADED, origin)]


async def on_slot_corrected(event: SlotCorrected, store: Store) -> list[Event]:
    if await store.is_erased(event.customer_id):
        return []
    goods = Goods(event.customer_id, event.product_id)
    await store.lock_shelf(goods)
    await store.book(goods, correct(event.difference), Origin(event_name(store), "SlotCorrected", event.occurred_at))
    return []
