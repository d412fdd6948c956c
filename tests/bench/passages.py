"""Sends events into a route at a fixed mean rate and measures their arrival at its end."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.waiting import until
from replenish_contracts.topics import PARTITIONS, partition_for
from tests.bench.pools import Pool

PER_SECOND = 50
#: Warm-up at the start of a block: sent and checked, but not measured.
WARM_UP_SECONDS = 1.0
ARRIVED_SECONDS = 60.0


class Route(NamedTuple):
    """Source topic, target topic (one partition), and the key of a pool's event there."""

    name: str
    source: str
    target: str
    mark_of: Callable[[Pool], str]
    read_mark: Callable[[bytes], str]


class Passage(NamedTuple):
    """Times of one event from the producer's send to the observer's read."""

    pool: Pool
    #: Unix seconds, comparable with the timestamps of broker and services.
    sent_at: float
    seconds: float


class Block:
    """Some seconds of events through one route; each must arrive once."""

    def __init__(self, route: Route, pools: Sequence[Pool], seed: int) -> None:
        self._route, self._pools = route, pools
        self._chance = random.Random(seed)
        self._sent: dict[str, tuple[float, float]] = {}
        self._arrived: dict[str, float] = {}

    async def pass_through(self, kafka_url: str, check: Callable[[], None]) -> list[Passage]:
        """Return the passages after the warm-up in order of sending; raises if one is missing or arrives twice."""
        place = TopicPartition(self._route.target, 0)
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False, fetch_max_wait_ms=50)
        producer = AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all", compression_type="lz4")
        async with consumer, producer:
            consumer.assign([place])
            consumer.seek(place, (await consumer.end_offsets([place]))[place])
            watching = asyncio.create_task(self._watch(consumer))
            try:
                await self._send_all(producer)
                await until(lambda: self._all_arrived(check), "every event came out", within_s=ARRIVED_SECONDS)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
        return self._counted()

    async def _send_all(self, producer: AIOKafkaProducer) -> None:
        """Send at random times; a fixed interval could synchronize with timers of broker and clients."""
        loop = asyncio.get_running_loop()
        due, acks = loop.time(), []
        for pool in self._pools:
            due += self._chance.expovariate(PER_SECOND)
            await asyncio.sleep(max(0.0, due - loop.time()))
            key = pool.device_id.encode()
            self._sent[self._route.mark_of(pool)] = time.perf_counter(), time.time()
            acks.append(await self._hand_over(producer, key, pool.report(datetime.now(UTC))))
        await asyncio.gather(*acks)

    async def _hand_over(self, producer: AIOKafkaProducer, key: bytes, value: bytes) -> Awaitable[object]:
        partition = partition_for(key, PARTITIONS)
        return await producer.send(self._route.source, value, key, partition=partition)

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            mark = self._route.read_mark(record.value)
            if mark in self._arrived:
                raise RuntimeError(f"{mark} came out of {self._route.target} twice")
            self._arrived[mark] = time.perf_counter()

    def _all_arrived(self, check: Callable[[], None]) -> bool:
        check()
        return self._sent.keys() <= self._arrived.keys()

    def _counted(self) -> list[Passage]:
        if strange := self._arrived.keys() - self._sent.keys():
            raise RuntimeError(f"received events that were not sent: {sorted(strange)[:3]}")
        first = round(WARM_UP_SECONDS * PER_SECOND)
        passages = []
        for pool in self._pools[first:]:
            began, sent_at = self._sent[mark := self._route.mark_of(pool)]
            passages.append(Passage(pool, sent_at, self._arrived[mark] - began))
        return passages
