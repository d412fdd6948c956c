"""JSON of amounts and offers in the HTTP API."""

from typing import Annotated, Any

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
from services.order_dispatch.domain.provider import Offer

Short = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
Amount = Annotated[str, Field(max_length=100)] | int | float


class Body(BaseModel):
    """Base of request bodies; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class QuantityBody(Body):
    """A quantity in any unit that can be converted, e.g. `500` and `g`."""

    quantity: Amount
    unit: Short


class MoneyBody(Body):
    """An amount as a decimal of its currency, e.g. `9.99` and `EUR`."""

    amount: Amount
    currency: Short


class OfferBody(Body):
    """Price and pack size of a product."""

    title: Short
    pack_size: QuantityBody
    #: Decimal places of the pack size in base units.
    scale: Annotated[int, Field(ge=0, le=6)] = 0
    price: MoneyBody
    available: bool = True


def read_offer(provider_id: str, product_id: str, body: OfferBody) -> Offer:
    """Convert to base steps and minor units. Raises ProblemError 422 with the invalid field."""
    field = "pack_size"
    try:
        unit = base_unit(body.pack_size.unit)
        pack_size = parse_quantity(body.pack_size.quantity, body.pack_size.unit, base=unit, scale=body.scale)
        field = "price"
        price = parse_money(body.price.amount, body.price.currency)
    except InvalidAmountError as error:
        errors = [{"field": field, "problem": error.problem, "remedy": error.remedy}]
        raise ProblemError(422, error.code, f"The {field} is not valid", detail=str(error), errors=errors) from error
    if pack_size == 0:
        errors = [{"field": "pack_size", "problem": "is 0", "remedy": "send what one pack contains"}]
        raise ProblemError(422, "out_of_range", "The pack size must be greater than 0", errors=errors)
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
