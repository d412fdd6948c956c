"""The load of the throughput benches: a million slots, the five of a device reported together."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from libs.contracts.topics import PARTITIONS, partition_for

SLOTS_PER_DEVICE = 5
START = datetime(2026, 1, 1, tzinfo=UTC)
#: One event in this many takes its slot over the threshold.
CROSSES_ONE_IN = 100
ROUND_SECONDS = 3600


class Load(NamedTuple):
    """How many slots there are and how many events hit them; the seed fixes the order of devices."""

    slots: int
    events: int
    seed: int

    @property
    def devices(self) -> int:
        return self.slots // SLOTS_PER_DEVICE


def device_name(number: int) -> str:
    return f"dev-{number:08d}"


def value(device: str, slot: int, seq: int) -> bytes:
    """Return one SlotUsed as the gateway writes it, about 400 bytes with its envelope."""
    at = (START + timedelta(seconds=seq * ROUND_SECONDS)).isoformat().replace("+00:00", "Z")
    return (
        f'{{"type":"SlotUsed","specversion":"1.0","id":"{device}/{slot}/b1/{seq}","source":"/replenish/gateway",'
        f'"subject":"{device}","time":"{at}","datacontenttype":"application/json","data":{{"device_id":"{device}",'
        f'"slot":"{slot}","quantity":1,"boot":"b1","seq":{seq},"at":"{at}","received_at":"{at}"}}}}'
    ).encode()


def by_partition(load: Load) -> dict[int, Iterator[tuple[bytes, bytes]]]:
    """Return the events of each partition in the order they are written."""
    devices = list(range(load.devices))
    random.Random(load.seed).shuffle(devices)
    homes: dict[int, list[str]] = {partition: [] for partition in range(PARTITIONS)}
    for number in devices:
        name = device_name(number)
        homes[partition_for(name.encode(), PARTITIONS)].append(name)
    rounds = -(-load.events // load.slots)

    def events(names: list[str]) -> Iterator[tuple[bytes, bytes]]:
        for seq in range(1, rounds + 1):
            for name in names:
                key = name.encode()
                for slot in range(1, SLOTS_PER_DEVICE + 1):
                    yield key, value(name, slot, seq)

    share = load.events / (load.slots * rounds)
    return {p: events(names[: round(len(names) * share)]) for p, names in homes.items()}


async def create_topic(kafka_url: str, name: str, partitions: int = PARTITIONS) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(name, partitions, 1, topic_configs={"message.timestamp.type": "LogAppendTime"})]
        )
    finally:
        await admin.close()


async def write(kafka_url: str, topic: str, load: Load) -> int:
    """Write the load, partitions side by side, and return how many events it has."""
    async with AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all", max_batch_size=900_000) as producer:

        async def fill(partition: int, events: Iterator[tuple[bytes, bytes]]) -> int:
            batch, sent, count = producer.create_batch(), [], 0
            for key, value in events:
                while batch.append(key=key, value=value, timestamp=None) is None:
                    batch.close()
                    sent.append(await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
                    if len(sent) > 4:
                        await sent.pop(0)
                count += 1
            batch.close()
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            await asyncio.gather(*sent)
            return count

        counts = [await fill(partition, events) for partition, events in by_partition(load).items()]
    return sum(counts)
