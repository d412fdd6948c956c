"""The load of the throughput benches: a million slots, the five of a device reported together, each once."""

import asyncio
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from libs.kit.topics import create_topics
from replenish_contracts.topics import PARTITIONS, Topic, find_topic, partition_for

SLOTS_PER_DEVICE = 5
START = datetime(2026, 1, 1, tzinfo=UTC)
#: One event in this many takes its slot over the threshold.
CROSSES_ONE_IN = 100
#: Below the broker's limit of 1 MiB for one batch.
BATCH_BYTES = 900_000
BATCHES_UNDER_WAY = 4


class Load(NamedTuple):
    """How many slots there are and how many of them report; the seed fixes the order of devices."""

    slots: int
    events: int
    seed: int

    @property
    def devices(self) -> int:
        return self.slots // SLOTS_PER_DEVICE

    def check(self) -> None:
        """Raise ValueError where a slot would report twice: the bare loop could then meet it twice in a batch."""
        if not self.devices or self.events > self.devices * SLOTS_PER_DEVICE:
            raise ValueError(f"{self.events} events need as many slots, in devices of {SLOTS_PER_DEVICE}")


def device_name(number: int) -> str:
    return f"dev-{number:08d}"


def slot_number(device: int, slot: int) -> int:
    """Return the number that says whether this slot is at its threshold (see world.py)."""
    return device * SLOTS_PER_DEVICE + slot


def value(device: str, slot: int, seq: int, at: datetime) -> bytes:
    """Return one SlotUsed as the gateway writes it, a third of a kilobyte."""
    moment = at.isoformat().replace("+00:00", "Z")
    return (
        f'{{"type":"SlotUsed","specversion":"1.0","id":"{device}/{slot}/b1/{seq}","source":"/replenish/gateway",'
        f'"subject":"{device}","time":"{moment}","datacontenttype":"application/json","data":{{"device_id":"{device}",'
        f'"slot":"{slot}","quantity":1,"boot":"b1","seq":{seq},"occurred_at":"{moment}","received_at":"{moment}"}}}}'
    ).encode()


def order(load: Load) -> dict[int, list[int]]:
    """Return the devices of each partition in the order in which they report."""
    devices = list(range(load.devices))
    random.Random(load.seed).shuffle(devices)
    homes: dict[int, list[int]] = {partition: [] for partition in range(PARTITIONS)}
    for number in devices[: -(-load.events // SLOTS_PER_DEVICE)]:
        homes[partition_for(device_name(number).encode(), PARTITIONS)].append(number)
    return homes


def crossings(load: Load, read: Mapping[int, int]) -> int:
    """Return how many crossings the first `read` events of each partition are; the judge of every run."""
    found = 0
    for partition, numbers in order(load).items():
        slots = (slot_number(device, slot) for device in numbers for slot in range(1, SLOTS_PER_DEVICE + 1))
        found += sum(n % CROSSES_ONE_IN == 0 for n, _ in zip(slots, range(read.get(partition, 0)), strict=False))
    return found


def events(numbers: list[int]) -> Iterator[tuple[bytes, bytes]]:
    """Return key and value of what these devices report."""
    at = START + timedelta(hours=1)
    for number in numbers:
        name = device_name(number)
        for slot in range(1, SLOTS_PER_DEVICE + 1):
            yield name.encode(), value(name, slot, 1, at)


async def create_topic(kafka_url: str, name: str, partitions: int = PARTITIONS) -> None:
    """Make a topic as ours are made and return when every partition has a leader."""
    await create_topics(kafka_url, [Topic(name, partitions, find_topic("usage").settings, ())])


async def write(kafka_url: str, topic: str, load: Load) -> dict[int, int]:
    """Write the load and return how many events each partition has."""
    async with AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all", max_batch_size=BATCH_BYTES) as producer:
        return {
            partition: await _fill(producer, topic, partition, events(numbers))
            for partition, numbers in order(load).items()
        }


async def _fill(producer: AIOKafkaProducer, topic: str, partition: int, pairs: Iterator[tuple[bytes, bytes]]) -> int:
    batch, under_way, count = producer.create_batch(), [], 0
    for key, said in pairs:
        while batch.append(key=key, value=said, timestamp=None) is None:
            batch.close()
            under_way.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            if len(under_way) > BATCHES_UNDER_WAY:
                await under_way.pop(0)
        count += 1
    if batch.record_count():
        batch.close()
        under_way.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*under_way)
    return count
