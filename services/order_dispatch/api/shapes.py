"""How orders, providers and offers look in JSON, and what is accepted of them."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

from asyncpg import Record
from pydantic import BaseModel, ConfigDict, Field

from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.units import (
    BaseUnit,
    InvalidAmountError,
    base_unit,
    format_money,
    format_quantity,
    parse_money,
    parse_quantity,
)
from services.order_dispatch.domain import Offer, Order

Short = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
Amount = Annotated[str, Field(max_length=100)] | int | float


#: Of an order, what is shown in another shape or for nobody's eyes.
KEPT = (
    *("unit", "scale", "currency", "step", "asks", "look_at", "shipped_quantity", "billed_currency"),
    *("returned_quantity", "given_back", "reserved_at", "authorized_at", "sent_at", "doubtful_until"),
    *("keeper", "taken", "taken_for", "counted_quantity"),
)


class Body(BaseModel):
    """What somebody sends; a field nobody knows is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class QuantityBody(Body):
    """A quantity in any spelling of its unit."""

    quantity: Amount
    unit: Short


class MoneyBody(Body):
    """A price in decimals of its currency."""

    amount: Amount
    currency: Short


class OfferBody(Body):
    """One product in one pack."""

    title: Short
    pack_size: QuantityBody
    #: A pack that is no whole number of its unit needs decimal places.
    scale: Annotated[int, Field(ge=0, le=6)] = 0
    price: MoneyBody
    available: bool = True


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


def read_offer(provider_id: str, product_id: str, body: OfferBody) -> Offer:
    """Return the offer in whole steps and minor units; a Problem names the field that is not clear."""
    field = "pack_size"
    try:
        unit = base_unit(body.pack_size.unit)
        pack_size = parse_quantity(body.pack_size.quantity, body.pack_size.unit, base=unit, scale=body.scale)
        field = "price"
        price = parse_money(body.price.amount, body.price.currency)
    except InvalidAmountError as refused:
        error = {"field": field, "problem": refused.problem, "remedy": refused.remedy}
        raise ProblemError(
            422, refused.code, f"The {field} is not clear", detail=str(refused), errors=[error]
        ) from refused
    if pack_size == 0:
        raise ProblemError(
            422, "out_of_range", "A pack holds something", errors=[{"field": "pack_size", "problem": "is 0"}]
        )
    return Offer(
        provider_id, product_id, body.title, pack_size, unit, body.scale, price, body.price.currency, body.available
    )


def quantity(steps: int, unit: BaseUnit, scale: int) -> dict[str, str]:
    return {"quantity": format_quantity(steps, scale), "unit": unit.value}


def money(minor: int | None, currency: str | None) -> dict[str, str] | None:
    if minor is None or currency is None:
        return None
    return {"amount": format_money(minor, currency), "currency": currency}


def show_offer(offer: Offer) -> dict[str, Any]:
    return {
        "product_id": offer.product_id,
        "title": offer.title,
        "pack_size": quantity(offer.pack_size, offer.unit, offer.scale),
        "price": money(offer.price, offer.currency),
        "available": offer.available,
    }


def show_order(order: Order) -> dict[str, Any]:
    """Return an order as its reader sees it; what the service keeps for itself is left out."""
    shown = asdict(order)
    for kept in KEPT:
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
        "refunded": money(order.given_back or None, order.currency),
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
