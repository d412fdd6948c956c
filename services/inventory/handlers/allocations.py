"""A provider's stock follows its orders: kept when they ask, let go when they end, gone when they ship."""

from dataclasses import dataclass, field
from datetime import datetime

from libs.contracts.catalogue import Event
from libs.contracts.events import AllocationLine, Shortage, StockAllocated, StockReleased, StockShort
from libs.kit import Record
from services.inventory.domain import Goods, Quantities, Source, Warehouse, summed
from services.inventory.domain import Shortage as Short
from services.inventory.store import Store


@dataclass
class Desk:
    """Where a batch of orders is decided on: the locked goods, and which orders are past asking."""

    warehouse: Warehouse
    #: Orders that ended before anything was kept for them.
    settled: set[str] = field(default_factory=set)
    #: Orders whose goods left before anybody asked, and how much.
    gone: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    #: When more is expected of goods that were short, once somebody looked.
    expected: dict[Goods, datetime | None] = field(default_factory=dict)

    def settle(self, order_id: str, outcome: str) -> None:
        self.settled.add(order_id)
        self.outcomes[order_id] = outcome


async def ask(record: Record, desk: Desk, store: Store) -> list[Event]:
    """Keep an order's goods, once; all of its lines, or none, and say which are short."""
    data, warehouse = record.data, desk.warehouse
    if warehouse.knows(data.order_id) or data.order_id in desk.settled:
        return []
    wanted = summed((Goods(data.provider_id, line.product_id), line.quantity) for line in data.lines)
    source = Source("AllocationAsked", data.at, record.id)
    if data.order_id in desk.gone:
        left = desk.gone[data.order_id]
        wanted |= {Goods(data.provider_id, data.product_id): left} if left else {}
        warehouse.ship_unkept(data.order_id, wanted, source)
        return []
    about = {"owner_id": data.provider_id, "order_id": data.order_id, "customer_id": data.customer_id, "at": store.now}
    short = warehouse.allocate(data.order_id, wanted, source)
    if short:
        desk.settle(data.order_id, "short")
        return [StockShort(shortages=await _shortages(short, desk, store), **about)]
    if not warehouse.knows(data.order_id):
        desk.settle(data.order_id, "asked for nothing")
    return [StockAllocated(lines=_lines(wanted), **about)]


def shipped(record: Record, desk: Desk) -> list[Event]:
    """Take what left out of the stock; what was kept for the order and did not leave is for sale again."""
    data, warehouse = record.data, desk.warehouse
    left = {Goods(data.provider_id, data.product_id): data.quantity}
    if not warehouse.knows(data.order_id):
        desk.gone.setdefault(data.order_id, data.quantity)
        return []
    released = warehouse.ship(data.order_id, left, _source(record))
    return _released(record, released, f"{record.type} with less than was kept")


def delivered(record: Record, desk: Desk) -> list[Event]:
    """Goods that arrived have left, though nobody said so."""
    return shipped(record, desk)


def ended(record: Record, desk: Desk) -> list[Event]:
    data, warehouse = record.data, desk.warehouse
    if not warehouse.knows(data.order_id):
        desk.settle(data.order_id, record.type)
        return []
    return _released(record, warehouse.release(data.order_id, _source(record)), data.reason)


def returned(record: Record, desk: Desk) -> list[Event]:
    """Put what comes back aside; only somebody's word makes it available again."""
    data = record.data
    desk.warehouse.take_back(data.order_id, {Goods(data.provider_id, data.product_id): data.quantity}, _source(record))
    return []


def _source(record: Record) -> Source:
    return Source(record.type, record.data.at, record.id)


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
            at=data.at,
        )
    ]


def _lines(quantities: Quantities) -> tuple[AllocationLine, ...]:
    return tuple(AllocationLine(product_id=goods.product_id, quantity=n) for goods, n in quantities.items())


async def _shortages(short: list[Short], desk: Desk, store: Store) -> tuple[Shortage, ...]:
    if unseen := [one.goods for one in short if one.goods not in desk.expected]:
        found = await store.list_restocks(unseen)
        desk.expected |= {goods: found.get(goods) for goods in unseen}
    return tuple(
        Shortage(
            product_id=one.goods.product_id,
            requested=one.requested,
            available=one.available,
            restock_at=desk.expected[one.goods],
        )
        for one in short
    )
