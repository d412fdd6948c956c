"""Assisted flow: a shop without an API; the customer gets a prepared cart, orders there and confirms it."""

from pathlib import Path

from deploy.demo.company import Company
from deploy.demo.flows.street import PRODUCT, Fate, Neighbour, offer, orders_of
from deploy.demo.town import Town
from deploy.local.stack import Stack

CART = "https://market.example/cart/add?sku={product}&n={packs}"


class AssistedShop:
    """A shop that our services never call; its counterpart is the customer."""

    flow, provider_id = "assisted", "street-market"
    fates = (Fate.DELIVERED, Fate.CANCELLED)

    def __init__(self, stack: Stack, town: Town, company: Company, book: Path) -> None:  # noqa: ARG002  # as the others
        self._company = company
        self._ordered = 0

    def product_for(self, fate: Fate) -> str:  # noqa: ARG002  # it has everything
        return PRODUCT

    async def open(self) -> None:
        path = f"/v1/providers/{self.provider_id}"
        body = {"name": "Street Market", "protocol": "assisted", "lead_time_days": 1, "account": {"cart_url": CART}}
        await self._company.ask("order_dispatch", "PUT", path, body)
        await self._company.ask("order_dispatch", "PUT", f"{path}/offers/{PRODUCT}", offer(PRODUCT))

    async def welcome(self, one: Neighbour) -> None:
        """Nothing to do: the shop has no integration."""

    async def before_placing(self, one: Neighbour) -> None:
        """Nothing to do: the order waits for the customer."""

    async def work(self, one: Neighbour) -> None:
        """Order the prepared cart as the customer, and confirm it."""
        for order in await orders_of(self._company, one):
            if order["state"] == "placing":
                path = f"/v1/orders/{order['order_id']}"
                await self._company.ask("order_dispatch", "GET", f"{path}/cart")
                await self._company.ask("order_dispatch", "POST", f"{path}/answer", {"answer": "ordered"})
                self._ordered += 1

    def taken(self) -> int:
        return self._ordered
