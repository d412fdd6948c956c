"""The lines of an order, their states, and the state of the order that follows from them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from replenish_contracts.events import Evidence, Line
from replenish_contracts.events import OrderLine as AgreedLine
from replenish_contracts.units import SYMBOLS, BaseUnit, format_quantity
from services.order_dispatch.domain.states import State


class LineState(StrEnum):
    """State of a line, where it can differ from its order's."""

    #: Nothing of it has left the provider.
    ORDERED = "ordered"
    #: All of it has left, or a part.
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    #: Less was delivered than ordered.
    SHORT = "short"
    #: Another product was delivered.
    SUBSTITUTED = "substituted"
    #: Delivered, then returned in part or in full.
    RETURNED = "returned"
    CANCELLED = "cancelled"
    REFUSED = "refused"


#: The pool may order again; the only transitions left are a lower count and a return.
CLOSED_LINE = frozenset(set(LineState) - {LineState.ORDERED, LineState.SHIPPED})
ARRIVED = frozenset({LineState.DELIVERED, LineState.SHORT, LineState.SUBSTITUTED})
WITHOUT_GOODS_LINE = frozenset({LineState.CANCELLED, LineState.REFUSED})
_NEXT_STATES = {
    # A delivery whose shipment was never reported implies it.
    LineState.ORDERED: (LineState.SHIPPED, *ARRIVED, *WITHOUT_GOODS_LINE),
    LineState.SHIPPED: tuple(ARRIVED),
    LineState.DELIVERED: (LineState.SHORT, LineState.RETURNED),
    LineState.SHORT: (LineState.RETURNED,),
    LineState.SUBSTITUTED: (LineState.SHORT, LineState.RETURNED),
}
LINE_TRANSITIONS = frozenset(
    (from_state, to_state) for from_state, reachable in _NEXT_STATES.items() for to_state in reachable
)


class IllegalLineTransitionError(ValueError):
    """The table has no such transition of a line."""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A request to cancel an order or a line; it takes effect once the provider confirms it."""

    by: str
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One product of an order, for one slot's pool; quantities are base steps of that slot."""

    line_id: str
    product_id: str
    pool_id: str
    device_id: str
    slot: str
    packs: int
    pack_size: int
    quantity: int
    unit: BaseUnit
    scale: int
    receipt_id: str
    #: The pool's epoch in which the line was ordered; unique per pool.
    epoch: int | None = None
    #: Agreed price of one pack, in minor units of the order's currency.
    unit_price: int | None = None
    state: LineState = LineState.ORDERED
    #: Quantity that left the provider, 0 for a test order; None before anything did.
    shipped_quantity: int | None = None
    #: Quantity that is to leave later, in another parcel.
    remaining_quantity: int = 0
    #: Quantity of the parcels that are reported as delivered while others are on their way.
    arrived_quantity: int = 0
    expected_at: datetime | None = None
    #: The promised date, if the provider named no time; `expected_at` is its end where the customer lives.
    expected_date: date | None = None
    #: The provider reported the shipped quantity unclearly, so the ordered quantity counts.
    is_unclear: bool = False
    delivered_at: datetime | None = None
    evidence: Evidence | None = None
    #: The product that the provider ships instead, and its price of the line if it reports one.
    substitute: str | None = None
    billed: int | None = None
    #: Quantity counted by the customer, if less than announced.
    counted_quantity: int | None = None
    returned_quantity: int | None = None
    #: A request to cancel the line, while the provider has not confirmed it.
    cancellation: Cancellation | None = None
    #: Amount captured for the line, in minor units, and the quantity it covers.
    captured: int = 0
    captured_quantity: int = 0
    #: Total of the requested refunds, in minor units.
    refunded: int = 0

    @property
    def is_open(self) -> bool:
        return self.state not in CLOSED_LINE

    @property
    def price(self) -> int | None:
        return None if self.unit_price is None else self.unit_price * self.packs

    @property
    def is_to_leave(self) -> bool:
        """Whether the line, or a part of it, has not left the provider.

        Only the provider can cancel the rest of a line that left in part.
        """
        return self.state is LineState.ORDERED or (self.state is LineState.SHIPPED and self.remaining_quantity > 0)

    @property
    def is_awaited(self) -> bool:
        """Whether all of the line has left and has not arrived."""
        return self.state is LineState.SHIPPED and self.remaining_quantity == 0

    @property
    def has_left(self) -> bool:
        return self.shipped_quantity is not None

    @property
    def shipped_or_ordered_quantity(self) -> int:
        return self.quantity if self.shipped_quantity is None else self.shipped_quantity

    @property
    def received_quantity(self) -> int:
        """Quantity delivered: the customer's count takes precedence over the provider's."""
        return self.shipped_or_ordered_quantity if self.counted_quantity is None else self.counted_quantity

    @property
    def net_captured(self) -> int:
        return max(0, self.captured - self.refunded)

    def show(self, steps: int) -> str:
        """Return a quantity of the line with its unit, such as `250 g`."""
        return f"{format_quantity(steps, self.scale)} {SYMBOLS[self.unit]}".rstrip()

    def move_to(self, to_state: LineState) -> "OrderLine":
        """Raise IllegalLineTransitionError if the table does not allow it; to its own state, a line stays as it is."""
        if to_state is self.state:
            return self
        if (self.state, to_state) not in LINE_TRANSITIONS:
            raise IllegalLineTransitionError(f"illegal transition of a line from {self.state} to {to_state}")
        return replace(self, state=to_state)

    def as_event_line(self, quantity: int | None = None) -> Line:
        """Return the line as events have it, with the quantity that the event is about, by default the ordered one."""
        return Line(**self._event_fields(self.quantity if quantity is None else quantity))

    def as_agreed_line(self) -> AgreedLine:
        return AgreedLine(
            **self._event_fields(self.quantity),
            packs=self.packs,
            pack_size=self.pack_size,
            unit_price=self.unit_price,
            epoch=self.epoch,
            receipt_id=self.receipt_id,
        )

    def _event_fields(self, quantity: int) -> dict[str, Any]:
        return {
            "line_id": self.line_id,
            "product_id": self.product_id,
            "pool_id": self.pool_id,
            "device_id": self.device_id,
            "slot": self.slot,
            "quantity": quantity,
            "unit": self.unit,
            "scale": self.scale,
            "substitute": self.substitute,
        }


class LinesSummary(StrEnum):
    """What the lines of an order have in common; each summary allows the order states of STATES_BY_SUMMARY."""

    #: Nothing has left, and something is to leave.
    WAITING = "waiting"
    #: Something has left or arrived, and something is still to arrive.
    MOVING = "moving"
    #: No line is open, and goods arrived.
    ARRIVED = "arrived"
    #: No line is open, and every line that arrived was returned, in part or in full.
    RETURNED = "returned"
    #: No line is open, and nothing arrived.
    WITHOUT_GOODS = "without_goods"


#: The states that an order may have, by its lines; migrations/ has the same table.
STATES_BY_SUMMARY = {
    LinesSummary.WAITING: (
        *(State.DRAFTED, State.RESERVING, State.AUTHORIZING, State.PLACING, State.UNKNOWN, State.PLACED),
    ),
    LinesSummary.MOVING: (State.SHIPPED,),
    LinesSummary.ARRIVED: (State.DELIVERED,),
    LinesSummary.RETURNED: (State.RETURNED,),
    LinesSummary.WITHOUT_GOODS: (State.REFUSED, State.CANCELLED, State.FAILED),
}


def summarize(lines: Iterable[OrderLine]) -> LinesSummary:
    states = {line.state for line in lines}
    if states & {LineState.ORDERED, LineState.SHIPPED}:
        has_moved = states & {LineState.SHIPPED, LineState.RETURNED, *ARRIVED}
        return LinesSummary.MOVING if has_moved else LinesSummary.WAITING
    if states & ARRIVED:
        return LinesSummary.ARRIVED
    return LinesSummary.RETURNED if LineState.RETURNED in states else LinesSummary.WITHOUT_GOODS


def order_state(current: State, lines: Iterable[OrderLine]) -> State:
    """Return the order's state after its lines changed.

    An order whose lines all ended without goods is refused only if each of them was.
    """
    lines = tuple(lines)
    allowed = STATES_BY_SUMMARY[summarize(lines)]
    if current in allowed:
        return current
    if State.REFUSED in allowed:
        return State.REFUSED if all(line.state is LineState.REFUSED for line in lines) else State.CANCELLED
    return allowed[0]
