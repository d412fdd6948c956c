"""Creates households through the APIs; each slot becomes low with its next report."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import asyncpg
import httpx

from deploy.demo.company import Company
from deploy.demo.setup import MAX_CONCURRENT, for_each
from deploy.local.stack import Stack
from deploy.local.waiting import until
from replenish_contracts.events import SlotUsed
from replenish_contracts.wire import encode
from tests.bench.load import SLOTS_PER_DEVICE

PROVIDER = "bench"
LEVEL, AT_LEVEL, USED = 100, 95, 10
SETTLED_SECONDS = 120.0
SHIP_TO = {"name": "Ada", "line1": "1 Loop Road", "postal_code": "10115", "city": "Berlin", "country": "DE"}


class Pool(NamedTuple):
    """One slot with its own product, which identifies its order."""

    number: int

    @property
    def product_id(self) -> str:
        return f"bench-{self.number:05d}"

    @property
    def device_id(self) -> str:
        return f"bench-machine-{self.number // SLOTS_PER_DEVICE:04d}"

    @property
    def slot(self) -> str:
        return str(self.number % SLOTS_PER_DEVICE + 1)

    def report(self, at: datetime) -> bytes:
        """Return the report that makes the slot low, as published by the gateway."""
        used = SlotUsed(
            device_id=self.device_id, slot=self.slot, quantity=USED, boot="b1", seq=1, occurred_at=at, received_at=at
        )
        return encode(used, id=f"{self.device_id}/{self.slot}/b1/1", source="/replenish/gateway", time=at)


def pools(count: int) -> list[Pool]:
    return [Pool(number) for number in range(count)]


async def move_in(stack: Stack, wanted: list[Pool]) -> None:
    """Return once every pool has its trigger set."""
    limits = httpx.Limits(max_connections=MAX_CONCURRENT, max_keepalive_connections=MAX_CONCURRENT)
    async with httpx.AsyncClient(timeout=30, limits=limits) as http:
        company = Company(http, stack.urls, stack.home.secret("portal", "operator_key"))
        await company.sign_in()
        await company.ask("order_dispatch", "PUT", f"/v1/providers/{PROVIDER}", {"name": "Bench", "protocol": "kafka"})
        await for_each(wanted, lambda pool: _offer(company, pool))
        await for_each(list(_by_device(wanted)), lambda slots: _household(company, slots))
    database = await asyncpg.connect(stack.home.secret("check", "database_url"))

    async def armed() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM consumption.slot WHERE armed") >= len(wanted))

    try:
        await until(armed, "every slot is watched", within_s=SETTLED_SECONDS, every_s=0.2)
    finally:
        await database.close()


def _by_device(wanted: Iterable[Pool]) -> Iterator[list[Pool]]:
    devices: dict[str, list[Pool]] = {}
    for pool in wanted:
        devices.setdefault(pool.device_id, []).append(pool)
    yield from devices.values()


async def _offer(company: Company, pool: Pool) -> None:
    body = {
        "title": "Pods",
        "pack_size": {"quantity": LEVEL, "unit": "C62"},
        "price": {"amount": "9.90", "currency": "EUR"},
    }
    await company.ask("order_dispatch", "PUT", f"/v1/providers/{PROVIDER}/offers/{pool.product_id}", body)


async def _household(company: Company, slots: list[Pool]) -> None:
    who = {"name": "Ada", "email": f"{slots[0].device_id}@example.org", "ship_to": SHIP_TO}
    customer_id = (await company.ask("portal", "POST", "/v1/customers", who))["customer_id"]
    device = {"device_id": slots[0].device_id, "model": "Bench 1", "slots": [_spec(pool) for pool in slots]}
    await company.ask("portal", "POST", f"/v1/customers/{customer_id}/devices", device)
    for pool in slots:
        wish = {
            "product_id": pool.product_id,
            "provider_id": PROVIDER,
            "pack_size": {"quantity": LEVEL, "unit": "C62"},
            "days": 0,
            "at_level": {"quantity": AT_LEVEL, "unit": "C62"},
        }
        await company.ask("reorder_decision", "POST", f"/v1/customers/{customer_id}/subscriptions", wish)


def _spec(pool: Pool) -> dict[str, object]:
    amount = {"quantity": LEVEL, "unit": "C62"}
    return {
        "slot": pool.slot,
        "name": "Pods",
        "unit": "C62",
        "product_id": pool.product_id,
        "capacity": amount,
        "level": amount,
        "loading": "by_hand",
        "fill": "add",
    }
