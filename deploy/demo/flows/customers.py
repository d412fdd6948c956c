"""Customers of the order flows: one per flow and outcome."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from deploy.demo.company import Company
from deploy.local.errors import StackError

PRODUCT, SECOND_PRODUCT, SOLD_OUT = "filter-papers", "cleaning-tablets", "gold-filters"
CAPACITY, PACK, SCALE = 20, 20, 3
#: Customers with two products order at this level, which lasts longer than COLLECT_HOURS and a lead time.
AT_LEVEL, COLLECT_HOURS = CAPACITY - 4, 24
TIMEOUT_SECONDS, PAUSE_SECONDS = 45.0, 0.1


class Outcome(StrEnum):
    """Intended outcome of a customer's order."""

    DELIVERED = "delivered"
    #: The provider's response is lost; the order is found by reconciliation and not placed twice.
    FOUND = "found"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    #: One of several that compete for the last pieces: delivered or refused.
    RACING = "racing"
    #: Orders of two lines. Both arrive, in two parcels where the provider ships parts.
    BOTH = "both"
    #: One line is cancelled while the other is on its way.
    ONE_CANCELLED = "one-cancelled"
    #: The provider has sold out of one product.
    ONE_REFUSED = "one-refused"
    #: The customer counts what arrives: all of it, or one line short of a piece.
    COUNTED = "counted"
    ONE_SHORT = "one-short"
    ONE_RETURNED = "one-returned"
    #: The provider takes one line per order, so two are placed.
    SPLIT = "split"

    @property
    def products(self) -> int:
        """How many products a customer with this outcome orders together."""
        return len(LINE_ENDS.get(self, ("",)))


#: States in which the lines of two products end.
LINE_ENDS = {
    Outcome.BOTH: ("delivered", "delivered"),
    Outcome.ONE_CANCELLED: ("delivered", "cancelled"),
    Outcome.ONE_REFUSED: ("delivered", "refused"),
    Outcome.COUNTED: ("delivered", "delivered"),
    Outcome.ONE_SHORT: ("delivered", "short"),
    Outcome.ONE_RETURNED: ("delivered", "returned"),
    Outcome.SPLIT: ("delivered", "delivered"),
}


def pieces(count: int) -> dict[str, Any]:
    return {"quantity": count, "unit": "pieces"}


def offer(product_id: str) -> dict[str, Any]:
    """Return a provider's offer of one pack."""
    price = {"amount": "4.50", "currency": "USD"}
    return {"title": product_id.replace("-", " "), "pack_size": pieces(PACK), "scale": SCALE, "price": price}


@dataclass(frozen=True)
class FlowCustomer:
    """A customer with one device, whose orders take one flow; each product has a slot, numbered from 1."""

    provider_id: str
    outcome: Outcome
    customer_id: str
    device_id: str
    credential: str
    products: Sequence[str]

    def use(self, number: int, at: str) -> dict[str, Any]:
        """Return a report of use that makes the slot of the n-th product low; of a single one, a piece is left."""
        quantity = CAPACITY - 1 if len(self.products) == 1 else CAPACITY - AT_LEVEL + 1
        used = {"type": "SlotUsed", "device_id": self.device_id, "slot": str(number + 1), "quantity": quantity}
        return used | {"unit": "C62", "boot": "b1", "seq": 1, "occurred_at": at}


async def create_customer(
    company: Company, provider_id: str, outcome: Outcome, products: Sequence[str], number: int
) -> FlowCustomer:
    """Create customer, device and subscription through the APIs."""
    name = f"{outcome.title()} of {provider_id}"
    ship_to = {"name": name, "line1": "4 Four Ways", "postal_code": "97301", "city": "Salem"}
    ship_to |= {"region": "OR", "country": "US"}
    body = {"name": name, "email": f"{outcome}{number}@{provider_id}.example", "ship_to": ship_to}
    customer_id = str((await company.ask("portal", "POST", "/v1/customers", body))["customer_id"])
    device_id = f"{provider_id}-{outcome}-{number}"
    amounts = {"capacity": pieces(CAPACITY), "level": pieces(CAPACITY), "unit": "C62", "scale": SCALE}
    slots = [
        {"slot": str(position), "name": product_id.replace("-", " "), "product_id": product_id, **amounts}
        | {"loading": "by_hand", "fill": "add"}
        for position, product_id in enumerate(products, start=1)
    ]
    device = {"device_id": device_id, "model": "brewer", "slots": slots}
    registered = await company.ask("portal", "POST", f"/v1/customers/{customer_id}/devices", device)
    return FlowCustomer(provider_id, outcome, customer_id, device_id, str(registered["credential"]), products)


async def subscribe(company: Company, one: FlowCustomer) -> None:
    """Subscribe every product; the order of the last one includes those that wait for it."""
    *waiting, last = one.products
    for product_id in one.products:
        body = {"product_id": product_id, "provider_id": one.provider_id, "packs": 1, "mode": "auto"}
        body |= {"pack_size": pieces(PACK)}
        if waiting:
            collect_hours = 0 if product_id == last else COLLECT_HOURS
            body |= {"days": 0, "at_level": pieces(AT_LEVEL), "collect_hours": collect_hours}
        await company.ask("reorder_decision", "POST", f"/v1/customers/{one.customer_id}/subscriptions", body)


async def orders_of(company: Company, one: FlowCustomer) -> list[dict[str, Any]]:
    """Return a customer's orders with their histories, oldest first; parts of a split order have the same age."""
    listed = await company.ask("order_dispatch", "GET", f"/v1/customers/{one.customer_id}/orders")
    ids = [order["order_id"] for order in reversed(listed["orders"])]
    return [await company.ask("order_dispatch", "GET", f"/v1/orders/{order_id}") for order_id in ids]


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Return the lines of a counterpart's log."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


async def until(what: str, condition: Callable[[], Awaitable[Any]]) -> Any:
    """Return the condition's result as soon as it is true; raises StackError naming `what`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + TIMEOUT_SECONDS
    while not (found := await condition()):
        if loop.time() > deadline:
            raise StackError(f"not within {TIMEOUT_SECONDS:g} s: {what}")
        await asyncio.sleep(PAUSE_SECONDS)
    return found
