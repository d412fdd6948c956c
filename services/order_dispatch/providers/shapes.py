"""JSON shapes of amounts and offers."""

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
