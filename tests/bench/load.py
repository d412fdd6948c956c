"""Load of the throughput benchmarks: a million slots report once, the five of a device together."""

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
#: One event in this many crosses the threshold.
CROSSES_ONE_IN = 100
#: Below the broker's limit of 1 MiB for one batch.
BATCH_BYTES = 900_000
BATCHES_UNDER_WAY = 4


class Load(NamedTuple):
    """Numbers of slots and events; the seed fixes the order of devices."""

    slots: int
    events: int
    seed: int

    @property
    def devices(self) -> int:
        return self.slots // SLOTS_PER_DEVICE

    def check(self) -> None:
        """Raise ValueError if a slot would report twice, which the bare loop does not support within a batch."""
        if not self.devices or self.events > self.devices * SLOTS_PER_DEVICE:
            raise ValueError(f"{self.events} events need as many slots, in devices of {SLOTS_PER_DEVICE}")


def device_name(number: int) -> str:
    return f"dev-{number:08d}"


def slot_number(device: int, slot: int) -> int:
    """Return the slot's number, which determines whether it is at its threshold (see slots.py)."""
    return device * SLOTS_PER_DEVICE + slot


def value(device: str, slot: int, seq: int, at: datetime) -> bytes:
    """Return a SlotUsed as published by the gateway, about 340 bytes."""
    moment = at.isoformat().replace("+00:00", "Z")
    return (
        f'{{"type":"SlotUsed","specversion":"1.0","id":"{device}/{slot}/b1/{seq}","source":"/replenish/gateway",'
        f'"subject":"{device}","time":"{moment}","datacontenttype":"application/json","data":{{"device_id":"{device}",'
        f'"slot":"{slot}","quantity":1,"boot":"b1","seq":{seq},"occurred_at":"{moment}","received_at":"{moment}"}}}}'
    ).encode()


def order(load: Load) -> dict[int, list[int]]:
    """Return the devices of each partition in order of their reports."""
    devices = list(range(load.devices))
    random.Random(load.seed).shuffle(devices)
    homes: dict[int, list[int]] = {partition: [] for partition in range(PARTITIONS)}
    for number in devices[: -(-load.events // SLOTS_PER_DEVICE)]:
        homes[partition_for(device_name(number).encode(), PARTITIONS)].append(number)
    return homes


def crossings(load: Load, read: Mapping[int, int]) -> int:
    """Return the expected number of crossings in the first `read` events of each partition."""
    found = 0
    for partition, numbers in order(load).items():
        slots = (slot_number(device, slot) for device in numbers for slot in range(1, SLOTS_PER_DEVICE + 1))
        found += sum(n % CROSSES_ONE_IN == 0 for n, _ in zip(slots, range(read.get(partition, 0)), strict=False))
    return found


def events(numbers: list[int]) -> Iterator[tuple[bytes, bytes]]:
    """Return key and value of the reports of these devices."""
    at = START + timedelta(hours=1)
    for number in numbers:
        name = device_name(number)
        for slot in range(1, SLOTS_PER_DEVICE + 1):
            yield name.encode(), value(name, slot, 1, at)


async def create_topic(kafka_url: str, name: str, partitions: int = PARTITIONS) -> None:
    """Create a topic with our settings and wait until each partition has a leader."""
    await create_topics(kafka_url, [Topic(name, partitions, find_topic("usage").settings, ())])


async def write(kafka_url: str, topic: str, load: Load) -> dict[int, int]:
    """Publish the load and return the number of events per partition."""
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
