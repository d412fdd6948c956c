"""Operator calls through the APIs before the year begins."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import httpx

from deploy.demo.consumables import consumable_of
from deploy.demo.households import COLLECT_HOURS, COLLECTING_DAYS, DAYS, Household, Provider, Slot
from deploy.local.errors import StackError

#: A killed service is ready again well within this.
TIMEOUT_SECONDS = 30.0
PAUSE_SECONDS = 0.2
RETRYABLE = frozenset({409, 425, 429, 500, 502, 503, 504})


class Company:
    """API client of the operator; retries while a service is unavailable and raises on every other error."""

    def __init__(self, http: httpx.AsyncClient, urls: Mapping[str, str], operator_key: str) -> None:
        self._http, self._urls, self._operator_key = http, urls, operator_key
        #: Operator's bearer token, valid for one hour.
        self.token = ""
        self._spares = 0

    async def sign_in(self) -> None:
        answer = await self.ask("portal", "POST", "/v1/tokens", {"operator_key": self._operator_key})
        self.token = answer["access_token"]

    async def as_provider(self, provider_id: str, key: str) -> "Company":
        """Return a client that is signed in as the provider."""
        provider = Company(self._http, self._urls, "")
        answer = await provider.ask("portal", "POST", "/v1/tokens", {"provider_id": provider_id, "provider_key": key})
        provider.token = answer["access_token"]
        return provider

    async def add_provider(self, provider: Provider) -> None:
        path = f"/v1/providers/{provider.provider_id}"
        await self.ask("order_dispatch", "PUT", path, {"name": provider.name, "protocol": "kafka"})

    async def add_offer(self, provider: Provider, category: str, cents: int) -> None:
        consumable = consumable_of(category)
        quantity, unit = consumable.pack
        body = {
            "title": category.replace("-", " "),
            "pack_size": {"quantity": quantity, "unit": unit},
            "scale": consumable.scale,
            "price": {"amount": f"{cents // 100}.{cents % 100:02}", "currency": "USD"},
        }
        await self.ask("order_dispatch", "PUT", f"/v1/providers/{provider.provider_id}/offers/{category}", body)

    async def join(self, household: Household) -> str:
        """Create the customer; return its id."""
        body = {"name": household.name, "email": household.email, "ship_to": household.ship_to}
        answer = await self.ask("portal", "POST", "/v1/customers", body | {"time_zone": "America/Chicago"})
        return str(answer["customer_id"])

    async def register(self, customer_id: str, device_id: str, slots: Sequence[Slot]) -> str:
        """Register a device; return its credential, which the API returns only once."""
        body = {"device_id": device_id, "model": device_id.partition("-")[0], "slots": [_spec(slot) for slot in slots]}
        answer = await self.ask("portal", "POST", f"/v1/customers/{customer_id}/devices", body)
        return str(answer["credential"])

    async def register_spare(self, customer_id: str, device_id: str = "") -> None:
        """Register another device, without a subscription."""
        self._spares += 1
        slot = {
            "slot": "1",
            "name": "lamp oil",
            "product_id": "lamp-oil",
            "unit": "MLT",
            "capacity": 1000,
            "level": 800,
        }
        body = {"device_id": device_id or f"spare-{self._spares}", "model": "spare", "slots": [slot]}
        await self.ask("portal", "POST", f"/v1/customers/{customer_id}/devices", body)

    async def count_shelf(self, customer_id: str, slot: Slot, steps: int) -> None:
        """Report the shelf stock of the first day."""
        quantity, unit = slot.consumable.format(steps, spelling=0)
        path = f"/v1/customers/{customer_id}/stock/{slot.product_id}/count"
        await self.ask("inventory", "POST", path, {"quantity": quantity, "unit": unit})

    async def subscribe(self, customer_id: str, slot: Slot, household: Household) -> None:
        quantity, unit = slot.consumable.pack
        body = {
            "product_id": slot.product_id,
            "provider_id": household.provider.provider_id,
            "packs": slot.series.packs,
            "pack_size": {"quantity": quantity, "unit": unit},
            "mode": "auto",
            "days": COLLECTING_DAYS if household.collects else DAYS,
            "collect_hours": COLLECT_HOURS if household.collects else 0,
        }
        await self.ask("reorder_decision", "POST", f"/v1/customers/{customer_id}/subscriptions", body)

    async def sign_in_link(self, customer_id: str) -> str:
        answer = await self.ask("portal", "POST", f"/v1/customers/{customer_id}/sign-in-links", {})
        return str(answer["url"])

    async def ask(self, service: str, method: str, path: str, body: Any = None) -> Any:
        """Call a service's API; POSTs carry an Idempotency-Key, so retries are safe."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4())
        deadline = asyncio.get_running_loop().time() + TIMEOUT_SECONDS
        while True:
            error_text = ""
            try:
                answer = await self._http.request(method, self._urls[service] + path, json=body, headers=headers)
                if answer.is_success:
                    return answer.json() if answer.content else None
                error_text = f"{answer.status_code} {answer.text[:300]}"
                if answer.status_code not in RETRYABLE:
                    raise StackError(f"{method} {path} at {service}: {error_text}")
            except httpx.TransportError as error:
                error_text = repr(error)
            if asyncio.get_running_loop().time() > deadline:
                raise StackError(f"{method} {path} at {service}: {error_text}")
            await asyncio.sleep(PAUSE_SECONDS)


def _spec(slot: Slot) -> dict[str, Any]:
    """Return the registration body of a slot; whole numbers are base steps."""
    return {
        "slot": slot.slot,
        "name": slot.product_id.replace("-", " "),
        "product_id": slot.product_id,
        "unit": slot.consumable.unit,
        "scale": slot.consumable.scale,
        "capacity": _amount(slot, slot.capacity),
        "level": _amount(slot, slot.level),
        "loading": slot.consumable.loading,
        "fill": slot.consumable.fill,
    }


def _amount(slot: Slot, steps: int) -> dict[str, str]:
    quantity, unit = slot.consumable.format(steps, spelling=0)
    return {"quantity": quantity, "unit": unit}


def prices(households: Iterable[Household]) -> dict[tuple[str, str], int]:
    """Return the price in cents by (provider, category): the price its first household used to pay."""
    found: dict[tuple[str, str], int] = {}
    for household in households:
        for slot in household.slots:
            found.setdefault((household.provider.provider_id, slot.product_id), max(1, slot.series.price_cents))
    return found
