"""Latency of each hop of an order, read from the topics afterwards."""

import statistics
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple

import msgspec

from replenish_contracts.topics import partition_count
from tests.bench.offsets import records
from tests.bench.passages import Passage
from tests.bench.pools import PROVIDER

#: The event of each hop, by topic, in order.
WAY = {
    "slots": "ThresholdCrossed",
    "reorders": "ReorderApproved",
    "orders": "OrderDrafted",
    f"provider-orders-{PROVIDER}": "OrderRequested",
}


class _Product(msgspec.Struct):
    product_id: str = ""


class _Said(msgspec.Struct):
    type: str
    time: datetime
    data: _Product


class Noted(NamedTuple):
    """Start of the publishing transaction, and the broker's append time (whole milliseconds)."""

    began_at: float
    appended_at: float


_READ = msgspec.json.Decoder(_Said).decode


async def trace(kafka_url: str, passages: Sequence[Passage]) -> dict[str, float]:
    """Return the median milliseconds of each stretch between device event and order."""
    noted = {topic: await _noted(kafka_url, topic, said) for topic, said in WAY.items()}
    stretches: dict[str, list[float]] = {}
    for passage in passages:
        at, product_id = passage.sent_at, passage.pool.product_id
        for topic, said in WAY.items():
            one = noted[topic][product_id]
            stretches.setdefault(f"until {said} is begun", []).append(one.began_at - at)
            if topic != "orders":  # order-dispatch continues from its own transaction, not from the published event
                stretches.setdefault(f"until {said} is on the broker", []).append(one.appended_at - one.began_at)
            at = one.began_at if topic == "orders" else one.appended_at
        stretches.setdefault("until it is read", []).append(passage.sent_at + passage.seconds - at)
    return {name: round(1000 * statistics.median(seconds), 1) for name, seconds in stretches.items()}


async def _noted(kafka_url: str, topic: str, kind: str) -> dict[str, Noted]:
    """Return the events of one type on a topic, by product."""
    found: dict[str, Noted] = {}
    async with aclosing(records(kafka_url, topic, partition_count(topic))) as all_of_it:
        async for record in all_of_it:
            said = _READ(record.value)
            if said.type == kind:
                found[said.data.product_id] = Noted(said.time.timestamp(), record.timestamp / 1000)
    return found
