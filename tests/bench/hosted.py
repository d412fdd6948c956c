"""Latency from device event to a hosted shop's order, including allocation and payment authorization, at 20 orders a second."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.demo.company import Company
from deploy.demo.setup import MAX_CONCURRENT, for_each
from deploy.local.ports import accepts, free_port
from deploy.local.settings import HOST
from deploy.local.stack import Stack
from deploy.local.waiting import until
from replenish_contracts.events import SlotUsed
from replenish_contracts.topics import PARTITIONS, partition_for
from replenish_contracts.wire import encode
from tests.bench.chain import quiet
from tests.bench.load import SLOTS_PER_DEVICE
from tests.bench.measure import module, running
from tests.bench.pools import LEVEL, SHIP_TO, USED, Pool

PER_SECOND = 20
#: Warm-up orders are placed and checked, but not measured.
WARM_UP_ORDERS = 20
ARRIVED_SECONDS = 60.0
TOPIC, ASKED = "orders", "ShopOrderRequested"


Mark = tuple[str, str]


class _Fact(msgspec.Struct):
    customer_id: str = ""
    product_id: str = ""


class _Said(msgspec.Struct):
    type: str
    data: _Fact


class Shop(NamedTuple):
    """A hosted shop and an operator client."""

    provider_id: str
    company: Company
    #: Customer of each device.
    customers: dict[str, str]

    def mark_of(self, pool: Pool) -> Mark:
        """Return the key of an order: customer and product."""
        return self.customers[pool.device_id], _product(pool.slot)


@asynccontextmanager
async def with_bank(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Run the sandbox's bank and yield its setting for order-dispatch."""
    port = free_port()
    command = module("deploy.samples.sandbox_pay", "--port", port, "--log", folder / "bank.jsonl")
    async with running("bank", command, log=folder / "bank.log"):
        await until(lambda: accepts(HOST, port), "the bank is open", within_s=20)
        yield {"SANDBOX_PAY_URL": f"http://{HOST}:{port}"}


def wanted_pools(seconds: float) -> list[Pool]:
    """Return one pool per order, numbered after all others of the bench."""
    count = round(seconds * PER_SECOND) + WARM_UP_ORDERS
    return [Pool(100_000 + number) for number in range(count - count % SLOTS_PER_DEVICE)]


async def order_hosted(stack: Stack, seconds: float) -> dict[str, Any]:
    """Generate orders for some seconds and return the latency of each."""
    pools = wanted_pools(seconds)
    limits = httpx.Limits(max_connections=MAX_CONCURRENT, max_keepalive_connections=MAX_CONCURRENT)
    async with httpx.AsyncClient(timeout=30, limits=limits) as http:
        company = Company(http, stack.urls, stack.home.secret("portal", "operator_key"))
        await company.sign_in()
        shop = await _open_shop(company, len(pools))
        devices = [pools[n : n + SLOTS_PER_DEVICE] for n in range(0, len(pools), SLOTS_PER_DEVICE)]
        await for_each(devices, lambda slots: _move_in(shop, slots))
    await quiet(stack)
    took = await _order_all(stack.backends.kafka_url, shop, pools)
    await quiet(stack)
    counted = sorted(took[WARM_UP_ORDERS:])
    cuts = quantiles(counted, n=100, method="inclusive")
    figures = {
        "p50_s": round(cuts[49], 3),
        "p99_s": round(cuts[98], 3),
        "per_second": PER_SECOND,
        "orders": len(counted),
    }
    return {"hosted_order_p99_s": figures["p99_s"], "hosted_orders": figures}


async def _open_shop(company: Company, orders: int) -> Shop:
    joined = await company.ask("portal", "POST", "/v1/shops", {"name": "Bench", "terms": {"email": "b@shop.example"}})
    path, account = f"/v1/providers/{joined['provider_id']}", None
    listed = await company.ask("order_dispatch", "GET", "/v1/providers")
    account = next(one["account"] for one in listed["providers"] if one["provider_id"] == joined["provider_id"])
    body = {"name": "Bench", "protocol": "hosted", "account": account, "payment": "sandbox"}
    await company.ask("order_dispatch", "PUT", path, body)
    hands = await company.as_provider(joined["provider_id"], joined["provider_key"])
    for slot in range(1, SLOTS_PER_DEVICE + 1):
        price = {"amount": "9.90", "currency": "EUR"}
        offer = {"title": "Pods", "pack_size": {"quantity": LEVEL, "unit": "C62"}, "price": price}
        await hands.ask("order_dispatch", "PUT", f"{path}/offers/{_product(slot)}", offer)
        await hands.ask("inventory", "POST", f"/inventories/{_product(slot)}/count", {"quantity": orders * LEVEL})
    return Shop(joined["provider_id"], company, {})


def _product(slot: int | str) -> str:
    """Return the product of a slot; all customers share five products, so that each is hot."""
    return f"hosted-{slot}"


async def _move_in(shop: Shop, slots: Sequence[Pool]) -> None:
    ask, device_id = shop.company.ask, slots[0].device_id
    who = {"name": "Ada", "email": f"{device_id}@example.org", "ship_to": SHIP_TO}
    customer_id = shop.customers[device_id] = (await ask("portal", "POST", "/v1/customers", who))["customer_id"]
    device = {"device_id": device_id, "model": "Bench 1", "slots": [_spec(pool) for pool in slots]}
    await ask("portal", "POST", f"/v1/customers/{customer_id}/devices", device)
    method = {"service": "sandbox", "token": "tok_ok", "mandate": {"amount": "20.00", "currency": "EUR"}}
    await ask("order_dispatch", "PUT", f"/v1/customers/{customer_id}/payment-method", method)
    for pool in slots:
        wish = {"product_id": _product(pool.slot), "provider_id": shop.provider_id, "days": 0}
        wish |= {"pack_size": {"quantity": LEVEL, "unit": "C62"}, "at_level": {"quantity": LEVEL - 5, "unit": "C62"}}
        await ask("reorder_decision", "POST", f"/v1/customers/{customer_id}/subscriptions", wish)


def _spec(pool: Pool) -> dict[str, object]:
    amount = {"quantity": LEVEL, "unit": "C62"}
    spec = {"slot": pool.slot, "name": "Pods", "unit": "C62", "product_id": _product(pool.slot)}
    return spec | {"capacity": amount, "level": amount, "loading": "by_hand", "fill": "add"}


async def _order_all(kafka_url: str, shop: Shop, pools: Sequence[Pool]) -> list[float]:
    """Report each slot low at random times; return the seconds until ShopOrderRequested, in order of sending."""
    places = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False, fetch_max_wait_ms=50)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all", compression_type="lz4")
    sent: dict[Mark, float] = {}
    asked: dict[Mark, float] = {}
    async with consumer, producer:
        consumer.assign(places)
        for place, end in (await consumer.end_offsets(places)).items():
            consumer.seek(place, end)
        watching = asyncio.create_task(_watch(consumer, asked))
        try:
            await _send_all(producer, shop, pools, sent)
            await until(lambda: sent.keys() <= asked.keys(), "every shop was asked", within_s=ARRIVED_SECONDS)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    return [asked[mark] - began for mark, began in sent.items()]


async def _send_all(producer: AIOKafkaProducer, shop: Shop, pools: Sequence[Pool], sent: dict[Mark, float]) -> None:
    loop, chance = asyncio.get_running_loop(), random.Random(7)
    due = loop.time()
    for pool in pools:
        due += chance.expovariate(PER_SECOND)
        await asyncio.sleep(max(0.0, due - loop.time()))
        key = pool.device_id.encode()
        sent[shop.mark_of(pool)] = time.perf_counter()
        value = _report(pool, datetime.now(UTC))
        await producer.send("usage", value, key, partition=partition_for(key, PARTITIONS))
    await producer.flush()


def _report(pool: Pool, at: datetime) -> bytes:
    used = SlotUsed(
        device_id=pool.device_id, slot=pool.slot, quantity=USED, boot="b1", seq=1, occurred_at=at, received_at=at
    )
    return encode(used, id=f"{pool.device_id}/{pool.slot}/b1/1", source="/replenish/gateway", time=at)


async def _watch(consumer: AIOKafkaConsumer, asked: dict[Mark, float]) -> None:
    read = msgspec.json.Decoder(_Said).decode
    async for record in consumer:
        said = read(record.value)
        if said.type == ASKED:
            mark = said.data.customer_id, said.data.product_id
            if mark in asked:
                raise RuntimeError(f"a shop was asked twice for {mark}")
            asked[mark] = time.perf_counter()
