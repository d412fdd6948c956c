"""Shelf operations that several handlers share."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import CountCause, StockCounted
from services.inventory.domain import move_out
from services.inventory.store import Goods, Origin, Store


def event_name(store: Store) -> str:
    """Return a transaction name unique to the handled event, so that two loads are not taken for one.

    Raises ValueError outside of an event handler.
    """
    if store.cause is None:
        raise ValueError("no event is being handled; loads and corrections are booked under the id of their event")
    return f"event/{store.cause}"


async def empty_shelf(goods: Goods, shelf: int, origin: Origin, store: Store) -> list[Event]:
    """Book the whole shelf of an erased customer to `unexplained`."""
    if not await store.book(goods, move_out(shelf), origin):
        return []
    return [stock_counted(goods, 0, -shelf, CountCause.MOVED_OUT, origin)]


def stock_counted(goods: Goods, shelf: int, difference: int, cause: CountCause, origin: Origin) -> StockCounted:
    return StockCounted(
        owner_id=goods.owner_id,
        product_id=goods.product_id,
        shelf=shelf,
        difference=difference,
        cause=cause,
        occurred_at=origin.occurred_at,
    )
