"""Provider stock: allocated when an order requests it, removed as it ships, released when the order ends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from libs.kit import Record
from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    AllocationLine,
    AllocationRequested,
    OrderDelivered,
    Shortage,
    StockAllocated,
    StockReleased,
    StockShort,
)
from replenish_contracts.events.lines import FIRST_LINE
from replenish_contracts.events.orders import OrderFact
from services.inventory.domain import Goods, Journey, LineChange, LineQuantity, Source, Transit, Warehouse, sum_by_goods
from services.inventory.domain import Shortage as StockShortage
from services.inventory.store import Store


@dataclass
class OrderBatch:
    """State of a batch of order events: locked goods, consignments, and orders that get no allocation any more."""

    warehouse: Warehouse
    transit: Transit
    #: Orders that ended before anything was allocated to them.
    closed: set[str] = field(default_factory=set)
    outcomes: dict[str, str] = field(default_factory=dict)
    #: Announced restock of goods that were short, read once per batch.
    expected: dict[Goods, datetime | None] = field(default_factory=dict)

    def close_order(self, order_id: str, outcome: str) -> None:
        self.closed.add(order_id)
        self.outcomes[order_id] = outcome


async def allocate_stock(record: Record, batch: OrderBatch, store: Store) -> list[Event]:
    """Allocate all lines of an order once, or none of them if any is short."""
    data, warehouse = record.data, batch.warehouse
    if warehouse.has_allocations(data.order_id) or data.order_id in batch.closed:
        return []
    has_ids = all(line.line_id for line in data.lines)
    lines = _requested_lines(data, has_ids=has_ids)
    known = batch.transit.of_order(data.order_id)
    source = Source("AllocationRequested", data.occurred_at, record.id)
    if any(consignment.journey is not Journey.CANCELLED for _, consignment in known.values()):
        # The order shipped before its request: what left is booked, and nothing is allocated any more.
        warehouse.skip_lines(data.order_id, lines)
        warehouse.ship_lines(data.order_id, _left_before(data, batch.transit), source)
        return []
    wanted = [line for line in lines if line.line_id not in known] if known else lines
    fields = {
        "owner_id": data.provider_id,
        "order_id": data.order_id,
        "customer_id": data.customer_id,
        "occurred_at": store.now,
    }
    short = warehouse.allocate_lines(data.order_id, wanted, source)
    if short:
        batch.close_order(data.order_id, "short")
        return [StockShort(shortages=await _shortages(short, data, batch, store), **fields)]
    if known:
        warehouse.skip_lines(data.order_id, [line for line in lines if line.line_id in known])
    if not warehouse.has_allocations(data.order_id):
        batch.close_order(data.order_id, "nothing requested")
    return [StockAllocated(lines=_allocation_lines(wanted, has_ids=has_ids), **fields)]


def ship_stock(record: Record, changes: Sequence[LineChange], batch: OrderBatch) -> list[Event]:
    """Book what left; the rest of a line stays allocated until nothing of the order is to leave any more.

    A delivery is booked the same way, in case no OrderShipped was published, and ends the delivered lines.
    """
    data, warehouse = record.data, batch.warehouse
    if not warehouse.has_allocations(data.order_id):
        return []
    warehouse.ship_lines(data.order_id, _left(data, changes), _source(record))
    if not data.lines:
        # Events without lines are about orders of one product, or of several that ship together.
        others = [one for one in warehouse.allocations_of(data.order_id) if one.goods.product_id != data.product_id]
        unreported = [LineQuantity(one.line_id, one.goods, one.open_quantity) for one in others]
        warehouse.ship_lines(data.order_id, unreported, _source(record))
    ended = None if data.complete else _delivered_lines(record, changes)
    released = warehouse.release_lines(data.order_id, _source(record), ended)
    return _released(record, released, f"{record.type}: less than the allocated quantity")


def release_stock(record: Record, _changes: Sequence[LineChange], batch: OrderBatch) -> list[Event]:
    """Release what the order still has allocated."""
    data, warehouse = record.data, batch.warehouse
    if not warehouse.has_allocations(data.order_id):
        batch.close_order(data.order_id, record.type)
        return []
    return _released(record, warehouse.release_lines(data.order_id, _source(record)), data.reason)


def release_lines(record: Record, changes: Sequence[LineChange], batch: OrderBatch) -> list[Event]:
    """Release these lines; the other lines stay allocated unless no line of the order is open any more."""
    data = record.data
    if data.complete:
        return release_stock(record, changes, batch)
    ended = [change.line.line_id for change in changes]
    return _released(record, batch.warehouse.release_lines(data.order_id, _source(record), ended), data.reason)


def return_stock(record: Record, changes: Sequence[LineChange], batch: OrderBatch) -> list[Event]:
    """Book returned goods to `returned`; a person decides whether they are sold again."""
    data = record.data
    returned = [
        LineQuantity(one.line.line_id, Goods(data.provider_id, one.product_id), one.quantity) for one in changes
    ]
    batch.warehouse.take_back(data.order_id, returned, _source(record))
    return []


def _requested_lines(data: AllocationRequested, *, has_ids: bool) -> list[LineQuantity]:
    """Return the lines by id. Lines without ids are summed by product and numbered, from FIRST_LINE."""
    owner = data.provider_id
    lines = [LineQuantity(line.line_id or "", Goods(owner, line.product_id), line.quantity) for line in data.lines]
    if has_ids:
        return lines
    sums = sum_by_goods((goods, quantity) for _, goods, quantity in lines)
    return [LineQuantity(str(number), goods, n) for number, (goods, n) in enumerate(sums.items(), int(FIRST_LINE))]


def _left(data: OrderFact, changes: Iterable[LineChange]) -> list[LineQuantity]:
    return [LineQuantity(one.line.line_id, Goods(data.provider_id, one.product_id), one.left) for one in changes]


def _left_before(data: AllocationRequested, transit: Transit) -> list[LineQuantity]:
    """Return what left of the order's lines before the request."""
    return [
        LineQuantity(line_id, Goods(data.provider_id, goods.product_id), consignment.shipped)
        for line_id, (goods, consignment) in transit.of_order(data.order_id).items()
    ]


def _delivered_lines(record: Record, changes: Iterable[LineChange]) -> list[str]:
    return [change.line.line_id for change in changes] if record.type == OrderDelivered.__name__ else []


def _source(record: Record) -> Source:
    return Source(record.type, record.data.occurred_at, record.id)


def _released(record: Record, released: Sequence[LineQuantity], reason: str) -> list[Event]:
    if not released:
        return []
    data = record.data
    return [
        StockReleased(
            owner_id=data.provider_id,
            order_id=data.order_id,
            customer_id=data.customer_id,
            lines=_allocation_lines(released, has_ids=True),
            reason=reason,
            occurred_at=data.occurred_at,
        )
    ]


def _allocation_lines(lines: Iterable[LineQuantity], *, has_ids: bool) -> tuple[AllocationLine, ...]:
    return tuple(
        AllocationLine(product_id=goods.product_id, quantity=quantity, line_id=line_id if has_ids else None)
        for line_id, goods, quantity in lines
        if quantity
    )


async def _shortages(
    short: list[StockShortage], data: AllocationRequested, batch: OrderBatch, store: Store
) -> tuple[Shortage, ...]:
    if unread := [one.goods for one in short if one.goods not in batch.expected]:
        restocks = await store.list_restocks(unread)
        batch.expected |= {goods: restocks.get(goods) for goods in unread}
    lines_of_product: dict[str, list[str]] = {}
    for line in data.lines:
        if line.line_id and line.quantity:
            lines_of_product.setdefault(line.product_id, []).append(line.line_id)
    return tuple(
        Shortage(
            product_id=one.goods.product_id,
            requested=one.requested,
            available=one.available,
            restock_at=batch.expected[one.goods],
            line_ids=tuple(lines_of_product.get(one.goods.product_id, ())),
        )
        for one in short
    )
