"""Events: a provider that reads and writes its own topics, and ships the first of several lines a day later."""

from collections.abc import Sequence
from pathlib import Path

from deploy.demo.company import Company
from deploy.demo.environment import Environment
from deploy.demo.flows.customers import PRODUCT, SECOND_PRODUCT, SOLD_OUT, FlowCustomer, Outcome, lines_of, offer
from deploy.demo.parcels import ProviderLog
from deploy.local.stack import Stack

LEAD_DAYS = 1


class KafkaShop:
    """deploy/samples/provider.py, in two parcels and with a product that is sold out."""

    flow, provider_id = "events", "bean-works"
    outcomes = (Outcome.BOTH, Outcome.ONE_CANCELLED, Outcome.ONE_REFUSED)

    def __init__(self, stack: Stack, environment: Environment, company: Company, log: Path) -> None:
        self._stack, self._environment, self._company, self._log = stack, environment, company, log

    def products_for(self, outcome: Outcome) -> Sequence[str]:
        return PRODUCT, SOLD_OUT if outcome is Outcome.ONE_REFUSED else SECOND_PRODUCT

    async def start(self) -> None:
        path = f"/v1/providers/{self.provider_id}"
        body = {"name": "Bean Works", "protocol": "kafka", "lead_time_days": LEAD_DAYS, "cancel_window_hours": 2}
        await self._company.ask("order_dispatch", "PUT", path, body)
        for product in (PRODUCT, SECOND_PRODUCT, SOLD_OUT):
            await self._company.ask("order_dispatch", "PUT", f"{path}/offers/{product}", offer(product))
        self._environment.logs[self.provider_id] = ProviderLog(self._log, reports_delivery=True, part_shipments=True)
        command = ["deploy.samples.provider", "--kafka", self._stack.backends.kafka_url, "--log", str(self._log)]
        command += ["--provider", self.provider_id, "--name", self.provider_id, "--lead-days", str(LEAD_DAYS)]
        command += ["--clock", str(self._environment.clock_file), "--delivers", "--part-shipments"]
        command += ["--sold-out", SOLD_OUT]
        await self._environment.start(self._stack, self.provider_id, command, self._writes)

    async def _writes(self) -> bool:
        return self._log.exists()

    async def set_up_customer(self, one: FlowCustomer) -> None:
        """Nothing to do: the first order introduces the customer to the provider."""

    def received(self) -> int:
        return sum(line["op"] == "accepted" for line in lines_of(self._log))

    async def before_placing(self, one: FlowCustomer) -> None:
        """Nothing to do: the provider knows what is sold out."""

    async def ship(self, one: FlowCustomer) -> None:
        """Nothing to do: the provider ships by its clock."""
