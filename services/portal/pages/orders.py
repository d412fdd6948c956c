"""View model of an order: state, progress, expected date and available actions."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.portal.domain import formatting
from services.portal.domain.board import CANCELLABLE, OPEN, CustomerView, Order, OrderState
from services.portal.pages.places import Place, format_amount, provider_name, title_of

STATES = {
    OrderState.DUE: "Being prepared",
    OrderState.DRAFTED: "Sent to the shop",
    OrderState.YOURS: "Waiting for you to order",
    OrderState.PLACED: "Ordered",
    OrderState.SHIPPED: "On its way",
    OrderState.DELIVERED: "Arrived",
    OrderState.REFUSED: "Declined by the shop",
    OrderState.UNKNOWN: "Checking with the shop",
    OrderState.CANCELLED: "Cancelled",
    OrderState.FAILED: "Order failed",
}
TONES = {
    OrderState.DELIVERED: "good",
    OrderState.REFUSED: "low",
    OrderState.FAILED: "low",
    OrderState.UNKNOWN: "soon",
    OrderState.YOURS: "soon",
    OrderState.CANCELLED: "quiet",
}
#: Progress steps of an order, and the current step (from 1) per state.
ROAD = ("Preparing", "Ordered", "Shipped", "Arrived")
REACHED = {
    OrderState.DUE: 1,
    OrderState.DRAFTED: 1,
    OrderState.YOURS: 1,
    OrderState.UNKNOWN: 1,
    OrderState.PLACED: 2,
    OrderState.SHIPPED: 3,
}


@dataclass(frozen=True)
class Stop:
    """One progress step; `mark` is done, here or ahead."""

    name: str
    mark: str


@dataclass(frozen=True)
class OrderCard:
    """An order with all values formatted for display."""

    order_id: str
    title: str
    what: str
    shop: str
    state: str
    tone: str
    road: tuple[Stop, ...]
    when: str
    began: str
    reason: str
    tracking: str
    cancellable: bool
    #: The customer must order it at the shop and confirm that.
    yours: bool = False
    #: The customer ordered it at the shop and can report its delivery.
    awaited: bool = False


def order_card(order: Order, view: CustomerView, places: list[Place], clock: tuple[datetime, ZoneInfo]) -> OrderCard:
    """Return the card of one order; `clock` is the current time and the customer's time zone."""
    now, zone = clock
    return OrderCard(
        order_id=order.order_id,
        title=title_of(order.product_id, view, places),
        what=_what(order, places),
        shop=provider_name(order.provider_id, view),
        state=STATES[order.state],
        tone=TONES.get(order.state, "busy"),
        road=_road(order.state),
        when=_when(order, now, zone),
        began=formatting.day(order.began_at, now, zone),
        reason=formatting.reason(order.reason or ""),
        tracking=order.tracking or "",
        cancellable=order.state in CANCELLABLE,
        yours=order.state is OrderState.YOURS,
        awaited=order.own and order.state is OrderState.PLACED,
    )


def _what(order: Order, places: list[Place]) -> str:
    parts = []
    if order.quantity is not None:
        parts.append(format_amount(order.quantity, order.product_id, places))
    if order.price is not None and order.currency is not None:
        parts.append(formatting.money(order.price, order.currency))
    return " · ".join(parts)


def _road(state: OrderState) -> tuple[Stop, ...]:
    if state not in OPEN:
        return ()
    reached = REACHED[state]
    marks = [
        "done" if place < reached else "here" if place == reached else "ahead" for place in range(1, len(ROAD) + 1)
    ]
    return tuple(Stop(name, mark) for name, mark in zip(ROAD, marks, strict=True))


def _when(order: Order, now: datetime, zone: ZoneInfo) -> str:
    if order.state not in OPEN:
        return formatting.day(order.changed_at, now, zone)
    return f"expected {formatting.day(order.expected_at, now, zone)}" if order.expected_at else "no delivery date yet"
