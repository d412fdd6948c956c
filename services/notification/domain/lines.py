"""The lines of an order: their facts, what an event does to them, and which of them are still to come."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from replenish_contracts.events import OrderFact, OrderLine, lines_of


class LineState(StrEnum):
    """States of a line in order of precedence: the later one wins; `line_state` of migrations/ has the same order."""

    ORDERED = "ordered"
    SHIPPED = "shipped"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DELIVERED = "delivered"
    SHORT = "short"
    RETURNED = "returned"


#: The state of the lines that an event is about; by other events, a line is at least ordered.
STATE_BY_EVENT = {
    "OrderShipped": LineState.SHIPPED,
    "OrderRefused": LineState.REFUSED,
    "OrderLinesRefused": LineState.REFUSED,
    "OrderCancelled": LineState.CANCELLED,
    "OrderLinesCancelled": LineState.CANCELLED,
    "OrderFailed": LineState.FAILED,
    "OrderDelivered": LineState.DELIVERED,
    "ClaimRaised": LineState.SHORT,
    "OrderReturned": LineState.RETURNED,
}
#: Events without `lines` whose quantity is the ordered one.
_WITH_ORDERED_QUANTITY = frozenset({"OrderDrafted", "OrderModified", "OrderPlaced"})


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What is known about a line when the mail is rendered; quantities count steps of 10**-scale of the unit."""

    line_id: str
    product_id: str
    title: str | None = None
    #: Title or id of the product that is sent instead.
    substitute: str | None = None
    unit: str | None = None
    scale: int = 0
    quantity: int | None = None
    packs: int | None = None
    pack_size: int | None = None
    #: Price of one pack.
    unit_price: int | None = None
    state: LineState = LineState.ORDERED
    #: Quantity that left the provider in all parcels.
    shipped: int | None = None
    run_out_at: datetime | None = None
    #: The product in the shop's cart, for customers who order themselves.
    cart_url: str | None = None

    @property
    def price(self) -> int | None:
        return None if self.unit_price is None or self.packs is None else self.unit_price * self.packs

    @property
    def is_open(self) -> bool:
        return self.state in (LineState.ORDERED, LineState.SHIPPED)

    @property
    def has_moved(self) -> bool:
        return self.state not in (LineState.ORDERED, LineState.REFUSED, LineState.CANCELLED, LineState.FAILED)

    @property
    def unshipped(self) -> int | None:
        """The quantity that has not left; None if unknown."""
        return None if self.quantity is None else max(self.quantity - (self.shipped or 0), 0)


def line_rows(event: OrderFact) -> list[dict[str, Any]]:
    """Return the lines of the event as columns of `order_line`."""
    name = type(event).__name__
    state = STATE_BY_EVENT.get(name, LineState.ORDERED)
    parcel = getattr(event, "shipment_id", None) or ""
    rows = []
    for position, line in enumerate(lines_of(event)):
        has_terms = isinstance(line, OrderLine) or (not event.lines and name in _WITH_ORDERED_QUANTITY)
        rows.append(
            {
                "line_id": line.line_id,
                "product_id": line.product_id,
                "pool_id": line.pool_id,
                "state": state,
                "shipped": {parcel: line.quantity} if state is LineState.SHIPPED else {},
                "agreed_at": event.occurred_at.isoformat() if has_terms else None,
                "position": position,
                "quantity": line.quantity if has_terms else None,
                "packs": getattr(line, "packs", None if event.lines else getattr(event, "packs", None)),
            }
            | {
                name: getattr(line, name, None)
                for name in ("unit", "scale", "substitute", "pack_size", "unit_price", "epoch")
            }
        )
    return rows


def lines_in(lines: Iterable[LineFacts], quantities: Mapping[str, int]) -> list[tuple[LineFacts, int | None]]:
    """Return the lines with a quantity in `quantities`, in the order of `lines`; without any, all as ordered."""
    if not quantities:
        return [(line, line.quantity) for line in lines]
    return [(line, quantities[line.line_id]) for line in lines if line.line_id in quantities]


def lines_to_ship(lines: Iterable[LineFacts]) -> list[tuple[LineFacts, int | None]]:
    """Return the lines that have not left, or a part of them, with the quantity that is to follow."""
    return [(line, line.unshipped) for line in lines if line.is_open and line.unshipped != 0]


def lines_to_come(lines: Iterable[LineFacts]) -> list[tuple[LineFacts, int | None]]:
    """Return the lines that have neither arrived nor ended, with their ordered quantity."""
    return [(line, line.quantity) for line in lines if line.is_open]
