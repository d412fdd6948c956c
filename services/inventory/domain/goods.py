"""Movements in the stock ledger; the entries of a movement sum to zero over all places."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple


class Goods(NamedTuple):
    """A product of one owner; rows are locked in the sort order of these tuples."""

    owner_id: str
    product_id: str


class Place(StrEnum):
    """A place in the ledger; balances of `shelf`, `in_transit`, `available` and `allocated` are never negative."""

    #: Outside the books; the balance is minus the total of all receipts.
    SUPPLIER = "supplier"
    IN_TRANSIT = "in_transit"
    SHELF = "shelf"
    #: Loaded into slots; consumption keeps their levels.
    LOADED = "loaded"
    #: Goods whose origin or destination was not reported.
    UNEXPLAINED = "unexplained"
    #: A provider's stock for sale, and its reserved stock.
    AVAILABLE = "available"
    ALLOCATED = "allocated"
    #: Shipped from a provider's stock to customers, and taken from sale after the expiry date or discarded.
    SOLD = "sold"
    EXPIRED = "expired"
    #: Returned by customers; a person must inspect it before it can be sold again.
    RETURNED = "returned"


class Action(StrEnum):
    """Effect of a transaction on the stock, in the terms of the inventory document."""

    INCREMENT = "increment"
    DECREMENT = "decrement"
    ALLOCATE = "allocate"
    DEALLOCATE = "deallocate"
    SHIP = "ship"
    CORRECT = "correct"
    EXPIRE = "expire"


class Reason(StrEnum):
    """Why a transaction was booked."""

    SHIPPED = "shipped"
    RETURNED = "returned"
    DELIVERED = "delivered"
    LOADED = "loaded"
    CORRECTED = "corrected"
    COUNTED = "counted"
    MOVED_OUT = "moved_out"
    SETTLED = "settled"
    #: Credited, and reported missing by the customer.
    MISSING = "missing"
    #: The following reasons concern provider stock.
    RECEIVED = "received"
    WITHDRAWN = "withdrawn"
    ALLOCATED = "allocated"
    RELEASED = "released"
    #: A reservation that was not paid in time.
    LAPSED = "lapsed"
    SOLD = "sold"
    #: Past the expiry date.
    SPOILED = "spoiled"
    CAME_BACK = "came_back"
    RESTOCKED = "restocked"
    DISCARDED = "discarded"


class Journey(StrEnum):
    """Progress of a line's goods; they are credited once, on delivery."""

    ORDERED = "ordered"
    #: The line ended before anything of it left.
    CANCELLED = "cancelled"
    IN_TRANSIT = "in_transit"
    RETURNED = "returned"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Entry:
    """Change of the balance of one place, in steps."""

    place: Place
    quantity: int


@dataclass(frozen=True, slots=True)
class Movement:
    """A ledger transaction before it is written; without entries nothing is written."""

    action: Action
    reason: Reason
    entries: tuple[Entry, ...]

    @property
    def quantity(self) -> int:
        return sum(entry.quantity for entry in self.entries if entry.quantity > 0)

    @property
    def stock_change(self) -> int:
        return sum(entry.quantity for entry in self.entries if entry.place in {Place.AVAILABLE, Place.ALLOCATED})

    @property
    def shelf_change(self) -> int:
        return sum(entry.quantity for entry in self.entries if entry.place is Place.SHELF)


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """Properties of a slot that determine how much a load takes."""

    capacity: int
    replaced_whole: bool


@dataclass(frozen=True, slots=True)
class Consignment:
    """Progress of one line's goods, and how much of them left the provider.

    Shipments and totals may be reported twice and in any order; `shipped` does not depend on either.
    """

    journey: Journey = Journey.ORDERED
    shipped: int = 0
    #: The largest quantity reported for the whole line: shipped without a shipment id, or delivered.
    total: int = 0
    #: Quantity by shipment id.
    shipments: Mapping[str, int] = field(default_factory=dict)

    def leave(self, quantity: int, shipment_id: str | None = None) -> "Consignment":
        """Return the consignment after a shipment: one with this id, or the total of the line that left."""
        if shipment_id is None:
            total = max(self.total, quantity)
            return replace(self, total=total, shipped=max(self.shipped, total))
        if shipment_id in self.shipments:
            return self
        shipments = {**self.shipments, shipment_id: quantity}
        return replace(self, shipments=shipments, shipped=max(self.total, sum(shipments.values())))


def ship(quantity: int) -> Movement:
    return movement_of(Action.SHIP, Reason.SHIPPED, {Place.SUPPLIER: -quantity, Place.IN_TRANSIT: quantity})


def send_back(consignment: Consignment) -> Movement:
    """Book goods in transit back to the supplier; there is no movement unless they are in transit."""
    shipped = consignment.shipped if consignment.journey is Journey.IN_TRANSIT else 0
    return movement_of(Action.SHIP, Reason.RETURNED, {Place.IN_TRANSIT: -shipped, Place.SUPPLIER: shipped})


def deliver(consignment: Consignment, quantity: int) -> Movement:
    """Credit a line's goods to the shelf; a difference to the shipped quantity is unexplained."""
    if consignment.journey is Journey.IN_TRANSIT:
        shipped = consignment.shipped
        moves = {Place.IN_TRANSIT: -shipped, Place.SHELF: quantity, Place.UNEXPLAINED: shipped - quantity}
    else:
        moves = {Place.SUPPLIER: -quantity, Place.SHELF: quantity}
    return movement_of(Action.INCREMENT, Reason.DELIVERED, moves)


def take_back(quantity: int, shelf: int) -> Movement:
    """Book returned goods from the shelf to the supplier; what exceeds the shelf is unexplained."""
    from_shelf = min(quantity, shelf)
    moves = {Place.SHELF: -from_shelf, Place.UNEXPLAINED: from_shelf - quantity, Place.SUPPLIER: quantity}
    return movement_of(Action.DECREMENT, Reason.RETURNED, moves)


def offset_early_load(unexplained: int, arrived: int) -> Movement:
    """Take goods off the shelf that were loaded before their delivery was reported, and so unexplained until now."""
    early = max(0, min(unexplained, arrived))
    return movement_of(Action.DECREMENT, Reason.SETTLED, {Place.SHELF: -early, Place.UNEXPLAINED: early})


def write_off_missing(credited: int, received: int, shelf: int) -> Movement:
    """Take goods off the shelf that were credited and not received, limited to the shelf: loaded goods did arrive."""
    missing = max(0, min(credited - received, shelf))
    return movement_of(Action.CORRECT, Reason.MISSING, {Place.SHELF: -missing, Place.UNEXPLAINED: missing})


def loaded_quantity(slot: SlotFacts | None, rise: int, level: int) -> int:
    """Return how much a load took; a new cartridge that fills the slot counts as a whole one."""
    if slot and slot.replaced_whole and level >= slot.capacity:
        return max(rise, slot.capacity)
    return rise


def load(quantity: int, shelf: int) -> Movement:
    """Book goods from the shelf to `loaded`; what exceeds the shelf is unexplained."""
    from_shelf = min(quantity, shelf)
    moves = {Place.SHELF: -from_shelf, Place.UNEXPLAINED: from_shelf - quantity, Place.LOADED: quantity}
    return movement_of(Action.DECREMENT, Reason.LOADED, moves)


def correct(difference: int) -> Movement:
    """Book a person's correction of a slot level; the shelf does not change."""
    return movement_of(Action.CORRECT, Reason.CORRECTED, {Place.UNEXPLAINED: -difference, Place.LOADED: difference})


def count(counted: int, shelf: int) -> Movement:
    more = counted - shelf
    action = Action.INCREMENT if more > 0 else Action.DECREMENT
    return movement_of(action, Reason.COUNTED, {Place.SHELF: more, Place.UNEXPLAINED: -more})


def move_out(shelf: int) -> Movement:
    return movement_of(Action.DECREMENT, Reason.MOVED_OUT, {Place.SHELF: -shelf, Place.UNEXPLAINED: shelf})


def movement_of(action: Action, reason: Reason, moves: dict[Place, int]) -> Movement:
    """Build a movement from differences by place, which must sum to zero."""
    entries = tuple(Entry(place, quantity) for place, quantity in moves.items() if quantity)
    return Movement(action, reason, entries)
