"""Shops without a door for programs: the customer is handed a filled cart or a list, orders, and says so.

`account.cart_url` is a template of the shop's address with `{product}`, `{packs}` and `{quantity}` in it, such as
`https://shop.example/cart/add?sku={product}&qty={packs}`; `account.products` gives the shop's own names of products.
Without a template, or of a product without a name where names are given, there is a list only. Nothing is on order
until the customer says so.
"""

from collections.abc import Mapping
from datetime import datetime
from string import Formatter
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from libs.contracts.events import CartCancelAsked, CartPrepared, CartReminded, ShipTo
from libs.contracts.topics import Topic
from libs.units import format_quantity
from services.order_dispatch.domain import Keeper, Order

CALLS = False
RESERVES = False
KEEPER = Keeper.CUSTOMER
#: The shop asks the customer itself.
NEEDS_ADDRESS = False

FIELDS = frozenset({"product", "packs", "quantity"})
#: Longer addresses are cut by some mail programs.
LONGEST_LINK = 2000


Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Account(BaseModel):
    """How a shop's cart is filled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cart_url: Annotated[str, StringConstraints(min_length=9, max_length=1000)] | None = None
    products: Annotated[dict[str, Name], Field(max_length=5000, default_factory=dict)]


def check_account(account: Mapping[str, Any]) -> None:
    """Raise ValueError where no cart link can be made of this account."""
    template = _read(account).cart_url
    if template is None:
        return
    if not template.isascii() or not template.isprintable() or any(letter in " <>\"'`" for letter in template):
        raise ValueError("cart_url: percent-encode what is not plain ASCII, spaces and quotes")
    try:
        fields = [name for _, name, spec, conversion in Formatter().parse(template) if name is not None]
        plain = all(not spec and not conversion for _, _, spec, conversion in Formatter().parse(template))
        parts = urlsplit(template)
    except ValueError:
        raise ValueError("cart_url: it cannot be read") from None
    if not plain or not set(fields) <= FIELDS or "product" not in fields:
        raise ValueError("cart_url: name {product}, and {packs} or {quantity} where the shop takes a number")
    if parts.scheme != "https" or not parts.hostname or "{" in parts.netloc or parts.username is not None:
        raise ValueError("cart_url: begin with https:// and the shop's own host")


def cart_url(order: Order, account: Mapping[str, Any]) -> str | None:
    """Return the address that fills the shop's cart, all ASCII; None where only a list can be given."""
    shop = _read(account)
    product = shop.products.get(order.product_id) if shop.products else order.product_id
    if shop.cart_url is None or product is None:
        return None
    values = {"product": product, "packs": order.packs, "quantity": format_quantity(order.quantity, order.scale)}
    link = shop.cart_url.format_map({name: quote(str(value), safe="") for name, value in values.items()})
    return link if len(link) <= LONGEST_LINK else None


def _read(account: Mapping[str, Any]) -> Account:
    try:
        return Account.model_validate(dict(account))
    except ValidationError as wrong:
        first = wrong.errors()[0]
        raise ValueError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None


def topics(provider_id: str) -> tuple[Topic, ...]:  # noqa: ARG001  # the shop is told nothing
    return ()


def deliver(order: Order, ship_to: ShipTo | None, at: datetime) -> tuple[CartPrepared]:  # noqa: ARG001  # the shop asks
    prepared = CartPrepared(**order.fact(at), packs=order.packs, quantity=order.quantity, answer_by=order.answer_by)
    return (prepared,)


def cancel(order: Order, at: datetime) -> tuple[CartCancelAsked]:
    return (CartCancelAsked(**order.fact(at), reason=order.cancellation.reason if order.cancellation else ""),)


def status(order: Order, at: datetime) -> tuple[CartReminded]:
    return (CartReminded(**order.fact(at), answer_by=order.answer_by if order.is_unanswered else None),)
