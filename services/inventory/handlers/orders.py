"""What happened to orders, a batch at a time: their provider's stock first, locked once, then the customer's shelf."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from libs.contracts.catalogue import CATALOGUE, Event
from libs.contracts.events import (
    AllocationAsked,
    ClaimRaised,
    OrderCancelled,
    OrderDelivered,
    OrderFailed,
    OrderRefused,
    OrderReturned,
    OrderShipped,
)
from libs.kit import Record
from libs.kit.handling import working_on
from libs.kit.records import as_event
from services.inventory.domain import Goods
from services.inventory.handlers.allocations import Desk, ask, delivered, ended, returned, shipped
from services.inventory.handlers.consignments import (
    on_claim_raised,
    on_order_delivered,
    on_order_ended,
    on_order_returned,
    on_order_shipped,
)
from services.inventory.store import Store

PROVIDERS: Mapping[type[Event], Callable[[Record, Desk], list[Event]]] = {
    OrderShipped: shipped,
    OrderDelivered: delivered,
    OrderCancelled: ended,
    OrderRefused: ended,
    OrderFailed: ended,
    OrderReturned: returned,
}
CUSTOMERS: Mapping[type[Event], Callable[[Any, Store], Awaitable[list[Event]]]] = {
    OrderShipped: on_order_shipped,
    OrderDelivered: on_order_delivered,
    OrderCancelled: on_order_ended,
    OrderFailed: on_order_ended,
    OrderReturned: on_order_returned,
    ClaimRaised: on_claim_raised,
}
ABOUT_GOODS: frozenset[type[Event]] = frozenset({AllocationAsked, *PROVIDERS, *CUSTOMERS})
ASKED = AllocationAsked.__name__


async def on_orders(records: Sequence[Record], store: Store) -> list[Event]:
    """Decide on a batch in its order: many orders of one product cost its row one lock and one update."""
    heard = [record for record in records if _moves_goods(record)]
    if not heard:
        return []
    desk = await _open(heard, store)
    said: list[Event] = []
    for record in heard:
        if record.type == ASKED:
            said += store.came_of(await ask(record, desk, store), record)
        else:
            said += await _hear(record, desk, store)
    await store.close_warehouse(desk.warehouse)
    await store.settle_orders(desk.outcomes)
    return said


def _moves_goods(record: Record) -> bool:
    """Tell whether goods move; a rehearsal has none, but its arrival is told, of nothing."""
    return not record.data.test or record.type == "OrderDelivered"


async def _open(heard: Sequence[Record], store: Store) -> Desk:
    """Lock the goods that these orders want or have; providers' before customers', in all replicas."""
    asked = [record.data for record in heard if record.type == ASKED]
    wanted = {Goods(data.provider_id, line.product_id) for data in asked for line in data.lines}
    warehouse = await store.open_warehouse({record.data.order_id for record in heard}, wanted)
    if not asked:
        return Desk(warehouse)
    orders = {data.order_id for data in asked}
    return Desk(warehouse, await store.list_settled(orders), await store.list_gone(orders))


async def _hear(record: Record, desk: Desk, store: Store) -> Sequence[Event]:
    event = CATALOGUE[record.type]
    with working_on(record, store):
        providers = PROVIDERS.get(event)
        said = providers(record, desk) if providers else []
        customers = CUSTOMERS.get(event)
        if customers:
            said += await customers(as_event(record), store)
        return store.came_of(said, record)
