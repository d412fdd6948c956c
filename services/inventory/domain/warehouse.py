"""A provider's goods while they are locked: who is given what, decided one after the other, written at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.inventory.domain import stock
from services.inventory.domain.goods import Goods, Movement


class Kept(StrEnum):
    """What became of goods that were kept for somebody."""

    OPEN = "open"
    SHIPPED = "shipped"
    RELEASED = "released"
    #: They had left, and some of them came back.
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Allocation:
    """Goods kept for one holder: an order, a checkout, or somebody's hand."""

    holder_id: str
    goods: Goods
    quantity: int
    state: Kept = Kept.OPEN
    shipped: int = 0
    #: How often goods were kept for this holder; each time has bookings of its own.
    round: int = 1


class Shortage(NamedTuple):
    """Goods of which there is not enough."""

    goods: Goods
    requested: int
    available: int


class Source(NamedTuple):
    """Who says so, when, and the event it comes of."""

    booked_by: str
    at: datetime
    cause: str | None = None


class Booking(NamedTuple):
    """A movement, under a name that no other booking has."""

    name: str
    goods: Goods
    movement: Movement
    source: Source
    holder_id: str | None = None


Quantities = Mapping[Goods, int]


class Warehouse:
    """Takes decisions on locked stock in turn, each seeing the ones before it; collects what is to be written.

    `available` holds the locked goods; what is not among them is not in stock anywhere.
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
        """Return the allocations as they are now to be kept."""
        return list(self._changed.values())

    def knows(self, holder_id: str) -> bool:
        """Tell whether goods are or were kept for this holder."""
        return holder_id in self._holders

    def kept_for(self, holder_id: str) -> dict[Goods, int]:
        """Return what is kept for this holder now."""
        return {
            goods: allocation.quantity
            for goods, allocation in self._holders.get(holder_id, {}).items()
            if allocation.state is Kept.OPEN
        }

    def shortages(self, wanted: Quantities) -> list[Shortage]:
        """Name everything of which there is not enough for sale."""
        have = self._available
        return [Shortage(goods, n, have.get(goods, 0)) for goods, n in wanted.items() if n > have.get(goods, 0)]

    def allocate(self, holder_id: str, wanted: Quantities, source: Source) -> list[Shortage]:
        """Keep all of it, or, where anything is short, nothing and say what; what is open already stays as it is."""
        open_now = self.kept_for(holder_id)
        wanted = {goods: n for goods, n in wanted.items() if goods not in open_now}
        if short := self.shortages(wanted):
            return short
        before = self._holders.get(holder_id, {})
        for goods, quantity in wanted.items():
            again = before[goods].round + 1 if goods in before else 1
            allocation = Allocation(holder_id, goods, quantity, round=again)
            self._book("allocated", allocation, stock.allocate(quantity), source)
            self._available[goods] -= quantity
            self._keep(allocation)
        return []

    def release(
        self, holder_id: str, source: Source, how: Callable[[int], Movement] = stock.release
    ) -> dict[Goods, int]:
        """Let go of what is kept for this holder and return it; `how` is the movement it is booked as."""
        kept = self.kept_for(holder_id)
        for goods, quantity in kept.items():
            allocation = self._holders[holder_id][goods]
            self._book("released", allocation, how(quantity), source)
            self._available[goods] += quantity
            self._keep(replace(allocation, state=Kept.RELEASED))
        return kept

    def ship(self, holder_id: str, left: Quantities, source: Source) -> dict[Goods, int]:
        """Book what left for this holder, whole lines where `left` does not name them; release and return the rest.

        Goods that left although they were kept no longer are taken from what is for sale.
        """
        released = {}
        before = self._holders.get(holder_id, {})
        let_go = {n: q for n, q in left.items() if n in before and before[n].state is Kept.RELEASED}
        self.ship_unkept(holder_id, let_go, source)
        for goods, kept in self.kept_for(holder_id).items():
            allocation = self._holders[holder_id][goods]
            quantity = left.get(goods, kept)
            self._sell(allocation, quantity, kept, source)
            if quantity < kept:
                released[goods] = kept - quantity
                self._book("left over", allocation, stock.release(kept - quantity), source)
                self._available[goods] += kept - quantity
            self._keep(replace(allocation, state=Kept.SHIPPED, shipped=quantity))
        return released

    def ship_unkept(self, holder_id: str, left: Quantities, source: Source) -> None:
        """Book goods that left before anybody asked to keep them."""
        for goods, quantity in left.items():
            if quantity and goods in self._available:
                allocation = Allocation(holder_id, goods, quantity, Kept.SHIPPED, shipped=quantity)
                self._sell(allocation, quantity, 0, source)
                self._keep(allocation)

    def take_back(self, holder_id: str, returned: Quantities, source: Source) -> None:
        """Put goods that this holder had and sends back aside, once; what it never had is unexplained."""
        for goods, quantity in returned.items():
            had = self._holders.get(holder_id, {}).get(goods)
            if had and had.state is Kept.SHIPPED:
                self._book("came back", had, stock.come_back(quantity, had.shipped), source)
                self._keep(replace(had, state=Kept.RETURNED))

    def _sell(self, allocation: Allocation, quantity: int, kept: int, source: Source) -> None:
        available = self._available[allocation.goods]
        movement = stock.sell(quantity, kept, available)
        self._book("sold", allocation, movement, source)
        self._available[allocation.goods] -= min(max(quantity - kept, 0), available)

    def _book(self, verb: str, allocation: Allocation, movement: Movement, source: Source) -> None:
        if movement.entries:
            name = "\0".join((verb, allocation.holder_id, *allocation.goods, str(allocation.round)))
            self.bookings.append(Booking(name, allocation.goods, movement, source, allocation.holder_id))

    def _keep(self, allocation: Allocation) -> None:
        self._holders.setdefault(allocation.holder_id, {})[allocation.goods] = allocation
        self._changed[allocation.holder_id, allocation.goods] = allocation


def summed(lines: Iterable[tuple[Goods, int]]) -> dict[Goods, int]:
    """Return how much of each is wanted in all, two lines of one product together."""
    wanted: dict[Goods, int] = {}
    for goods, quantity in lines:
        if quantity:
            wanted[goods] = wanted.get(goods, 0) + quantity
    return wanted
