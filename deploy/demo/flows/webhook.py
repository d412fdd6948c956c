"""App-focused flow: a shop with a signed HTTPS API; we know the customer, each order carries a single-use token."""

from collections.abc import Sequence
from pathlib import Path

from deploy.demo.company import Company
from deploy.demo.environment import Environment
from deploy.demo.flows.customers import PRODUCT, SECOND_PRODUCT, SOLD_OUT, FlowCustomer, Outcome, lines_of, offer
from deploy.local.ports import accepts, free_port
from deploy.local.settings import HOST
from deploy.local.stack import Stack

SECRET = "whsec_Zm91ciB3YXlzIHRvIG9yZGVyLCBzaWRlIGJ5IHNpZGU="  # noqa: S105  # opens nothing but the demo
#: Fraction of responses that are lost after the shop has processed the request.
LOST_ANSWERS = 0.5


class WebhookShop:
    """deploy/samples/webhook_shop.py, with half of its responses lost."""

    flow, provider_id = "app_focus", "paper-mill"
    outcomes = (
        *(Outcome.DELIVERED, Outcome.FOUND, Outcome.CANCELLED, Outcome.REFUSED),
        *(Outcome.BOTH, Outcome.ONE_REFUSED),
    )

    def __init__(self, stack: Stack, environment: Environment, company: Company, log: Path) -> None:
        self._stack, self._environment, self._company, self._log = stack, environment, company, log
        self._port = free_port()

    def products_for(self, outcome: Outcome) -> Sequence[str]:
        if outcome is Outcome.REFUSED:
            return (SOLD_OUT,)
        return (PRODUCT, SOLD_OUT if outcome is Outcome.ONE_REFUSED else SECOND_PRODUCT)[: outcome.products]

    async def start(self) -> None:
        command = ["deploy.samples.webhook_shop", "--port", str(self._port), "--provider", self.provider_id]
        command += ["--log", str(self._log), "--secret", SECRET, "--callbacks", self._stack.urls["order_dispatch"]]
        command += [
            "--ships",
            "--part-shipments",
            "--sold-out",
            SOLD_OUT,
            "--error-after",
            str(LOST_ANSWERS),
            "--seed",
            "7",
        ]
        await self._environment.start(self._stack, self.provider_id, command, lambda: accepts(HOST, self._port))
        body = {"name": "The Paper Mill", "protocol": "webhook", "url": f"http://{HOST}:{self._port}"}
        path = f"/v1/providers/{self.provider_id}"
        await self._company.ask("order_dispatch", "PUT", path, body | {"cancel_window_hours": 2, "lead_time_days": 2})
        secrets = {"secrets": {"signing": SECRET, "callback": SECRET}}
        await self._company.ask("order_dispatch", "PUT", f"{path}/secrets", secrets)
        for product in (PRODUCT, SECOND_PRODUCT, SOLD_OUT):
            await self._company.ask("order_dispatch", "PUT", f"{path}/offers/{product}", offer(product))

    async def set_up_customer(self, one: FlowCustomer) -> None:
        """Nothing to do: the first order introduces the customer to the shop."""

    def received(self) -> int:
        return sum(line["op"] == "accepted" for line in lines_of(self._log))

    async def before_placing(self, one: FlowCustomer) -> None:
        """Nothing to do: the shop's random generator decides which responses are lost."""

    async def ship(self, one: FlowCustomer) -> None:
        """Nothing to do: the shop ships immediately and reports it by a callback."""
