"""What the stock ledger booked."""

from enum import StrEnum

from libs.contracts.catalogue import Event, Id, Moment, SignedSteps, Steps, said_by


class CountCause(StrEnum):
    """Why a shelf's balance changed without an arrival."""

    LOADED = "loaded"
    COUNTED = "counted"
    MOVED_OUT = "moved_out"
    #: Goods that arrived were loaded before their arrival was told.
    SETTLED = "settled"


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
