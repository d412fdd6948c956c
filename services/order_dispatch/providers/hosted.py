"""Hosted shops: stock and orders are kept here, and a person answers requests by mail or on the shop's page.

`account` contains the shop's mail address, language and terms (Terms), which the shop edits itself. An order that
violates a term is refused before stock is reserved, with the term as the reason.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from libs.addresses import Email, InvalidAddressError, parse_country
from libs.addresses.fields import refusing
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.events import ShipTo, ShopCancelRequested, ShopOrderRequested, ShopReminded
from replenish_contracts.units import CURRENCIES, format_money, parse_money
from services.order_dispatch.domain.order import Order, Responder
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.providers.protocol import EVERY_LINE, EventTransport, ProviderProtocol

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Letters and digits of the longest postal codes.
MAX_POSTAL_CODE = 12


def _parse_region(text: str) -> str:
    """Return `DE` or `DE-10`: the postal code's letters and digits, in capitals, without space or hyphen."""
    country, hyphen, code = text.strip().partition("-")
    start = "".join(code.split()).replace("-", "").upper()
    if hyphen and not (start.isascii() and start.isalnum() and len(start) <= MAX_POSTAL_CODE):
        remedy = "write a country, optionally with the start of a postal code, such as DE or DE-10"
        raise InvalidAddressError("region", f"{text[:60]} is no delivery region", remedy)
    return parse_country(country) + (f"-{start}" if hyphen else "")


#: A country, optionally with the start of a postal code: `DE`, `DE-10`.
Region = Annotated[str, AfterValidator(refusing(_parse_region))]
Decimal = Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,3})?$")]


class Terms(BaseModel):
    """Delivery options and terms of a shop; amounts are decimals of `currency`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: Email
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] = "en"
    #: Pick-up address.
    address: Annotated[str, StringConstraints(max_length=300, pattern=NO_NUL)] = ""
    delivery: bool = True
    pick_up: bool = False
    #: Delivery regions; empty means everywhere.
    regions: Annotated[tuple[Region, ...], Field(max_length=500)] = ()
    #: Days of dispatch and pick-up; empty means every day.
    days: Annotated[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Field(max_length=7)] = ()
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] = "EUR"
    minimum: Decimal | None = None
    #: Delivery fee, below the price `free_from`. It is part of the order's price if the payment is collected here,
    #: otherwise it is shown to the customer and paid to the shop.
    fee: Decimal | None = None
    free_from: Decimal | None = None
    #: Largest number of lines of an order; one with more is split.
    max_lines: Annotated[int, Field(ge=1, strict=True)] | None = None

    @model_validator(mode="after")
    def check_terms(self) -> "Terms":
        if not (self.delivery or self.pick_up):
            raise ValueError("set delivery, pick_up or both")
        if self.currency not in CURRENCIES:
            raise ValueError(f"{self.currency} is no active ISO 4217 currency")
        for amount in (self.minimum, self.fee, self.free_from):
            if amount is not None:
                parse_money(amount, self.currency)
        return self


def check_account(account: Mapping[str, Any]) -> None:
    read_terms(account)


def read_terms(account: Mapping[str, Any]) -> Terms:
    """Parse the shop's terms. Raises ValueError with the first invalid field."""
    try:
        return Terms.model_validate(dict(account))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "account"
        raise ValueError(f"{field}: {first['msg']}") from None


def objection(order: Order, provider: Provider, ship_to: ShipTo | None) -> str | None:
    terms = read_terms(provider.account)
    if terms.minimum is not None and order.price is not None and order.currency == terms.currency:
        minimum, goods = parse_money(terms.minimum, terms.currency), order.price - order.fee
        if goods < minimum:
            price = format_money(goods, terms.currency)
            minimum_order = f"a minimum order of {terms.minimum} {terms.currency}"
            return f"{provider.name} has {minimum_order}; this order comes to {price}"
    if not terms.pick_up and terms.regions and ship_to is not None and not serves(terms, ship_to):
        place = "-".join(filter(None, (ship_to.country, ship_to.postal_code)))
        return f"{provider.name} does not deliver to {place}, only to {', '.join(terms.regions[:20])}"
    return None


def delivery_fee(price: int, currency: str, provider: Provider) -> int:
    terms = read_terms(provider.account)
    if terms.fee is None or currency != terms.currency:
        return 0
    is_free = terms.free_from is not None and price >= parse_money(terms.free_from, currency)
    return 0 if is_free else parse_money(terms.fee, currency)


def find_fee(provider: Provider) -> tuple[int, str] | None:
    terms = read_terms(provider.account)
    return None if terms.fee is None else (parse_money(terms.fee, terms.currency), terms.currency)


def serves(terms: Terms, ship_to: ShipTo) -> bool:
    code = "".join(letter for letter in ship_to.postal_code.upper() if letter.isalnum())
    place = f"{ship_to.country}-{code}"
    return not terms.regions or any(place.startswith(region) for region in terms.regions)


def next_day(terms: Terms, at: datetime) -> datetime:
    """Return `at` if the shop works on that day, else the same time on its next working day."""
    days = {WEEKDAYS.index(day) for day in terms.days} or set(range(7))
    return next(at + timedelta(days=ahead) for ahead in range(7) if (at + timedelta(days=ahead)).weekday() in days)


def submit(order: Order, ship_to: ShipTo | None, at: datetime) -> tuple[ShopOrderRequested]:  # noqa: ARG001  # fetched later
    fields = order.agreed_fields(at, order.open_lines)
    return (ShopOrderRequested(**fields, answer_by=order.answer_by),)


def cancel(order: Order, at: datetime) -> tuple[ShopCancelRequested]:
    return (ShopCancelRequested(**order.cancel_fields(at)),)


def status(order: Order, at: datetime) -> tuple[ShopReminded]:
    return (ShopReminded(**order.fields(at), answer_by=order.answer_by if order.is_unanswered else None),)


PROTOCOL = ProviderProtocol(
    name="hosted",
    transport=EventTransport(submit, cancel, status),
    # A shop reports quantities, refusals and parcels per line, but no other prices than the agreed ones.
    lines=replace(EVERY_LINE, price_per_line=False, substitute_per_line=False),
    # Stock is kept here: inventory reserves it before the shop receives the order.
    reserves_stock=True,
    responder=Responder.SHOP,
    # The address is fetched only when the shop opens the order.
    needs_address=False,
    check_account=check_account,
    check_terms=objection,
    delivery_fee=delivery_fee,
    find_fee=find_fee,
)
