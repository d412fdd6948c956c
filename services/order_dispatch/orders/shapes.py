"""JSON shapes of orders."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

from asyncpg import Record
from pydantic import Field

from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.units import (
    InvalidAmountError,
    parse_quantity,
)
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.shapes import Amount, Body, Short, money, quantity

#: Of an order, what is shown in another shape or for nobody's eyes.
INTERNAL_FIELDS = (
    *("unit", "scale", "currency", "step", "status_requests", "check_at", "shipped_quantity", "billed_currency"),
    *("returned_quantity", "refunded", "reserved_at", "authorized_at", "sent_at", "in_flight_until"),
    *("responder", "captured", "captured_quantity", "counted_quantity"),
)


class CancelBody(Body):
    """Why an order is not wanted."""

    reason: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""


class ModifyBody(Body):
    """How many packs are wanted instead."""

    packs: Annotated[int, Field(ge=1, le=10**6)]


class ReceivedBody(Body):
    """How much came, in the unit of the order unless another is named."""

    quantity: Amount
    unit: Short | None = None


class ReturnBody(ReceivedBody):
    """How much goes back, and why."""

    reason: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""


def show_order(order: Order) -> dict[str, Any]:
    """Return an order as its reader sees it; what the service keeps for itself is left out."""
    shown = asdict(order)
    for kept in INTERNAL_FIELDS:
        del shown[kept]
    shipped, counted, returned = order.shipped_quantity, order.counted_quantity, order.returned_quantity
    return shown | {
        "pack_size": quantity(order.pack_size, order.unit, order.scale),
        "quantity": quantity(order.quantity, order.unit, order.scale),
        "shipped": None if shipped is None else quantity(shipped, order.unit, order.scale),
        # What the customer found, where that was less than was said to come.
        "counted": None if counted is None else quantity(counted, order.unit, order.scale),
        "price": money(order.price, order.currency),
        # What the provider says that it costs; unlike the price where prices drifted.
        "billed": money(order.billed, order.billed_currency),
        "price_drift": _drift(order),
        "returned": None if returned is None else quantity(returned, order.unit, order.scale),
        "refunded": money(order.refunded or None, order.currency),
    }


def _drift(order: Order) -> dict[str, str] | None:
    """Return how much more the provider wants than was agreed, in the same currency; None where it is as agreed."""
    if order.price is None or order.billed is None or order.billed_currency != order.currency:
        return None
    return money(order.billed - order.price, order.currency) if order.billed != order.price else None


def read_amount(body: ReceivedBody, order: Order) -> int:
    """Return how much it is in the order's steps; a Problem says what is not clear."""
    try:
        unit = order.unit.value if body.unit is None else body.unit
        return parse_quantity(body.quantity, unit, base=order.unit, scale=order.scale)
    except InvalidAmountError as refused:
        error = {"field": "quantity", "problem": refused.problem, "remedy": refused.remedy}
        raise ProblemError(
            422, refused.code, "The quantity is not clear", detail=str(refused), errors=[error]
        ) from refused


def show_rows(rows: Iterable[Record]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]
