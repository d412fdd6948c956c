"""What several events do to a shelf, and what is said about it."""

from libs.contracts.catalogue import Event
from libs.contracts.events import CountCause, StockCounted
from services.inventory.domain import move_out
from services.inventory.store import Goods, Origin, Store


def event_name(store: Store) -> str:
    """Name a transaction after the event handled; without its id two loadings would look like one."""
    if store.cause is None:
        raise ValueError("a loading or correction is booked under the id of its event, and there is none")
    return f"event/{store.cause}"


async def empty(goods: Goods, shelf: int, origin: Origin, store: Store) -> list[Event]:
    """Book what is on the shelf out of it, because nobody is left to use it."""
    if not await store.book(goods, move_out(shelf), origin):
        return []
    return [counted(goods, 0, -shelf, CountCause.MOVED_OUT, origin)]


def counted(goods: Goods, shelf: int, difference: int, cause: CountCause, origin: Origin) -> StockCounted:
    return StockCounted(
        owner_id=goods.owner_id,
        product_id=goods.product_id,
        shelf=shelf,
        difference=difference,
        cause=cause,
        at=origin.at,
    )
