"""Provider stock: allocated when an order requests it, released when the order ends, removed when it ships."""

from dataclasses import dataclass, field
from datetime import datetime

from libs.kit import Record
from replenish_contracts.catalogue import Event
from replenish_contracts.events import AllocationLine, Shortage, StockAllocated, StockReleased, StockShort
from services.inventory.domain import Goods, Quantities, Source, Warehouse, sum_by_goods
from services.inventory.domain import Shortage as StockShortage
from services.inventory.store import Store


@dataclass
class OrderBatch:
    """State of a batch of order events: locked goods, and orders that get no allocation any more."""

    warehouse: Warehouse
    #: Orders that ended before anything was allocated to them.
    closed: set[str] = field(default_factory=set)
    #: Shipped quantity of orders that shipped before their allocation was requested.
    shipped_early: dict[str, int] = field(default_factory=dict)
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
    wanted = sum_by_goods((Goods(data.provider_id, line.product_id), line.quantity) for line in data.lines)
    source = Source("AllocationRequested", data.occurred_at, record.id)
    if data.order_id in batch.shipped_early:
        quantity = batch.shipped_early[data.order_id]
        wanted |= {Goods(data.provider_id, data.product_id): quantity} if quantity else {}
        warehouse.ship_unallocated(data.order_id, wanted, source)
        return []
    fields = {
        "owner_id": data.provider_id,
        "order_id": data.order_id,
        "customer_id": data.customer_id,
        "occurred_at": store.now,
    }
    short = warehouse.allocate(data.order_id, wanted, source)
    if short:
        batch.close_order(data.order_id, "short")
        return [StockShort(shortages=await _shortages(short, batch, store), **fields)]
    if not warehouse.has_allocations(data.order_id):
        batch.close_order(data.order_id, "nothing requested")
    return [StockAllocated(lines=_lines(wanted), **fields)]


def ship_stock(record: Record, batch: OrderBatch) -> list[Event]:
    """Book the shipped quantity; allocated goods that did not ship are available again.

    A delivery is booked the same way, in case no OrderShipped was published.
    """
    data, warehouse = record.data, batch.warehouse
    shipped = {Goods(data.provider_id, data.product_id): data.quantity}
    if not warehouse.has_allocations(data.order_id):
        batch.shipped_early.setdefault(data.order_id, data.quantity)
        return []
    released = warehouse.ship(data.order_id, shipped, _source(record))
    return _released(record, released, f"{record.type}: less than the allocated quantity")


def release_stock(record: Record, batch: OrderBatch) -> list[Event]:
    data, warehouse = record.data, batch.warehouse
    if not warehouse.has_allocations(data.order_id):
        batch.close_order(data.order_id, record.type)
        return []
    return _released(record, warehouse.release(data.order_id, _source(record)), data.reason)


def return_stock(record: Record, batch: OrderBatch) -> list[Event]:
    """Book returned goods to `returned`; a person decides whether they are sold again."""
    data = record.data
    batch.warehouse.take_back(data.order_id, {Goods(data.provider_id, data.product_id): data.quantity}, _source(record))
    return []


def _source(record: Record) -> Source:
    return Source(record.type, record.data.occurred_at, record.id)


def _released(record: Record, released: Quantities, reason: str) -> list[Event]:
    if not released:
        return []
    data = record.data
    return [
        StockReleased(
            owner_id=data.provider_id,
            order_id=data.order_id,
            customer_id=data.customer_id,
            lines=_lines(released),
            reason=reason,
            occurred_at=data.occurred_at,
        )
    ]


def _lines(quantities: Quantities) -> tuple[AllocationLine, ...]:
    return tuple(AllocationLine(product_id=goods.product_id, quantity=n) for goods, n in quantities.items())


async def _shortages(short: list[StockShortage], batch: OrderBatch, store: Store) -> tuple[Shortage, ...]:
    if unread := [one.goods for one in short if one.goods not in batch.expected]:
        restocks = await store.list_restocks(unread)
        batch.expected |= {goods: restocks.get(goods) for goods in unread}
    return tuple(
        Shortage(
            product_id=one.goods.product_id,
            requested=one.requested,
            available=one.available,
            restock_at=batch.expected[one.goods],
        )
        for one in short
    )
