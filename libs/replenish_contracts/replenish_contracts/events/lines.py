"""The lines of an order: what is ordered, for which slot, and the part of it that an event is about."""

from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from replenish_contracts.catalogue import Id, Steps
from replenish_contracts.events.offers import Money
from replenish_contracts.units import BaseUnit

#: Packs of one line.
Packs = Annotated[int, Field(ge=1, le=10**6)]
PackSize = Annotated[int, Field(ge=1, le=2**53)]
Scale = Annotated[int, Field(ge=0, le=6)]
#: Id of the only line of an order that was written without lines.
FIRST_LINE = "1"


class Line(BaseModel):
    """A line of an order and the quantity of it that the event is about."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    #: Unique within the order.
    line_id: Id
    product_id: Id
    pool_id: Id
    #: The slot that the line is for; the delivery fills a slot with direct loading.
    device_id: Id
    slot: Id
    #: Ordered, shipped, delivered, returned or ended quantity, depending on the event.
    quantity: Steps
    #: Unit of the quantity, which counts steps of 10**-scale of it.
    unit: BaseUnit
    scale: Scale = 0
    #: The product sent instead of `product_id`.
    substitute: Id | None = None


class OrderLine(Line):
    """A line with its terms."""

    packs: Packs
    pack_size: PackSize
    #: Agreed price of one pack, in minor units of the order's currency.
    unit_price: Money | None = None
    #: The pool's epoch and the receipt of the decision to order the line.
    epoch: Annotated[int, Field(ge=1)] | None = None
    receipt_id: Id


class LineReference(Protocol):
    """The fields that `lines_of` guarantees."""

    @property
    def line_id(self) -> str: ...

    @property
    def product_id(self) -> str: ...

    @property
    def pool_id(self) -> str: ...

    @property
    def device_id(self) -> str: ...

    @property
    def slot(self) -> str: ...

    @property
    def quantity(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _OnlyLine:
    line_id: str
    product_id: str
    pool_id: str
    device_id: str
    slot: str
    quantity: int


def lines_of(fact: Any) -> tuple[LineReference, ...]:
    """Return the lines that an order event, or its decoded struct, is about.

    An event without `lines` has one line, which its own fields describe; a quantity that it lacks is 0, a device or
    slot is "".
    """
    if fact.lines:
        return tuple(fact.lines)
    place = getattr(fact, "device_id", ""), getattr(fact, "slot", "")
    return (_OnlyLine(FIRST_LINE, fact.product_id, fact.pool_id, *place, getattr(fact, "quantity", 0)),)
