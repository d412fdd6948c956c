"""JSON shapes of orders."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

from asyncpg import Record
from pydantic import Field

from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.units import InvalidAmountError, parse_quantity
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.shapes import Amount, Body, Short, money, quantity

#: Fields of Order that are shown in another form or not at all.
INTERNAL_FIELDS = (
    *("unit", "scale", "currency", "step", "status_requests", "check_at", "shipped_quantity", "billed_currency"),
    *("returned_quantity", "refunded", "reserved_at", "authorized_at", "sent_at", "in_flight_until"),
    *("responder", "captured", "captured_quantity", "counted_quantity"),
)


class CancelBody(Body):
    """Reason of a cancellation or a fraud flag."""

    reason: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""


class ModifyBody(Body):
    """The new number of packs."""

    packs: Annotated[int, Field(ge=1, le=10**6)]


class ReceivedBody(Body):
    """Received quantity; the unit defaults to the order's."""

    quantity: Amount
    unit: Short | None = None


class ReturnBody(ReceivedBody):
    """Returned quantity and reason."""

    reason: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""


def show_order(order: Order) -> dict[str, Any]:
    shown = asdict(order)
    for name in INTERNAL_FIELDS:
        del shown[name]
    shipped, counted, returned = order.shipped_quantity, order.counted_quantity, order.returned_quantity
    return shown | {
        "pack_size": quantity(order.pack_size, order.unit, order.scale),
        "quantity": quantity(order.quantity, order.unit, order.scale),
        "shipped": None if shipped is None else quantity(shipped, order.unit, order.scale),
        # The customer's count, if lower than the shipped quantity.
        "counted": None if counted is None else quantity(counted, order.unit, order.scale),
        "price": money(order.price, order.currency),
        # The cost reported by the provider.
        "billed": money(order.billed, order.billed_currency),
        "price_drift": _price_drift(order),
        "returned": None if returned is None else quantity(returned, order.unit, order.scale),
        "refunded": money(order.refunded or None, order.currency),
    }


def _price_drift(order: Order) -> dict[str, str] | None:
    if order.price is None or order.billed is None or order.billed_currency != order.currency:
        return None
    return money(order.billed - order.price, order.currency) if order.billed != order.price else None


def read_amount(body: ReceivedBody, order: Order) -> int:
    """Return the quantity in base steps of the order; raises ProblemError 422."""
    try:
        unit = order.unit.value if body.unit is None else body.unit
        return parse_quantity(body.quantity, unit, base=order.unit, scale=order.scale)
    except InvalidAmountError as error:
        errors = [{"field": "quantity", "problem": error.problem, "remedy": error.remedy}]
        raise ProblemError(422, error.code, "The quantity is invalid", detail=str(error), errors=errors) from error


def show_rows(rows: Iterable[Record]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]
