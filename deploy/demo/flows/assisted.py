"""Assisted flow: a shop without an API; the customer gets a prepared cart, orders there and confirms it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.demo.company import Company
from deploy.demo.environment import Environment
from deploy.demo.flows.customers import PRODUCT, SECOND_PRODUCT, FlowCustomer, Outcome, offer, orders_of
from deploy.local.stack import Stack

CART = "https://market.example/cart/add?sku={product}&n={packs}"


class AssistedShop:
    """A shop that our services never call; its counterpart is the customer."""

    flow, provider_id = "assisted", "street-market"
    outcomes: tuple[Outcome, ...] = (Outcome.DELIVERED, Outcome.CANCELLED, Outcome.BOTH)
    name = "Street Market"
    account: Mapping[str, Any] = {"cart_url": CART}

    def __init__(self, stack: Stack, environment: Environment, company: Company, log: Path) -> None:  # noqa: ARG002  # as the others
        self._company = company
        self._ordered = 0

    def products_for(self, outcome: Outcome) -> Sequence[str]:
        return (PRODUCT, SECOND_PRODUCT)[: outcome.products]

    async def start(self) -> None:
        path = f"/v1/providers/{self.provider_id}"
        body = {"name": self.name, "protocol": "assisted", "lead_time_days": 1, "account": self.account}
        await self._company.ask("order_dispatch", "PUT", path, body)
        for product in (PRODUCT, SECOND_PRODUCT):
            await self._company.ask("order_dispatch", "PUT", f"{path}/offers/{product}", offer(product))

    async def set_up_customer(self, one: FlowCustomer) -> None:
        """Nothing to do: the shop has no integration."""

    async def before_placing(self, one: FlowCustomer) -> None:
        """Nothing to do: the order waits for the customer."""

    async def ship(self, one: FlowCustomer) -> None:
        """Order the prepared cart as the customer, and confirm it."""
        for order in await orders_of(self._company, one):
            if order["state"] == "placing":
                path = f"/v1/orders/{order['order_id']}"
                await self._company.ask("order_dispatch", "GET", f"{path}/cart")
                await self._company.ask("order_dispatch", "POST", f"{path}/answer", {"answer": "ordered"})
                self._ordered += 1

    def received(self) -> int:
        return self._ordered


class OneLineShop(AssistedShop):
    """A shop that takes one product per order, as its account says."""

    flow, provider_id = "one_line_orders", "corner-stall"
    outcomes = (Outcome.SPLIT,)
    name = "Corner Stall"
    account: Mapping[str, Any] = {"cart_url": CART, "max_lines": 1}
