"""An order and its lines as shown to the customer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from replenish_contracts.events import BaseUnit


class OrderState(StrEnum):
    """State of an order as shown to its customer."""

    DUE = "due"
    DRAFTED = "drafted"
    #: The customer orders it at the shop and has not confirmed that yet.
    YOURS = "yours"
    UNKNOWN = "unknown"
    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    RETURNED = "returned"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"


OPEN = frozenset(
    {
        *(OrderState.DUE, OrderState.DRAFTED, OrderState.YOURS, OrderState.PLACED),
        *(OrderState.SHIPPED, OrderState.UNKNOWN),
    }
)
#: Goods are expected; excludes orders that the customer has yet to place.
COMING = OPEN - {OrderState.YOURS}
#: States in which the whole order can be cancelled; of a shipped one, only lines that have not left.
CANCELLABLE = frozenset({OrderState.DUE, OrderState.DRAFTED, OrderState.PLACED, OrderState.UNKNOWN})


class LineState(StrEnum):
    """State of a line, where it can differ from its order's."""

    #: Nothing of it has left the shop.
    ORDERED = "ordered"
    #: All of it has left, or a part.
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    #: Less arrived than ordered.
    SHORT = "short"
    #: Another product arrived.
    SUBSTITUTED = "substituted"
    RETURNED = "returned"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"


OPEN_LINE = frozenset({LineState.ORDERED, LineState.SHIPPED})
ARRIVED = frozenset({LineState.DELIVERED, LineState.SHORT, LineState.SUBSTITUTED})
WITHOUT_GOODS = frozenset({LineState.REFUSED, LineState.CANCELLED, LineState.FAILED})


@dataclass(frozen=True)
class Line:
    """One product of an order; quantities are steps of 10**-scale of the unit."""

    line_id: str
    product_id: str
    state: LineState
    #: None if no event about the terms was received; so are unit and packs.
    quantity: int | None = None
    unit: BaseUnit | None = None
    scale: int = 0
    packs: int | None = None
    pack_size: int | None = None
    #: Agreed price of one pack, in minor units.
    unit_price: int | None = None
    #: Total of all parcels so far.
    shipped: int = 0
    #: Quantity that arrived; the customer's count takes precedence over the shop's.
    delivered: int | None = None
    #: The customer or the shop reported that less arrived than ordered.
    is_claimed: bool = False
    returned: int | None = None
    substitute: str | None = None
    #: The shop reported the shipped quantity unclearly, so the ordered one counts.
    is_unclear: bool = False
    #: Why the line ended without goods, if the rest of the order went on.
    reason: str | None = None
    receipt_id: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_LINE

    @property
    def price(self) -> int | None:
        return None if self.unit_price is None or self.packs is None else self.unit_price * self.packs


@dataclass(frozen=True)
class Order:
    order_id: str
    provider_id: str
    state: OrderState
    lines: tuple[Line, ...]
    #: Agreed price of all lines and the fee, in minor units.
    price: int | None
    currency: str | None
    expected_at: datetime | None
    #: Of each parcel that has one.
    tracking: tuple[str, ...]
    reason: str | None
    began_at: datetime
    changed_at: datetime
    #: Delivery fee, part of the price.
    fee: int | None = None
    #: The customer places it at the shop and reports its progress.
    own: bool = False
    #: A test: nothing is charged and nothing is delivered.
    is_test: bool = False
    #: Nothing of it is to leave the shop any more.
    is_all_shipped: bool = False
    #: The promised date, if the shop named no time; `expected_at` is then its end.
    expected_date: date | None = None

    @property
    def total(self) -> int | None:
        """Price without the lines that ended while the others went on; None if theirs is unknown."""
        ended = [line.price for line in self.lines if line.state in WITHOUT_GOODS]
        if self.price is None or len(ended) == len(self.lines):
            return self.price
        return None if None in ended else self.price - sum(price for price in ended if price is not None)


def products_of(orders: Iterable[Order]) -> list[str]:
    """Return the ids of all products in the orders, also of those sent instead."""
    lines = [line for order in orders for line in order.lines]
    return sorted({product_id for line in lines for product_id in (line.product_id, line.substitute) if product_id})
