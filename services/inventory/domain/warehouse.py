"""Allocation of locked provider stock: decisions are made one by one and written together."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.inventory.domain import stock
from services.inventory.domain.goods import Goods, Movement


class AllocationState(StrEnum):
    """State of an allocation."""

    OPEN = "open"
    SHIPPED = "shipped"
    RELEASED = "released"
    #: Shipped, and some of the goods were returned.
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Allocation:
    """Goods allocated to one holder: an order, a checkout, or a person's manual allocation."""

    holder_id: str
    goods: Goods
    quantity: int
    state: AllocationState = AllocationState.OPEN
    shipped: int = 0
    #: Number of this allocation for the same holder and goods; each round has its own bookings.
    round: int = 1


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


Quantities = Mapping[Goods, int]


class Warehouse:
    """Decides on locked stock step by step and collects the bookings and allocations to write.

    Each decision takes the earlier ones into account. `available` contains all locked goods; other goods are not
    in stock.
    """

    def __init__(self, available: Quantities, allocations: Iterable[Allocation] = ()) -> None:
        self._available = dict(available)
        self._holders: dict[str, dict[Goods, Allocation]] = {}
        for allocation in allocations:
            self._holders.setdefault(allocation.holder_id, {})[allocation.goods] = allocation
        self.bookings: list[Booking] = []
        self._changed: dict[tuple[str, Goods], Allocation] = {}

    @property
    def changed(self) -> list[Allocation]:
        return list(self._changed.values())

    def has_allocations(self, holder_id: str) -> bool:
        return holder_id in self._holders

    def allocated_for(self, holder_id: str) -> dict[Goods, int]:
        return {
            goods: allocation.quantity
            for goods, allocation in self._holders.get(holder_id, {}).items()
            if allocation.state is AllocationState.OPEN
        }

    def shortages(self, wanted: Quantities) -> list[Shortage]:
        have = self._available
        return [Shortage(goods, n, have.get(goods, 0)) for goods, n in wanted.items() if n > have.get(goods, 0)]

    def allocate(self, holder_id: str, wanted: Quantities, source: Source) -> list[Shortage]:
        """Allocate everything, or nothing if anything is short; return the shortages.

        Goods with an open allocation are skipped.
        """
        open_now = self.allocated_for(holder_id)
        wanted = {goods: n for goods, n in wanted.items() if goods not in open_now}
        if short := self.shortages(wanted):
            return short
        before = self._holders.get(holder_id, {})
        for goods, quantity in wanted.items():
            again = before[goods].round + 1 if goods in before else 1
            allocation = Allocation(holder_id, goods, quantity, round=again)
            self._book("allocated", allocation, stock.allocate(quantity), source)
            self._available[goods] -= quantity
            self._set_allocation(allocation)
        return []

    def release(
        self, holder_id: str, source: Source, how: Callable[[int], Movement] = stock.release
    ) -> dict[Goods, int]:
        """Release and return the open allocations of this holder; `how` creates the movement to book."""
        released = self.allocated_for(holder_id)
        for goods, quantity in released.items():
            allocation = self._holders[holder_id][goods]
            self._book("released", allocation, how(quantity), source)
            self._available[goods] += quantity
            self._set_allocation(replace(allocation, state=AllocationState.RELEASED))
        return released

    def ship(self, holder_id: str, left: Quantities, source: Source) -> dict[Goods, int]:
        """Book shipped goods of this holder; release and return what was allocated and not shipped.

        Goods missing in `left` shipped completely. Goods whose allocation was released before are taken from
        available stock.
        """
        released = {}
        before = self._holders.get(holder_id, {})
        unallocated = {n: q for n, q in left.items() if n in before and before[n].state is AllocationState.RELEASED}
        self.ship_unallocated(holder_id, unallocated, source)
        for goods, kept in self.allocated_for(holder_id).items():
            allocation = self._holders[holder_id][goods]
            quantity = left.get(goods, kept)
            self._sell(allocation, quantity, kept, source)
            if quantity < kept:
                released[goods] = kept - quantity
                self._book("left over", allocation, stock.release(kept - quantity), source)
                self._available[goods] += kept - quantity
            self._set_allocation(replace(allocation, state=AllocationState.SHIPPED, shipped=quantity))
        return released

    def ship_unallocated(self, holder_id: str, left: Quantities, source: Source) -> None:
        for goods, quantity in left.items():
            if quantity and goods in self._available:
                allocation = Allocation(holder_id, goods, quantity, AllocationState.SHIPPED, shipped=quantity)
                self._sell(allocation, quantity, 0, source)
                self._set_allocation(allocation)

    def take_back(self, holder_id: str, returned: Quantities, source: Source) -> None:
        """Book goods returned by this holder, once; more than it received is unexplained."""
        for goods, quantity in returned.items():
            had = self._holders.get(holder_id, {}).get(goods)
            if had and had.state is AllocationState.SHIPPED:
                self._book("came back", had, stock.take_returned(quantity, had.shipped), source)
                self._set_allocation(replace(had, state=AllocationState.RETURNED))

    def _sell(self, allocation: Allocation, quantity: int, kept: int, source: Source) -> None:
        available = self._available[allocation.goods]
        movement = stock.sell(quantity, kept, available)
        self._book("sold", allocation, movement, source)
        self._available[allocation.goods] -= min(max(quantity - kept, 0), available)

    def _book(self, verb: str, allocation: Allocation, movement: Movement, source: Source) -> None:
        if movement.entries:
            name = "\0".join((verb, allocation.holder_id, *allocation.goods, str(allocation.round)))
            self.bookings.append(Booking(name, allocation.goods, movement, source, allocation.holder_id))

    def _set_allocation(self, allocation: Allocation) -> None:
        self._holders.setdefault(allocation.holder_id, {})[allocation.goods] = allocation
        self._changed[allocation.holder_id, allocation.goods] = allocation


def sum_by_goods(lines: Iterable[tuple[Goods, int]]) -> dict[Goods, int]:
    """Sum the lines by product; lines of quantity 0 are dropped."""
    wanted: dict[Goods, int] = {}
    for goods, quantity in lines:
        if quantity:
            wanted[goods] = wanted.get(goods, 0) + quantity
    return wanted
