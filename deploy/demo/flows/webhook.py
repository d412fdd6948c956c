"""App-focused flow: a shop with a signed HTTPS API; we know the customer, each order carries a single-use token."""

from pathlib import Path

from deploy.demo.company import Company
from deploy.demo.flows.street import PRODUCT, Fate, Neighbour, lines_of, offer
from deploy.demo.town import Town
from deploy.local.ports import accepts, free_port
from deploy.local.settings import HOST
from deploy.local.stack import Stack

SECRET = "whsec_Zm91ciB3YXlzIHRvIG9yZGVyLCBzaWRlIGJ5IHNpZGU="  # noqa: S105  # opens nothing but the demo
SOLD_OUT = "gold-filters"
#: Fraction of responses that are lost after the shop has processed the request.
LOST_ANSWERS = 0.5


class WebhookShop:
    """deploy/samples/webhook_shop.py, with half of its responses lost."""

    flow, provider_id = "app_focus", "paper-mill"
    fates = (Fate.DELIVERED, Fate.FOUND, Fate.CANCELLED, Fate.REFUSED)

    def __init__(self, stack: Stack, town: Town, company: Company, book: Path) -> None:
        self._stack, self._town, self._company, self._book = stack, town, company, book
        self._port = free_port()

    def product_for(self, fate: Fate) -> str:
        return SOLD_OUT if fate is Fate.REFUSED else PRODUCT

    async def open(self) -> None:
        command = ["deploy.samples.webhook_shop", "--port", str(self._port), "--provider", self.provider_id]
        command += ["--log", str(self._book), "--secret", SECRET, "--callbacks", self._stack.urls["order_dispatch"]]
        command += ["--ships", "--sold-out", SOLD_OUT, "--error-after", str(LOST_ANSWERS), "--seed", "7"]
        await self._town.start(self._stack, self.provider_id, command, lambda: accepts(HOST, self._port))
        body = {"name": "The Paper Mill", "protocol": "webhook", "url": f"http://{HOST}:{self._port}"}
        path = f"/v1/providers/{self.provider_id}"
        await self._company.ask("order_dispatch", "PUT", path, body | {"cancel_window_hours": 2, "lead_time_days": 2})
        secrets = {"secrets": {"signing": SECRET, "callback": SECRET}}
        await self._company.ask("order_dispatch", "PUT", f"{path}/secrets", secrets)
        for product in (PRODUCT, SOLD_OUT):
            await self._company.ask("order_dispatch", "PUT", f"{path}/offers/{product}", offer(product))

    async def welcome(self, one: Neighbour) -> None:
        """Nothing to do: the first order introduces the customer to the shop."""

    def taken(self) -> int:
        return sum(line["op"] == "accepted" for line in lines_of(self._book))

    async def before_placing(self, one: Neighbour) -> None:
        """Nothing to do: the shop's random generator decides which responses are lost."""

    async def work(self, one: Neighbour) -> None:
        """Nothing to do: the shop ships immediately and reports it by a callback."""
