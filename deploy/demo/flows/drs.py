"""Provider-hosted flow: the customer has linked the device with an account at the shop; Amazon DRS protocol."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from deploy.demo.company import Company
from deploy.demo.environment import Environment
from deploy.demo.flows.customers import PACK, PRODUCT, SECOND_PRODUCT, FlowCustomer, Outcome, lines_of, offer, until
from deploy.local.errors import StackError
from deploy.local.ports import accepts
from deploy.local.settings import HOST
from deploy.local.stack import Stack

ARN = "arn:aws:sns:us-east-1:123456789012:four-ways"
LEAD_DAYS = 2


class DrsShop:
    """deploy/samples/drs_shop.py: Login with Amazon, the API, and its notifications. An order is for one slot."""

    flow, provider_id = "provider_focus", "dash-shop"
    outcomes = (Outcome.DELIVERED, Outcome.FOUND, Outcome.CANCELLED, Outcome.REFUSED, Outcome.SPLIT)

    def __init__(self, stack: Stack, environment: Environment, company: Company, log: Path) -> None:
        self._stack, self._environment, self._company, self._log = stack, environment, company, log
        self._url = f"http://{HOST}:{environment.sns_port}"

    def products_for(self, outcome: Outcome) -> Sequence[str]:
        return (PRODUCT, SECOND_PRODUCT)[: outcome.products]

    async def start(self) -> None:
        command = ["deploy.samples.drs_shop", "--port", str(self._environment.sns_port), "--book", str(self._log)]
        command += ["--listener", f"{self._stack.urls['order_dispatch']}/v1/sns/{self.provider_id}"]
        command += ["--slot", "1", "B0FILTERS", str(PACK), "Count", "--slot", "2", "B0TABLETS", str(PACK), "Count"]
        command += ["--lead-days", str(LEAD_DAYS)]
        command += ["--topic-arn", ARN, "--clock", str(self._environment.clock_file)]
        path = f"/v1/providers/{self.provider_id}"
        body = {"name": "Dash Shop", "protocol": "drs", "cancel_window_hours": 2, "lead_time_days": LEAD_DAYS}
        await self._company.ask("order_dispatch", "PUT", path, body)
        await self._company.ask("order_dispatch", "PUT", f"{path}/link-client", self._client())
        for product in (PRODUCT, SECOND_PRODUCT):
            await self._company.ask("order_dispatch", "PUT", f"{path}/offers/{product}", offer(product))
        await self._environment.start(
            self._stack, self.provider_id, command, lambda: accepts(HOST, self._environment.sns_port)
        )

    def _client(self) -> dict[str, Any]:
        return {
            "authorize_url": f"{self._url}/ap/oa",
            "token_url": f"{self._url}/auth/o2/token",
            "revoke_url": f"{self._url}/auth/o2/revoke",
            "api_url": self._url,
            "client_id": "amzn1.application-oa2-client.sample",
            "client_secret": "sample-secret",
            "scope": "dash:replenish",
            "options": {"device_model": "brewer", "country": "US", "topic_arns": [ARN]},
        }

    async def set_up_customer(self, one: FlowCustomer) -> None:
        """Link the device on the shop's page, then switch on its slots there."""
        body = {"provider_id": self.provider_id, "device_id": one.device_id}
        begun = await self._company.ask("order_dispatch", "POST", f"/v1/customers/{one.customer_id}/links", body)
        async with httpx.AsyncClient(follow_redirects=True, trust_env=False, timeout=30) as browser:
            back = await browser.get(begun["authorize_url"])
        if not back.is_success:
            raise StackError(f"{one.device_id} was not linked: {back.status_code} {back.text[:300]}")
        for slot in range(1, len(one.products) + 1):
            await self._at_counter(f"customer/{one.device_id}/subscribe", slot=str(slot))

    def received(self) -> int:
        return sum(line["op"] == "placed" for line in lines_of(self._log))

    async def before_placing(self, one: FlowCustomer) -> None:
        if one.outcome is Outcome.REFUSED:  # deactivated at the shop; the notification has not arrived yet
            await self._at_counter(f"customer/{one.device_id}/unsubscribe", slot="1", unnotified="true")
        elif one.outcome is Outcome.FOUND:
            await self._at_counter("shop/lose", answers="1")

    async def ship(self, one: FlowCustomer) -> None:
        for instance in await until(f"{one.device_id}'s orders", lambda: self._placed(one)):
            await self._at_counter("shop/ship", instance=instance)

    async def _placed(self, one: FlowCustomer) -> list[str]:
        """Return the shop's own numbers of the customer's orders, once there is one for each product."""
        placed = [line for line in lines_of(self._log) if line["op"] == "placed" and line["serial"] == one.device_id]
        return [str(line["instance"]) for line in placed] if len(placed) == len(one.products) else []

    async def _at_counter(self, path: str, **query: str) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            answer = await http.post(f"{self._url}/{path}", params=query)
        if not answer.is_success:
            raise StackError(f"{path} at {self.provider_id}: {answer.status_code} {answer.text[:300]}")
