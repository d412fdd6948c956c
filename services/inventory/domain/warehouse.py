"""Allocation of locked provider stock: decisions are made one by one and written together."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.inventory.domain import stock
from services.inventory.domain.goods import Goods, Movement


class AllocationState(StrEnum):
    """State of an allocation."""

    #: Allocated, and not all of it left.
    OPEN = "open"
    #: Some of it left, and nothing is allocated any more.
    SHIPPED = "shipped"
    RELEASED = "released"
    #: Shipped, and some of the goods were returned.
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Allocation:
    """Goods allocated to a line of an order, to a checkout, or by hand."""

    holder_id: str
    goods: Goods
    #: What was allocated; what left is not subtracted.
    quantity: int
    state: AllocationState = AllocationState.OPEN
    #: What left, from the allocation and beyond it.
    shipped: int = 0
    #: Number of this allocation for the same holder and goods; each round has its own bookings.
    round: int = 1
    #: The order's line; empty for a checkout and goods set aside by hand.
    line_id: str = ""

    @property
    def open_quantity(self) -> int:
        """What is still allocated."""
        return self.quantity - self.shipped if self.state is AllocationState.OPEN else 0


class LineQuantity(NamedTuple):
    """A quantity of the goods of one line."""

    line_id: str
    goods: Goods
    quantity: int


class Shortage(NamedTuple):
    """Goods of which fewer are available than requested."""

    goods: Goods
    requested: int
    available: int


class Source(NamedTuple):
    """Who booked a movement and when, and the id of the causing event."""

    booked_by: str
    occurred_at: datetime
    cause: str | None = None


class Booking(NamedTuple):
    """A movement with a unique name."""

    name: str
    goods: Goods
    movement: Movement
    source: Source
    holder_id: str | None = None
    line_id: str | None = None


Quantities = Mapping[Goods, int]
_Key = tuple[str, Goods]


class Warehouse:
    """Decides on locked stock step by step and collects the bookings and allocations to write.

    Each decision takes the earlier ones into account. `available` contains all locked goods; other goods are not
    in stock. Orders allocate, ship and release by line; checkouts, which have no lines, by product.
    """

    def __init__(self, available: Quantities, allocations: Iterable[Allocation] = ()) -> None:
        self._available = dict(available)
        self._holders: dict[str, dict[_Key, Allocation]] = {}
        for allocation in allocations:
            self._holders.setdefault(allocation.holder_id, {})[allocation.line_id, allocation.goods] = allocation
        self.bookings: list[Booking] = []
        self._changed: dict[tuple[str, _Key], Allocation] = {}

    @property
    def changed(self) -> list[Allocation]:
        return list(self._changed.values())

    def has_allocations(self, holder_id: str) -> bool:
        return holder_id in self._holders

    def allocations_of(self, holder_id: str) -> list[Allocation]:
        return list(self._holders.get(holder_id, {}).values())

    def allocated_for(self, holder_id: str) -> dict[Goods, int]:
        return sum_by_goods((one.goods, one.open_quantity) for one in self.allocations_of(holder_id))

    def shortages(self, wanted: Quantities) -> list[Shortage]:
        have = self._available
        return [Shortage(goods, n, have.get(goods, 0)) for goods, n in wanted.items() if n > have.get(goods, 0)]

    def allocate(self, holder_id: str, wanted: Quantities, source: Source) -> list[Shortage]:
        """Allocate everything to a holder without lines, or nothing if anything is short; return the shortages."""
        return self.allocate_lines(holder_id, [LineQuantity("", goods, n) for goods, n in wanted.items()], source)

    def allocate_lines(self, holder_id: str, lines: Iterable[LineQuantity], source: Source) -> list[Shortage]:
        """Allocate all lines, or nothing if anything is short; return the shortages.

        Lines of one product are summed before the check. Lines with an open allocation, or of quantity 0, are skipped.
        """
        before = self._holders.get(holder_id, {})
        wanted = [line for line in lines if line.quantity and not _is_open(before.get((line.line_id, line.goods)))]
        if short := self.shortages(sum_by_goods((line.goods, line.quantity) for line in wanted)):
            return short
        for line_id, goods, quantity in wanted:
            last = before.get((line_id, goods))
            again = last.round + 1 if last else 1
            allocation = Allocation(holder_id, goods, quantity, round=again, line_id=line_id)
            self._book("allocated", allocation, stock.allocate(quantity), source)
            self._available[goods] -= quantity
            self._set_allocation(allocation)
        return []

    def skip_lines(self, holder_id: str, lines: Iterable[LineQuantity]) -> None:
        """Record lines that get no allocation; what leaves of them is taken from available stock."""
        for line_id, goods, quantity in lines:
            if quantity and goods in self._available:
                released = AllocationState.RELEASED
                self._set_allocation(Allocation(holder_id, goods, quantity, released, line_id=line_id))

    def release(
        self, holder_id: str, source: Source, how: Callable[[int], Movement] = stock.release
    ) -> dict[Goods, int]:
        """Release and return the open allocations of this holder; `how` creates the movement to book."""
        return sum_by_goods((goods, n) for _, goods, n in self.release_lines(holder_id, source, how=how))

    def release_lines(
        self,
        holder_id: str,
        source: Source,
        line_ids: Collection[str] | None = None,
        how: Callable[[int], Movement] = stock.release,
    ) -> list[LineQuantity]:
        """Release what is still allocated to these lines, or to all of the holder's, and return it."""
        released = []
        for allocation in self.allocations_of(holder_id):
            if _is_open(allocation) and (line_ids is None or allocation.line_id in line_ids):
                open_quantity = allocation.open_quantity
                self._book("released", allocation, how(open_quantity), source)
                self._available[allocation.goods] += open_quantity
                ended = AllocationState.SHIPPED if allocation.shipped else AllocationState.RELEASED
                self._set_allocation(replace(allocation, state=ended))
                released.append(LineQuantity(allocation.line_id, allocation.goods, open_quantity))
        return released

    def ship(self, holder_id: str, left: Quantities, source: Source) -> dict[Goods, int]:
        """Book the only shipment of a holder without lines; release and return what was allocated and did not leave.

        Goods missing in `left` left completely. Goods whose allocation was released before are taken from
        available stock.
        """
        known = {one.goods: one for one in self.allocations_of(holder_id)}
        released = [goods for goods in left if goods in known and known[goods].state is AllocationState.RELEASED]
        lines = [LineQuantity("", goods, left[goods]) for goods in released]
        lines += [
            LineQuantity("", goods, left.get(goods, one.open_quantity)) for goods, one in known.items() if _is_open(one)
        ]
        self.ship_lines(holder_id, lines, source)
        return self.release(holder_id, source)

    def ship_lines(self, holder_id: str, left: Iterable[LineQuantity], source: Source) -> None:
        """Take what left from the allocation of its line, then from available stock; the rest is unexplained.

        What remains allocated stays so until it leaves or is released.
        """
        for line_id, goods, quantity in left:
            allocation = self._find(holder_id, line_id, goods)
            if allocation is None or not quantity:
                continue
            open_quantity, available = allocation.open_quantity, self._available[allocation.goods]
            shipped = replace(allocation, shipped=allocation.shipped + quantity)
            if quantity >= open_quantity and allocation.state is not AllocationState.RETURNED:
                shipped = replace(shipped, state=AllocationState.SHIPPED)
            self._book("sold", shipped, stock.sell(quantity, open_quantity, available), source)
            self._available[allocation.goods] -= min(max(quantity - open_quantity, 0), available)
            self._set_allocation(shipped)

    def take_back(self, holder_id: str, returned: Iterable[LineQuantity], source: Source) -> None:
        """Book goods that a holder returned, once per line; more than it received is unexplained."""
        for line_id, goods, quantity in returned:
            had = self._find(holder_id, line_id, goods)
            if had and had.state is AllocationState.SHIPPED:
                self._book("came back", had, stock.take_returned(quantity, had.shipped), source)
                self._set_allocation(replace(had, state=AllocationState.RETURNED))

    def _find(self, holder_id: str, line_id: str, goods: Goods) -> Allocation | None:
        """Return the allocation of a line; if the order was requested without line ids, its product identifies it."""
        lines = self._holders.get(holder_id, {})
        if found := lines.get((line_id, goods)):
            return found
        of_product = [one for one in lines.values() if one.goods == goods]
        return of_product[0] if len(of_product) == 1 else None

    def _book(self, verb: str, allocation: Allocation, movement: Movement, source: Source) -> None:
        if movement.entries:
            holder, goods, line_id = allocation.holder_id, allocation.goods, allocation.line_id
            name = "\0".join((verb, holder, *goods, str(allocation.round), line_id, str(allocation.shipped)))
            self.bookings.append(Booking(name, goods, movement, source, holder, line_id or None))

    def _set_allocation(self, allocation: Allocation) -> None:
        key = allocation.line_id, allocation.goods
        self._holders.setdefault(allocation.holder_id, {})[key] = allocation
        self._changed[allocation.holder_id, key] = allocation


def _is_open(allocation: Allocation | None) -> bool:
    return allocation is not None and allocation.state is AllocationState.OPEN


def sum_by_goods(lines: Iterable[tuple[Goods, int]]) -> dict[Goods, int]:
    """Sum the lines by product; lines of quantity 0 are dropped."""
    wanted: dict[Goods, int] = {}
    for goods, quantity in lines:
        if quantity:
            wanted[goods] = wanted.get(goods, 0) + quantity
    return wanted
