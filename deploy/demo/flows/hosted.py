"""App-hosted flow: offers, stock and orders are kept here; the shop polls its orders, and we collect payment."""

from collections.abc import Sequence
from pathlib import Path

from deploy.demo.company import Company
from deploy.demo.environment import Environment
from deploy.demo.flows.customers import (
    PACK,
    PRODUCT,
    SCALE,
    SECOND_PRODUCT,
    SOLD_OUT,
    FlowCustomer,
    Outcome,
    lines_of,
    offer,
)
from deploy.local.ports import accepts
from deploy.local.settings import HOST
from deploy.local.stack import Stack

#: More customers want LAST_ONES than there are packs; SOLD_OUT is out of stock.
LAST_ONES, LAST_PACKS = "last-filters", 3
RACING = 6


class HostedShop:
    """deploy/samples/hosted_shop.py, with stock, and the payment service's sandbox."""

    flow = "app_hosted"
    outcomes = (
        *(Outcome.DELIVERED, Outcome.CANCELLED, Outcome.REFUSED, *[Outcome.RACING] * RACING),
        *(Outcome.BOTH, Outcome.ONE_RETURNED),
    )

    def __init__(self, stack: Stack, environment: Environment, company: Company, log: Path) -> None:
        self._stack, self._environment, self._company, self._log = stack, environment, company, log
        self.provider_id = self._key = ""
        self._is_open = False

    def products_for(self, outcome: Outcome) -> Sequence[str]:
        if outcome in (Outcome.REFUSED, Outcome.RACING):
            return (SOLD_OUT if outcome is Outcome.REFUSED else LAST_ONES,)
        return (PRODUCT, SECOND_PRODUCT)[: outcome.products]

    async def start(self) -> None:
        """Sign up like any shop, be approved, publish offers and count the stock."""
        await self._start_payment_service()
        terms = {"name": "Village Store", "terms": {"email": "store@village.example"}}
        joined = await self._company.ask("portal", "POST", "/v1/shops", terms)
        self.provider_id, self._key = str(joined["provider_id"]), str(joined["provider_key"])
        path = f"/v1/providers/{self.provider_id}"
        listed = await self._company.ask("order_dispatch", "GET", "/v1/providers")
        [mine] = [one for one in listed["providers"] if one["provider_id"] == self.provider_id]
        paid = {"name": mine["name"], "protocol": "hosted", "account": mine["account"], "payment": "sandbox"}
        await self._company.ask("order_dispatch", "PUT", path, paid | {"lead_time_days": 2, "active": True})
        shop = await self._company.as_provider(self.provider_id, self._key)
        for product, packs in ((PRODUCT, 10), (LAST_ONES, LAST_PACKS), (SECOND_PRODUCT, 10), (SOLD_OUT, 0)):
            await shop.ask("order_dispatch", "PUT", f"{path}/offers/{product}", offer(product))
            counted = {"quantity": packs * PACK * 10**SCALE}
            await shop.ask("inventory", "POST", f"/inventories/{product}/count", counted)

    async def _start_payment_service(self) -> None:
        port, log = self._environment.payment_port, self._log.with_name("sandbox-pay.jsonl")
        command = ["deploy.samples.sandbox_pay", "--port", str(port), "--log", str(log)]
        await self._environment.start(self._stack, "sandbox-pay", command, lambda: accepts(HOST, port))

    async def set_up_customer(self, one: FlowCustomer) -> None:
        """Set the customer's payment method and the limit per order."""
        method = {"service": "sandbox", "token": "tok_ok", "mandate": {"amount": "20.00", "currency": "USD"}}
        path = f"/v1/customers/{one.customer_id}/payment-method"
        await self._company.ask("order_dispatch", "PUT", path, method)

    async def before_placing(self, one: FlowCustomer) -> None:
        """Nothing to do: the stock decides."""

    async def ship(self, one: FlowCustomer) -> None:  # noqa: ARG002  # its program works on all orders
        """Start in the morning: until then customers may cancel without asking the shop."""
        if self._is_open:
            return
        self._is_open = True
        urls = self._stack.urls
        command = ["deploy.samples.hosted_shop", "--portal", urls["portal"], "--dispatch", urls["order_dispatch"]]
        command += ["--provider", self.provider_id, "--key", self._key, "--log", str(self._log), "--delivers"]
        command += ["--part-shipments"]
        await self._environment.start(self._stack, "village-store", command, self._has_answered)

    async def _has_answered(self) -> bool:
        return bool(lines_of(self._log))

    def received(self) -> int:
        return sum(line["op"] == "acknowledge" for line in lines_of(self._log))

    async def oversold(self) -> int:
        """Return how many pieces of LAST_ONES were shipped beyond the stock, by the shop's log and our inventory."""
        shop = await self._company.as_provider(self.provider_id, self._key)
        sent = {line["order_id"] for line in lines_of(self._log) if line["op"] == "ship"}
        packs = 0
        for order_id in sent:
            order = await self._company.ask("order_dispatch", "GET", f"/v1/orders/{order_id}")
            packs += sum(line["packs"] for line in order["lines"] if line["product_id"] == LAST_ONES)
        left = (await shop.ask("inventory", "GET", f"/inventories/{LAST_ONES}"))["data"]
        return max(0, packs - LAST_PACKS) * PACK + max(0, -int(left["available"]))
