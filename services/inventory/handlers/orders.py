"""Handler of the topic `orders`: provider stock, locked once per batch, then the customer's shelf."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from libs.kit import Record
from libs.kit.batch import record_context
from libs.kit.records import as_event
from replenish_contracts.catalogue import CATALOGUE, Event
from replenish_contracts.events import (
    AllocationRequested,
    ClaimRaised,
    OrderCancelled,
    OrderDelivered,
    OrderFailed,
    OrderLinesCancelled,
    OrderLinesRefused,
    OrderRefused,
    OrderReturned,
    OrderShipped,
    lines_of,
)
from services.inventory.domain import Goods, LineChange, LineKey, Transit
from services.inventory.handlers.allocations import (
    OrderBatch,
    allocate_stock,
    release_lines,
    release_stock,
    return_stock,
    ship_stock,
)
from services.inventory.handlers.consignments import (
    on_claim_raised,
    on_lines_ended,
    on_order_delivered,
    on_order_ended,
    on_order_returned,
    on_order_shipped,
)
from services.inventory.store import Store

PROVIDER_HANDLERS: Mapping[type[Event], Callable[[Record, Sequence[LineChange], OrderBatch], list[Event]]] = {
    OrderShipped: ship_stock,
    OrderDelivered: ship_stock,
    OrderLinesCancelled: release_lines,
    OrderLinesRefused: release_lines,
    OrderCancelled: release_stock,
    OrderRefused: release_stock,
    OrderFailed: release_stock,
    OrderReturned: return_stock,
}
CUSTOMER_HANDLERS: Mapping[
    type[Event], Callable[[Any, Sequence[LineChange], Transit, Store], Awaitable[list[Event]]]
] = {
    OrderShipped: on_order_shipped,
    OrderDelivered: on_order_delivered,
    OrderLinesCancelled: on_lines_ended,
    OrderLinesRefused: on_lines_ended,
    OrderCancelled: on_order_ended,
    OrderRefused: on_order_ended,
    OrderFailed: on_order_ended,
    OrderReturned: on_order_returned,
    ClaimRaised: on_claim_raised,
}
HANDLED_EVENTS: frozenset[type[Event]] = frozenset({AllocationRequested, *PROVIDER_HANDLERS, *CUSTOMER_HANDLERS})
ALLOCATION_REQUESTED = AllocationRequested.__name__
#: Events whose handlers read no consignment.
WITHOUT_CONSIGNMENT = {ClaimRaised.__name__, OrderReturned.__name__}


async def on_orders(records: Sequence[Record], store: Store) -> list[Event]:
    """Apply a batch in order; many orders of one product cost its row one lock and one update.

    Test orders move no goods. Only their delivery is handled, because it publishes StockArrived.
    """
    relevant = [record for record in records if not record.data.test or record.type == "OrderDelivered"]
    if not relevant:
        return []
    batch = await _lock_batch(relevant, store)
    events: list[Event] = []
    for record in relevant:
        if record.type == ALLOCATION_REQUESTED:
            events += store.all_caused_by(await allocate_stock(record, batch, store), record)
        else:
            events += await _apply(record, batch, store)
    await store.save_warehouse(batch.warehouse)
    await store.save_settled_orders(batch.outcomes)
    await store.save_consignments(batch.transit)
    return events


async def _lock_batch(records: Sequence[Record], store: Store) -> OrderBatch:
    """Lock the goods these orders request or hold; all replicas lock providers' goods before customers' goods."""
    requests = [record.data for record in records if record.type == ALLOCATION_REQUESTED]
    wanted = {Goods(data.provider_id, line.product_id) for data in requests for line in data.lines}
    orders = {record.data.order_id for record in records}
    warehouse = await store.lock_warehouse(orders, wanted)
    moving = {record.data.order_id for record in records if record.type not in WITHOUT_CONSIGNMENT}
    transit = await store.lock_consignments(moving) if moving else Transit({})
    if not requests:
        return OrderBatch(warehouse, transit)
    return OrderBatch(warehouse, transit, await store.list_settled_orders({data.order_id for data in requests}))


async def _apply(record: Record, batch: OrderBatch, store: Store) -> Sequence[Event]:
    event_type = CATALOGUE[record.type]
    with record_context(record, store):
        changes = _changes(record, batch.transit)
        on_provider = PROVIDER_HANDLERS.get(event_type)
        events = on_provider(record, changes, batch) if on_provider else []
        on_customer = CUSTOMER_HANDLERS.get(event_type)
        if on_customer:
            events += await on_customer(as_event(record), changes, batch.transit, store)
        return store.all_caused_by(events, record)


def _changes(record: Record, transit: Transit) -> list[LineChange]:
    """Return what the event does to each of its lines, and record what left; a delivery implies that its lines left."""
    data = record.data
    shipped = record.type == OrderShipped.__name__
    changes = []
    for line_id, line in {line.line_id: line for line in lines_of(data)}.items():
        key = LineKey(data.order_id, line_id)
        quantity = 0 if data.test else line.quantity
        before = after = transit.get(key)
        if shipped or record.type == OrderDelivered.__name__:
            goods = Goods(data.customer_id, line.product_id)
            after = transit.leave(key, goods, quantity, data.shipment_id if shipped else None)
        changes.append(LineChange(key, line.product_id, quantity, before, after))
    return changes
