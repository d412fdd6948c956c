"""Latency from device event to order on the provider's topic, against a bare chain of as many hops, in alternating blocks."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import msgspec

from deploy.local.health import report
from deploy.local.roles import prepare_database
from deploy.local.stack import Stack
from deploy.local.waiting import until
from replenish_contracts.topics import PARTITIONS
from tests.bench import chain_hop
from tests.bench.gauge import Gauge, cpu_seconds, spent_us
from tests.bench.load import create_topic
from tests.bench.measure import Child, module, running
from tests.bench.passages import Block, Passage, Route
from tests.bench.pools import PROVIDER, Pool

#: As many hops and partitions as consumption, reorder-decision and order-dispatch.
TOPICS = {"chain-usage": PARTITIONS, "chain-slots": PARTITIONS, "chain-reorders": PARTITIONS, "chain-orders": 1}
QUIET_SECONDS = 60.0
SCHEMA = "chain"


class _Product(msgspec.Struct):
    product_id: str


class _Order(msgspec.Struct):
    data: _Product


class _Slot(msgspec.Struct):
    device_id: str
    slot: str


class _Use(msgspec.Struct):
    data: _Slot


_ORDER, _USE = msgspec.json.Decoder(_Order).decode, msgspec.json.Decoder(_Use).decode


def _used_slot(value: bytes) -> str:
    used = _USE(value).data
    return f"{used.device_id}/{used.slot}"


OURS = Route(
    "ours",
    "usage",
    f"provider-orders-{PROVIDER}",
    lambda pool: pool.product_id,
    lambda value: _ORDER(value).data.product_id,
)
BARE = Route("bare", "chain-usage", "chain-orders", lambda pool: f"{pool.device_id}/{pool.slot}", _used_slot)


class Turns(NamedTuple):
    """Passages of each route by block, and the CPU time per order of each process."""

    bare: list[list[Passage]]
    ours: list[list[Passage]]
    cpu_us: dict[str, float]


@asynccontextmanager
async def bare_chain(stack: Stack, log: Path) -> AsyncIterator[list[Child]]:
    """Run the hops on the stack's broker and database server, in a separate database."""
    kafka_url = stack.backends.kafka_url
    database = (await prepare_database(stack.backends.database_admin_url, "bench_chain", [SCHEMA]))[SCHEMA]
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(chain_hop.TABLE)
    await owner.close()
    for name, partitions in TOPICS.items():
        await create_topic(kafka_url, name, partitions)
    names = list(TOPICS)
    commands = [
        module("tests.bench.chain_hop", kafka_url, database.url, source, target, TOPICS[target])
        for source, target in itertools.pairwise(names)
    ]
    async with running("hop", *commands, log=log) as children:
        yield children


async def take_turns(stack: Stack, gauges: Sequence[Gauge], pools: Sequence[Pool], rounds: int, log: Path) -> Turns:
    """Send alternating blocks through the bare chain and the stack; each pool once through each."""
    turns = Turns([], [], {})
    size = len(pools) // rounds
    spent: dict[str, float] = {}
    async with bare_chain(stack, log) as hops:

        def check() -> None:
            for hop in hops:
                hop.check()

        for number in range(rounds):
            share = pools[number * size : (number + 1) * size]
            turns.bare.append(await Block(BARE, share, number).pass_through(stack.backends.kafka_url, check))
            before = cpu_seconds(gauges)
            turns.ours.append(await Block(OURS, share, number).pass_through(stack.backends.kafka_url, check))
            await quiet(stack)
            for name, used in spent_us(before, cpu_seconds(gauges), rounds * size).items():
                spent[name] = spent.get(name, 0.0) + used
    return turns._replace(cpu_us={name: round(used, 1) for name, used in spent.items()})


async def quiet(stack: Stack) -> None:
    """Wait until the services are idle, so that they do not burden the next block."""

    async def is_quiet() -> bool:
        told = await asyncio.gather(*(asyncio.to_thread(report, url) for url in stack.urls.values()))
        return all(_idle(one) for one in told)

    await until(is_quiet, "every service is quiet", within_s=QUIET_SECONDS, every_s=0.5)


def _idle(told: dict[str, Any]) -> bool:
    return told.get("ready") is True and not any(told.get(what) for what in ("lag", "outbox", "due", "claimed"))
