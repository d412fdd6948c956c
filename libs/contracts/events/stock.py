"""What the stock ledger is asked, and what it booked."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from libs.contracts.catalogue import Event, Id, Moment, SignedSteps, Steps, Text, said_by
from libs.contracts.events.orders import OrderFact


class CountCause(StrEnum):
    """Why a shelf's balance changed without an arrival."""

    LOADED = "loaded"
    COUNTED = "counted"
    MOVED_OUT = "moved_out"
    #: Goods that arrived were loaded before their arrival was told.
    SETTLED = "settled"
    RETURNED = "returned"


class AllocationLine(BaseModel):
    """So many base steps of a product."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    product_id: Id
    quantity: Steps


class Shortage(BaseModel):
    """A product of which there is not enough, and when more is expected, if anybody said so."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    product_id: Id
    requested: Steps
    available: Steps
    restock_at: Moment | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class AllocationAsked(OrderFact):
    """An order wants goods of its provider's stock kept for it: all of its lines or none."""

    lines: tuple[AllocationLine, ...]


@said_by("inventory", on="stock", key="owner_id")
class StockAllocated(Event):
    """A provider's goods are kept for an order until it ships or ends; this never expires."""

    owner_id: Id
    order_id: Id
    customer_id: Id
    lines: tuple[AllocationLine, ...]
    at: Moment


@said_by("inventory", on="stock", key="owner_id")
class StockShort(Event):
    """Nothing is kept for an order, because of these products there is not enough."""

    owner_id: Id
    order_id: Id
    customer_id: Id
    shortages: tuple[Shortage, ...]
    at: Moment


@said_by("inventory", on="stock", key="owner_id")
class StockReleased(Event):
    """Goods that were kept for an order can be sold again."""

    owner_id: Id
    order_id: Id
    customer_id: Id
    lines: tuple[AllocationLine, ...]
    reason: Text
    at: Moment


@said_by("inventory", on="stock", key="owner_id")
class StockArrived(Event):
    """An order's goods were credited to a customer's shelf, once."""

    owner_id: Id
    product_id: Id
    order_id: Id
    quantity: Steps
    #: The shelf's balance afterwards.
    shelf: Steps
    at: Moment


@said_by("inventory", on="stock", key="owner_id")
class StockCounted(Event):
    """A shelf's balance is now this, because goods were loaded or somebody counted."""

    owner_id: Id
    product_id: Id
    shelf: Steps
    difference: SignedSteps
    cause: CountCause
    at: Moment
