"""What moves in the stock ledger: each movement is entries that sum to zero, by place."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Goods(NamedTuple):
    """Whose stock of which product; their order is the order in which they are locked."""

    owner_id: str
    product_id: str


class Place(StrEnum):
    """Where goods are; balances of `shelf`, `in_transit`, `available` and `allocated` are never negative."""

    #: Outside our books; its balance is minus all that ever came in.
    SUPPLIER = "supplier"
    IN_TRANSIT = "in_transit"
    SHELF = "shelf"
    #: Handed over to slots; what became of it there is consumption's story.
    LOADED = "loaded"
    #: What came or went without anybody saying how.
    UNEXPLAINED = "unexplained"
    #: A provider's stock that can still be sold, and that which is reserved.
    AVAILABLE = "available"
    ALLOCATED = "allocated"
    #: What left a provider's stock for customers, and what was thrown away because it was too old.
    SOLD = "sold"
    EXPIRED = "expired"
    #: Came back from customers; somebody must look at it before it can be sold again.
    RETURNED = "returned"


class Action(StrEnum):
    """What a transaction did to the stock at hand, in the words of the inventory document."""

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
    #: Credited, and found missing by who unpacked it.
    MISSING = "missing"
    #: A provider's own, from here on.
    RECEIVED = "received"
    WITHDRAWN = "withdrawn"
    ALLOCATED = "allocated"
    RELEASED = "released"
    #: A reservation that nobody paid in time.
    LAPSED = "lapsed"
    SOLD = "sold"
    #: Goods past their date.
    SPOILED = "spoiled"
    CAME_BACK = "came_back"
    RESTOCKED = "restocked"
    DISCARDED = "discarded"


class Journey(StrEnum):
    """How far an order's goods are; goods are credited once, when they are delivered."""

    ORDERED = "ordered"
    IN_TRANSIT = "in_transit"
    RETURNED = "returned"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Entry:
    """So many steps more (or, if negative, fewer) at a place."""

    place: Place
    quantity: int


@dataclass(frozen=True, slots=True)
class Movement:
    """One ledger transaction before it is written; without entries there is nothing to write."""

    action: Action
    reason: Reason
    entries: tuple[Entry, ...]

    @property
    def quantity(self) -> int:
        """Return how much moved."""
        return sum(entry.quantity for entry in self.entries if entry.quantity > 0)

    @property
    def stock_change(self) -> int:
        """Return how much more, or less, a provider has now, kept for orders or not."""
        return sum(entry.quantity for entry in self.entries if entry.place in {Place.AVAILABLE, Place.ALLOCATED})

    @property
    def shelf_change(self) -> int:
        return sum(entry.quantity for entry in self.entries if entry.place is Place.SHELF)


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """What the ledger must know about a slot to tell how much loading it takes."""

    capacity: int
    replaced_whole: bool


@dataclass(frozen=True, slots=True)
class Consignment:
    """The goods of one order and how far they are."""

    journey: Journey = Journey.ORDERED
    shipped: int = 0


def ship(quantity: int) -> Movement:
    return moved(Action.SHIP, Reason.SHIPPED, {Place.SUPPLIER: -quantity, Place.IN_TRANSIT: quantity})


def send_back(consignment: Consignment) -> Movement:
    """Take an order that ended under way out of transit; outside of transit nothing moves."""
    shipped = consignment.shipped if consignment.journey is Journey.IN_TRANSIT else 0
    return moved(Action.SHIP, Reason.RETURNED, {Place.IN_TRANSIT: -shipped, Place.SUPPLIER: shipped})


def deliver(consignment: Consignment, quantity: int) -> Movement:
    """Credit an order's goods to the shelf; what was shipped and did not arrive, or the reverse, is unexplained."""
    if consignment.journey is Journey.IN_TRANSIT:
        shipped = consignment.shipped
        moves = {Place.IN_TRANSIT: -shipped, Place.SHELF: quantity, Place.UNEXPLAINED: shipped - quantity}
    else:
        moves = {Place.SUPPLIER: -quantity, Place.SHELF: quantity}
    return moved(Action.INCREMENT, Reason.DELIVERED, moves)


def take_back(quantity: int, shelf: int) -> Movement:
    """Send goods back: from the shelf as far as it goes; what was loaded already was, visibly, somewhere else."""
    from_shelf = min(quantity, shelf)
    moves = {Place.SHELF: -from_shelf, Place.UNEXPLAINED: from_shelf - quantity, Place.SUPPLIER: quantity}
    return moved(Action.DECREMENT, Reason.RETURNED, moves)


def settle(owed: int, arrived: int) -> Movement:
    """Take off the shelf what was loaded out of an arrival before it was told, and so came from nowhere then."""
    early = max(0, min(owed, arrived))
    return moved(Action.DECREMENT, Reason.SETTLED, {Place.SHELF: -early, Place.UNEXPLAINED: early})


def miss(credited: int, received: int, shelf: int) -> Movement:
    """Take off the shelf what was credited for an order and did not come; what was loaded already did."""
    missing = max(0, min(credited - received, shelf))
    return moved(Action.CORRECT, Reason.MISSING, {Place.SHELF: -missing, Place.UNEXPLAINED: missing})


def taken_by(slot: SlotFacts | None, rise: int, level: int) -> int:
    """Tell how much loading took: a slot that became full by a new cartridge took a whole one."""
    if slot and slot.replaced_whole and level >= slot.capacity:
        return max(rise, slot.capacity)
    return rise


def load(quantity: int, shelf: int) -> Movement:
    """Move goods into a slot: from the shelf as far as it goes, the rest from nowhere, visibly."""
    from_shelf = min(quantity, shelf)
    moves = {Place.SHELF: -from_shelf, Place.UNEXPLAINED: from_shelf - quantity, Place.LOADED: quantity}
    return moved(Action.DECREMENT, Reason.LOADED, moves)


def correct(difference: int) -> Movement:
    """Follow a person's correction of a level; the shelf is not touched."""
    return moved(Action.CORRECT, Reason.CORRECTED, {Place.UNEXPLAINED: -difference, Place.LOADED: difference})


def count(counted: int, shelf: int) -> Movement:
    """Set the shelf to what somebody counted; the difference stays visible."""
    more = counted - shelf
    action = Action.INCREMENT if more > 0 else Action.DECREMENT
    return moved(action, Reason.COUNTED, {Place.SHELF: more, Place.UNEXPLAINED: -more})


def move_out(shelf: int) -> Movement:
    """Empty the shelf of a customer who left."""
    return moved(Action.DECREMENT, Reason.MOVED_OUT, {Place.SHELF: -shelf, Place.UNEXPLAINED: shelf})


def moved(action: Action, reason: Reason, moves: dict[Place, int]) -> Movement:
    """Return the movement of these differences by place; they must sum to zero."""
    entries = tuple(Entry(place, quantity) for place, quantity in moves.items() if quantity)
    return Movement(action, reason, entries)
