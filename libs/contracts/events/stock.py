"""What the stock ledger booked, and what providers' stock is set aside for orders."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from libs.contracts.catalogue import Event, Id, Moment, SignedSteps, Steps, Text, said_by
from libs.contracts.events.orders import OrderFact


class CountCause(StrEnum):
    """Why a shelf's balance changed without an arrival."""

    LOADED = "loaded"
    COUNTED = "counted"
    MOVED_OUT = "moved_out"


class AllocationLine(BaseModel):
    """So much of one product; several lines of an order may name the same one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    product_id: Id
    quantity: Steps


class Shortage(BaseModel):
    """What of an order is not there, and when it will be."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    product_id: Id
    requested: Steps
    available: Steps
    #: The earliest date the provider named for more, where it named one.
    restock_at: Moment | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class AllocationAsked(OrderFact):
    """Goods of the provider's stock are to be set aside for this order, all of them or none."""

    lines: tuple[AllocationLine, ...]


@said_by("inventory", on="stock", key="owner_id")
class StockAllocated(Event):
    """Everything an order asked for is set aside; only an event about the order ends that."""

    #: The provider whose stock it is.
    owner_id: Id
    order_id: Id
    customer_id: Id
    lines: tuple[AllocationLine, ...]
    at: Moment


@said_by("inventory", on="stock", key="owner_id")
class StockShort(Event):
    """Nothing is set aside for an order, because there is less of these products than it asked for."""

    owner_id: Id
    order_id: Id
    customer_id: Id
    shortages: tuple[Shortage, ...]
    at: Moment


@said_by("inventory", on="stock", key="owner_id")
class StockReleased(Event):
    """What was set aside for an order is for sale again."""

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
