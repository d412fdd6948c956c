"""Shops without an API: the customer gets a link to a filled cart or a list, orders there, and confirms.

`account.cart_url` is a URL template with the fields `{product}`, `{packs}` and `{quantity}`, such as
`https://shop.example/cart/add?sku={product}&qty={packs}`; `account.products` maps our product ids to the shop's.
Without a template, or for a product that a non-empty map lacks, there is only a list. Nothing counts as on order
until the customer confirms.
"""

from collections.abc import Mapping
from datetime import datetime
from string import Formatter
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from replenish_contracts.events import CartCancelRequested, CartPrepared, CartReminded, ShipTo
from replenish_contracts.units import format_quantity
from services.order_dispatch.domain.lines import OrderLine
from services.order_dispatch.domain.order import Order, Responder
from services.order_dispatch.providers.protocol import EventTransport, LineSupport, ProviderProtocol

FIELDS = frozenset({"product", "packs", "quantity"})
#: Some mail programs truncate longer links.
LONGEST_LINK = 2000
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Account(BaseModel):
    """Settings for the shop's cart links."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cart_url: Annotated[str, StringConstraints(min_length=9, max_length=1000)] | None = None
    products: Annotated[dict[str, Name], Field(max_length=5000, default_factory=dict)]
    #: Largest number of lines of an order; one with more is split.
    max_lines: Annotated[int, Field(ge=1, strict=True)] | None = None


def check_account(account: Mapping[str, Any]) -> None:
    template = _read(account).cart_url
    if template is None:
        return
    if not template.isascii() or not template.isprintable() or any(letter in " <>\"'`" for letter in template):
        raise ValueError("cart_url: percent-encode spaces, quotes and non-ASCII characters")
    try:
        fields = [name for _, name, spec, conversion in Formatter().parse(template) if name is not None]
        plain = all(not spec and not conversion for _, _, spec, conversion in Formatter().parse(template))
        parts = urlsplit(template)
    except ValueError:
        raise ValueError("cart_url: this is not a valid URL template") from None
    if not plain or not set(fields) <= FIELDS or "product" not in fields:
        raise ValueError("cart_url: use only {product}, {packs} and {quantity}; {product} is required")
    if parts.scheme != "https" or not parts.hostname or "{" in parts.netloc or parts.username is not None:
        raise ValueError("cart_url: start with https:// and the shop's host name")


def cart_url(line: OrderLine, account: Mapping[str, Any]) -> str | None:
    """Return the ASCII link that puts a line into the shop's cart; None if there is only a list."""
    shop = _read(account)
    product = shop.products.get(line.product_id) if shop.products else line.product_id
    if shop.cart_url is None or product is None:
        return None
    values = {"product": product, "packs": line.packs, "quantity": format_quantity(line.quantity, line.scale)}
    link = shop.cart_url.format_map({name: quote(str(value), safe="") for name, value in values.items()})
    return link if len(link) <= LONGEST_LINK else None


def _read(account: Mapping[str, Any]) -> Account:
    try:
        return Account.model_validate(dict(account))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None


def submit(order: Order, ship_to: ShipTo | None, at: datetime) -> tuple[CartPrepared]:  # noqa: ARG001  # the customer enters it
    fields = order.agreed_fields(at, order.open_lines)
    return (CartPrepared(**fields, answer_by=order.answer_by),)


def cancel(order: Order, at: datetime) -> tuple[CartCancelRequested]:
    return (CartCancelRequested(**order.cancel_fields(at)),)


def status(order: Order, at: datetime) -> tuple[CartReminded]:
    return (CartReminded(**order.fields(at), answer_by=order.answer_by if order.is_unanswered else None),)


PROTOCOL = ProviderProtocol(
    name="assisted",
    transport=EventTransport(submit, cancel, status),
    # The customer orders at the shop, and answers for all lines at once; what arrived is counted per line.
    lines=LineSupport(cancel_line=True),
    responder=Responder.CUSTOMER,
    # The customer enters the address in the shop.
    needs_address=False,
    check_account=check_account,
)
