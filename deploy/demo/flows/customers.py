"""Customers of the four order flows: one per flow and outcome."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from deploy.demo.company import Company
from deploy.local.errors import StackError

PRODUCT, CAPACITY, PACK, SCALE = "filter-papers", 20, 20, 3
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


def pieces(count: int) -> dict[str, Any]:
    return {"quantity": count, "unit": "pieces"}


def offer(product_id: str) -> dict[str, Any]:
    """Return a provider's offer of one pack."""
    price = {"amount": "4.50", "currency": "USD"}
    return {"title": product_id.replace("-", " "), "pack_size": pieces(PACK), "scale": SCALE, "price": price}


@dataclass(frozen=True)
class FlowCustomer:
    """A customer with one device of one slot, whose orders take one flow."""

    provider_id: str
    outcome: Outcome
    customer_id: str
    device_id: str
    credential: str
    product_id: str

    def use(self, at: str) -> dict[str, Any]:
        """Return a report of use that leaves one piece."""
        used = {"type": "SlotUsed", "device_id": self.device_id, "slot": "1", "quantity": CAPACITY - 1, "unit": "C62"}
        return used | {"boot": "b1", "seq": 1, "occurred_at": at}


async def create_customer(
    company: Company, provider_id: str, outcome: Outcome, product_id: str, number: int
) -> FlowCustomer:
    """Create customer, device and subscription through the APIs."""
    name = f"{outcome.title()} of {provider_id}"
    ship_to = {"name": name, "line1": "4 Four Ways", "postal_code": "97301", "city": "Salem", "country": "US"}
    body = {"name": name, "email": f"{outcome}{number}@{provider_id}.example", "ship_to": ship_to}
    customer_id = str((await company.ask("portal", "POST", "/v1/customers", body))["customer_id"])
    device_id = f"{provider_id}-{outcome}-{number}"
    slot = {"slot": "1", "name": "filter papers", "product_id": product_id, "unit": "C62", "scale": SCALE}
    slot |= {"capacity": pieces(CAPACITY), "level": pieces(CAPACITY), "loading": "by_hand", "fill": "add"}
    device = {"device_id": device_id, "model": "brewer", "slots": [slot]}
    registered = await company.ask("portal", "POST", f"/v1/customers/{customer_id}/devices", device)
    return FlowCustomer(provider_id, outcome, customer_id, device_id, str(registered["credential"]), product_id)


async def subscribe(company: Company, one: FlowCustomer) -> None:
    body = {"product_id": one.product_id, "provider_id": one.provider_id, "packs": 1, "mode": "auto"}
    body |= {"pack_size": pieces(PACK)}
    await company.ask("reorder_decision", "POST", f"/v1/customers/{one.customer_id}/subscriptions", body)


async def orders_of(company: Company, one: FlowCustomer) -> list[dict[str, Any]]:
    """Return a customer's orders with their histories, oldest first."""
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
