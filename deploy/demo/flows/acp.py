"""Agentic commerce: a merchant with the ACP checkout, which reports parcels but no deliveries."""

from collections.abc import Sequence
from pathlib import Path

from deploy.demo.company import Company
from deploy.demo.environment import Environment
from deploy.demo.flows.customers import PRODUCT, SECOND_PRODUCT, FlowCustomer, Outcome, lines_of, offer
from deploy.local.ports import accepts, free_port
from deploy.local.settings import HOST
from deploy.local.stack import Stack

SECRET = "whsec_c2l4IHdheXMgdG8gb3JkZXIsIHNpZGUgYnkgc2lkZS4="  # noqa: S105  # opens nothing but the demo


class AcpShop:
    """deploy/samples/acp_shop.py; its dates are of the system's clock, so customers count what has arrived."""

    flow, provider_id = "agentic_checkout", "agent-market"
    outcomes = (Outcome.COUNTED, Outcome.ONE_SHORT)

    def __init__(self, stack: Stack, environment: Environment, company: Company, log: Path) -> None:
        self._stack, self._environment, self._company, self._log = stack, environment, company, log
        self._port = free_port()

    def products_for(self, outcome: Outcome) -> Sequence[str]:
        return (PRODUCT, SECOND_PRODUCT)[: outcome.products]

    async def start(self) -> None:
        command = ["deploy.samples.acp_shop", "--port", str(self._port), "--provider", self.provider_id]
        command += ["--log", str(self._log), "--secret", SECRET, "--callbacks", self._stack.urls["order_dispatch"]]
        command += ["--ships", "--part-shipments"]
        await self._environment.start(self._stack, self.provider_id, command, lambda: accepts(HOST, self._port))
        path = f"/v1/providers/{self.provider_id}"
        server = {"url": f"http://{HOST}:{self._port}", "account": {"signature": "hmac"}}
        body = {"name": "Agent Market", "protocol": "acp", "cancel_window_hours": 2, "lead_time_days": 2, **server}
        await self._company.ask("order_dispatch", "PUT", path, body)
        secrets = {"secrets": {"api_key": SECRET, "callback": SECRET}}
        await self._company.ask("order_dispatch", "PUT", f"{path}/secrets", secrets)
        for product in (PRODUCT, SECOND_PRODUCT):
            await self._company.ask("order_dispatch", "PUT", f"{path}/offers/{product}", offer(product))

    async def set_up_customer(self, one: FlowCustomer) -> None:
        """Nothing to do: the first order introduces the customer to the merchant."""

    def received(self) -> int:
        return sum(line["op"] == "accepted" for line in lines_of(self._log))

    async def before_placing(self, one: FlowCustomer) -> None:
        """Nothing to do: the merchant accepts every order."""

    async def ship(self, one: FlowCustomer) -> None:
        """Nothing to do: the merchant ships immediately and reports it by a callback."""
