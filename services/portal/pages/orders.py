"""View model of an order: state, progress, expected date and available actions."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.portal.domain import formatting
from services.portal.domain.board import CustomerView
from services.portal.domain.orders import CANCELLABLE, OPEN, Order, OrderState
from services.portal.pages.lines import PHASES, LineCard, format_quantity, line_card
from services.portal.pages.places import Place, provider_name, title_of

STATES = {
    **PHASES,
    OrderState.SHIPPED: "On its way",
    OrderState.DELIVERED: "Arrived",
    OrderState.RETURNED: "Returned",
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
    OrderState.RETURNED: "quiet",
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
    lines: tuple[LineCard, ...]
    #: Delivery fee and total; empty if unknown, or if the total is in `what`.
    fee: str
    total: str
    #: What the customer has to know about a test order; empty for any other.
    test: str = ""
    #: The customer must order it at the shop and confirm that.
    yours: bool = False
    #: The customer ordered it at the shop and can report its delivery.
    awaited: bool = False


def order_card(order: Order, view: CustomerView, places: list[Place], clock: tuple[datetime, ZoneInfo]) -> OrderCard:
    """Return the card of one order; `clock` is the current time and the customer's time zone."""
    now, zone = clock
    is_single = len(order.lines) == 1
    return OrderCard(
        order_id=order.order_id,
        title=order_title(order, view, places),
        what=_what(order, places),
        shop=provider_name(order.provider_id, view),
        state=STATES[order.state],
        tone=TONES.get(order.state, "busy"),
        road=_road(order.state),
        when=_when(order, now, zone),
        began=formatting.day(order.began_at, now, zone),
        reason=formatting.reason(order.reason or ""),
        tracking=", ".join(order.tracking),
        cancellable=order.state in CANCELLABLE,
        lines=tuple(line_card(line, order, view, places) for line in order.lines),
        fee=_money(order.fee, order) if order.fee else "",
        total="" if is_single and not order.fee else _money(order.total, order),
        test=_test_note(order) if order.is_test else "",
        yours=order.state is OrderState.YOURS,
        awaited=order.own and order.state is OrderState.PLACED,
    )


def order_title(order: Order, view: CustomerView, places: list[Place]) -> str:
    """Return the product's title; for several lines such as `2 things from Acme`."""
    if len(order.lines) == 1:
        return title_of(order.lines[0].product_id, view, places)
    return f"{len(order.lines)} things from {provider_name(order.provider_id, view)}"


def _what(order: Order, places: list[Place]) -> str:
    quantity = format_quantity(order.lines[0], places) if len(order.lines) == 1 else ""
    return " · ".join(part for part in (quantity, _money(order.total, order)) if part)


def _test_note(order: Order) -> str:
    """Say that the order is a test; in the form for an order that the customer places at the shop, if it is one."""
    if order.own:
        return "This is a test order. Please answer as usual, but do not order or cancel anything at the shop."
    return "This is a test order: nothing is charged and nothing is delivered."


def _money(minor: int | None, order: Order) -> str:
    return "" if minor is None or order.currency is None else formatting.money(minor, order.currency)


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
    expected = order.expected_date or order.expected_at
    return f"expected {formatting.day(expected, now, zone)}" if expected else "no delivery date yet"
