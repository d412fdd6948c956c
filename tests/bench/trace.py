"""Where an order's milliseconds go: what each hop wrote down about it, read from the topics afterwards."""

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

#: The event that carries a pool's order on, by topic, in the order of the way.
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
    """When the transaction that said it began, and when the broker had it (in whole milliseconds)."""

    began_at: float
    appended_at: float


_READ = msgspec.json.Decoder(_Said).decode


async def trace(kafka_url: str, passages: Sequence[Passage]) -> dict[str, float]:
    """Return the median milliseconds of every stretch between the device's event and the order."""
    noted = {topic: await _noted(kafka_url, topic, said) for topic, said in WAY.items()}
    stretches: dict[str, list[float]] = {}
    for passage in passages:
        at, product_id = passage.sent_at, passage.pool.product_id
        for topic, said in WAY.items():
            one = noted[topic][product_id]
            stretches.setdefault(f"until {said} is begun", []).append(one.began_at - at)
            if topic != "orders":  # the order goes on from its transaction, not from what others hear of it
                stretches.setdefault(f"until {said} is on the broker", []).append(one.appended_at - one.began_at)
            at = one.began_at if topic == "orders" else one.appended_at
        stretches.setdefault("until it is read", []).append(passage.sent_at + passage.seconds - at)
    return {name: round(1000 * statistics.median(seconds), 1) for name, seconds in stretches.items()}


async def _noted(kafka_url: str, topic: str, kind: str) -> dict[str, Noted]:
    """Return by product what a topic has of one kind of event."""
    found: dict[str, Noted] = {}
    async with aclosing(records(kafka_url, topic, partition_count(topic))) as all_of_it:
        async for record in all_of_it:
            said = _READ(record.value)
            if said.type == kind:
                found[said.data.product_id] = Noted(said.time.timestamp(), record.timestamp / 1000)
    return found
