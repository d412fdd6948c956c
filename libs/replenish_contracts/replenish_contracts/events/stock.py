"""Bookings of the stock ledger, and allocations of providers' stock to orders."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from replenish_contracts.catalogue import Event, Id, Moment, SignedSteps, Steps, Text, published_by
from replenish_contracts.events.orders import OrderReference


class CountCause(StrEnum):
    """Why a shelf's balance changed without an arrival."""

    LOADED = "loaded"
    COUNTED = "counted"
    MOVED_OUT = "moved_out"
    #: Goods were loaded into the slot before their arrival was reported.
    SETTLED = "settled"
    RETURNED = "returned"


class AllocationLine(BaseModel):
    """A quantity of one product; several lines of an order may have the same product."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    product_id: Id
    quantity: Steps
    #: Line of the order; None if the quantity is the sum of several.
    line_id: Id | None = None


class Shortage(BaseModel):
    """A product of an order that is short, and when it will be available; several lines of it are summed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    product_id: Id
    requested: Steps
    available: Steps
    #: The earliest restock date, if the provider named one.
    restock_at: Moment | None = None
    #: The lines of the order with this product.
    line_ids: tuple[Id, ...] = ()


@published_by("order_dispatch", topic="orders", key="customer_id")
class AllocationRequested(OrderReference):
    """Requests the allocation of the provider's stock to this order, all lines or none."""

    lines: tuple[AllocationLine, ...]


@published_by("inventory", topic="stock", key="owner_id")
class StockAllocated(Event):
    """All lines of an order are allocated, until an event of the order ends the allocation."""

    #: The provider whose stock it is.
    owner_id: Id
    order_id: Id
    customer_id: Id
    lines: tuple[AllocationLine, ...]
    occurred_at: Moment


@published_by("inventory", topic="stock", key="owner_id")
class StockShort(Event):
    """Nothing was allocated to an order, because the stock of these products is too low."""

    owner_id: Id
    order_id: Id
    customer_id: Id
    shortages: tuple[Shortage, ...]
    occurred_at: Moment


@published_by("inventory", topic="stock", key="owner_id")
class StockReleased(Event):
    """The stock allocated to an order is available again."""

    owner_id: Id
    order_id: Id
    customer_id: Id
    lines: tuple[AllocationLine, ...]
    reason: Text
    occurred_at: Moment


@published_by("inventory", topic="stock", key="owner_id")
class StockArrived(Event):
    """The goods of one line of an order were credited to a customer's shelf, once."""

    owner_id: Id
    product_id: Id
    order_id: Id
    quantity: Steps
    #: The shelf's balance afterwards.
    shelf: Steps
    line_id: Id | None = None
    #: The provider reported the quantity unclearly, so the ordered one was credited.
    is_unclear: bool | None = None
    occurred_at: Moment


@published_by("inventory", topic="stock", key="owner_id")
class StockCounted(Event):
    """A shelf's balance changed without an arrival, such as by a load or a count."""

    owner_id: Id
    product_id: Id
    shelf: Steps
    difference: SignedSteps
    cause: CountCause
    occurred_at: Moment
