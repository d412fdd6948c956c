"""One order as a card: how far it is, when it comes, and whether it can still be stopped."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.portal.domain import words
from services.portal.domain.board import CANCELLABLE, OPEN, Known, Order, OrderState
from services.portal.pages.places import Place, provider_name, say_amount, title_of

STATES = {
    OrderState.DUE: "Being prepared",
    OrderState.DRAFTED: "Sent to the shop",
    OrderState.YOURS: "Waiting for you to order it",
    OrderState.PLACED: "Ordered",
    OrderState.SHIPPED: "On its way",
    OrderState.DELIVERED: "Arrived",
    OrderState.REFUSED: "Refused by the shop",
    OrderState.UNKNOWN: "Waiting for the shop's answer",
    OrderState.CANCELLED: "Cancelled",
    OrderState.FAILED: "Came to nothing",
}
TONES = {
    OrderState.DELIVERED: "good",
    OrderState.REFUSED: "low",
    OrderState.FAILED: "low",
    OrderState.UNKNOWN: "soon",
    OrderState.YOURS: "soon",
    OrderState.CANCELLED: "quiet",
}
#: The road an order takes, and how far along each state is.
ROAD = ("Decided", "Ordered", "Shipped", "Arrived")
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
    """A place on an order's road."""

    name: str
    mark: str


@dataclass(frozen=True)
class OrderCard:
    """An order in words."""

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
    #: The customer orders it at the shop and tells us.
    yours: bool = False
    #: They ordered it there, and may say that it came.
    awaited: bool = False


def order_card(order: Order, known: Known, places: list[Place], here: tuple[datetime, ZoneInfo]) -> OrderCard:
    """Return the card of one order, for somebody at this time in this zone."""
    now, zone = here
    return OrderCard(
        order_id=order.order_id,
        title=title_of(order.product_id, known, places),
        what=_what(order, places),
        shop=provider_name(order.provider_id, known),
        state=STATES[order.state],
        tone=TONES.get(order.state, "busy"),
        road=_road(order.state),
        when=_when(order, now, zone),
        began=words.day(order.began_at, now, zone),
        reason=words.reason(order.reason or ""),
        tracking=order.tracking or "",
        cancellable=order.state in CANCELLABLE,
        yours=order.state is OrderState.YOURS,
        awaited=order.own and order.state is OrderState.PLACED,
    )


def _what(order: Order, places: list[Place]) -> str:
    parts = []
    if order.quantity is not None:
        parts.append(say_amount(order.quantity, order.product_id, places))
    if order.price is not None and order.currency is not None:
        parts.append(words.money(order.price, order.currency))
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
    if order.state is OrderState.DELIVERED:
        return f"arrived {words.day(order.changed_at, now, zone)}"
    if order.state not in OPEN:
        return words.day(order.changed_at, now, zone)
    return f"expected {words.day(order.expected_at, now, zone)}" if order.expected_at else "no date yet"
