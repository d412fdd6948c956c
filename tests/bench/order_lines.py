"""CPU time of order-dispatch and reorder-decision for an order of ten lines, against an order of one, in alternating blocks."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, NamedTuple, Self

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.demo.company import Company
from deploy.demo.setup import MAX_CONCURRENT, for_each
from deploy.local.stack import Stack
from deploy.local.waiting import until
from replenish_contracts.events import OrderUpdated, SlotUsed, UpdateStatus
from replenish_contracts.topics import PARTITIONS, partition_for
from replenish_contracts.wire import encode
from tests.bench.chain import quiet
from tests.bench.gauge import Gauge, cpu_seconds, spent_us
from tests.bench.pools import AT_LEVEL, LEVEL, SHIP_TO, USED

PROVIDER, MANY = "bench-lines", 10
SERVICES = ("order-dispatch", "reorder-decision")
#: Longer than the run, and short enough that what is left of a product lasts beyond it.
COLLECT_HOURS = 24
ARRIVED_SECONDS = 60.0
UPDATES = (UpdateStatus.ACCEPTED, UpdateStatus.SHIPPED, UpdateStatus.DELIVERED)

DELIVERED = """
-- delivered_lines
SELECT count(*) FROM order_dispatch.order_line JOIN order_dispatch.orders USING (order_id)
WHERE provider_id = $1 AND order_line.state = 'delivered'
"""


class Home(NamedTuple):
    """A device whose slots are ordered together: the last one's order includes the others, which wait for it."""

    number: int
    lines: int

    @property
    def device_id(self) -> str:
        return f"bench-lines-{self.lines}-{self.number:04d}"

    def report(self, slot: int) -> bytes:
        """Return the report that makes a slot low."""
        at = datetime.now(UTC)
        ids = {"device_id": self.device_id, "slot": str(slot)}
        used = SlotUsed(**ids, quantity=USED, boot="b1", seq=1, occurred_at=at, received_at=at)
        return encode(used, id=f"{self.device_id}/{slot}/b1/1", source="/replenish/gateway", time=at)


async def compare_lines(stack: Stack, gauges: Sequence[Gauge], orders: int, rounds: int) -> dict[str, Any]:
    """Order `orders` times one line and as often ten, `rounds` times; return the CPU per order and their ratio."""
    homes = {lines: [Home(number, lines) for number in range(orders * rounds)] for lines in (1, MANY)}
    await _move_in(stack, [*homes[1], *homes[MANY]])
    services = [gauge for gauge in gauges if gauge.name in SERVICES]
    spent: dict[int, list[float]] = {1: [], MANY: []}
    async with _Provider(stack) as provider:
        for number in range(rounds):
            for lines, all_homes in homes.items():
                block = all_homes[number * orders : (number + 1) * orders]
                await provider.report(block, range(1, lines))
                await quiet(stack)
                before = cpu_seconds(services)
                await provider.report(block, [lines])
                await provider.deliver(block)
                await quiet(stack)
                spent[lines].append(sum(spent_us(before, cpu_seconds(services), len(block)).values()))
    ratios = [many / one for one, many in zip(spent[1], spent[MANY], strict=True)]
    figures = {
        "orders": orders * rounds,
        "one_line_cpu_us": [round(us) for us in spent[1]],
        "ten_lines_cpu_us": [round(us) for us in spent[MANY]],
    }
    return {"ten_lines_vs_one": round(median(ratios), 2), "order_lines": figures}


class _Provider:
    """The provider of these orders, and the cloud of the devices."""

    def __init__(self, stack: Stack) -> None:
        kafka_url = stack.backends.kafka_url
        self._consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False)
        self._producer = AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all", compression_type="lz4")
        self._check_url = stack.home.secret("check", "database_url")
        self._delivered = 0

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        await self._producer.start()
        place = TopicPartition(f"provider-orders-{PROVIDER}", 0)
        self._consumer.assign([place])
        self._consumer.seek(place, 0)
        self._database = await asyncpg.connect(self._check_url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()
        await self._producer.stop()
        await self._consumer.stop()

    async def report(self, homes: Iterable[Home], slots: Iterable[int]) -> None:
        for home in homes:
            key = home.device_id.encode()
            for slot in slots:
                await self._producer.send("usage", home.report(slot), key, partition=partition_for(key, PARTITIONS))
        await self._producer.flush()

    async def deliver(self, homes: Sequence[Home]) -> None:
        """Accept, ship and deliver an order of each household; raises RuntimeError if lines are missing."""
        async with asyncio.timeout(ARRIVED_SECONDS):
            for _ in homes:
                requested = json.loads((await self._consumer.getone()).value)["data"]
                if len(requested["lines"]) != homes[0].lines:
                    raise RuntimeError(f"an order of {len(requested['lines'])} lines instead of {homes[0].lines}")
                await self._update(requested["order_id"])
        await self._producer.flush()
        self._delivered += len(homes) * homes[0].lines
        await until(self._all_delivered, "every line was delivered", within_s=ARRIVED_SECONDS)

    async def _all_delivered(self) -> bool:
        return bool(await self._database.fetchval(DELIVERED, PROVIDER) == self._delivered)

    async def _update(self, order_id: str) -> None:
        """Report each step for all lines at once."""
        at = datetime.now(UTC)
        for status in UPDATES:
            update_id = f"{order_id}-{status}"
            ids = {"provider_id": PROVIDER, "order_id": order_id, "update_id": update_id}
            update = OrderUpdated(**ids, status=status, occurred_at=at, expected_at=at + timedelta(days=2))
            value = encode(update, id=update_id, source=f"/providers/{PROVIDER}", time=at)
            await self._producer.send(f"provider-updates-{PROVIDER}", value, order_id.encode())


async def _move_in(stack: Stack, homes: Sequence[Home]) -> None:
    limits = httpx.Limits(max_connections=MAX_CONCURRENT, max_keepalive_connections=MAX_CONCURRENT)
    async with httpx.AsyncClient(timeout=30, limits=limits) as http:
        company = Company(http, stack.urls, stack.home.secret("portal", "operator_key"))
        await company.sign_in()
        path = f"/v1/providers/{PROVIDER}"
        await company.ask("order_dispatch", "PUT", path, {"name": "Lines", "protocol": "kafka"})
        offer = {"title": "Pods", "pack_size": _count(LEVEL), "price": {"amount": "9.90", "currency": "EUR"}}
        for slot in range(1, MANY + 1):
            await company.ask("order_dispatch", "PUT", f"{path}/offers/{_product(slot)}", offer)
        await for_each(homes, lambda home: _household(company, home))
    await quiet(stack)


async def _household(company: Company, home: Home) -> None:
    who = {"name": "Ada", "email": f"{home.device_id}@example.org", "ship_to": SHIP_TO}
    customer_id = (await company.ask("portal", "POST", "/v1/customers", who))["customer_id"]
    amounts = {"unit": "C62", "capacity": _count(LEVEL), "level": _count(LEVEL), "loading": "by_hand", "fill": "add"}
    slots = [
        {"slot": str(slot), "name": "Pods", "product_id": _product(slot), **amounts}
        for slot in range(1, home.lines + 1)
    ]
    device = {"device_id": home.device_id, "model": "Bench 1", "slots": slots}
    await company.ask("portal", "POST", f"/v1/customers/{customer_id}/devices", device)
    for slot in range(1, home.lines + 1):
        wish = {"product_id": _product(slot), "provider_id": PROVIDER, "pack_size": _count(LEVEL), "days": 0}
        wish |= {"at_level": _count(AT_LEVEL), "collect_hours": 0 if slot == home.lines else COLLECT_HOURS}
        await company.ask("reorder_decision", "POST", f"/v1/customers/{customer_id}/subscriptions", wish)


def _product(slot: int) -> str:
    return f"lines-{slot}"


def _count(quantity: int) -> dict[str, object]:
    return {"quantity": quantity, "unit": "C62"}
