"""Writes reports to the topic `usage` and says so only after the broker has acknowledged them."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from replenish_contracts.topics import PARTITIONS, partition_for
from services.gateway.domain.records import Written

LOG = logging.getLogger(__name__)

TOPIC = "usage"
#: From so many records of one partition on, one batch with one acknowledgement is cheaper than a future for each.
WORTH_A_BATCH = 8
PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class ProduceError(Exception):
    """The broker did not acknowledge in time; the records may or may not have been written."""


class UsageTopic:
    """A producer that is built again whenever it stops getting acknowledgements."""

    def __init__(
        self, build: Callable[[], AIOKafkaProducer], *, patience_seconds: float, wedged_seconds: float
    ) -> None:
        self._build = build
        self._patience = patience_seconds
        self._wedged = wedged_seconds
        self._producer: AIOKafkaProducer | None = None
        self._waiting: dict[asyncio.Task[None], float] = {}
        self._keeper: asyncio.Task[None] | None = None
        #: How many producers have been built so far.
        self.built = 0

    @property
    def connected(self) -> bool:
        """Return whether a producer is there and not known to be stuck."""
        return self._producer is not None

    async def start(self) -> asyncio.Task[None]:
        """Begin connecting, and stay connected until stopped; does not wait for the broker.

        The task ends before that only with a failure nobody expected: whoever starts it should look.
        """
        self._keeper = asyncio.create_task(self._keep(), name="gateway-producer")
        return self._keeper

    async def stop(self) -> None:
        """Let what is under way be acknowledged, then end."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._drop()

    async def write(self, records: Sequence[Written], settled: Callable[[], None]) -> None:
        """Return when all in-sync replicas have every record; raise ProduceError when that is not known in time.

        `settled` is called when the records' memory is free again, which may be after that time.
        """
        if self._producer is None:
            settled()
            raise ProduceError("no broker is connected")
        sending = asyncio.create_task(_send(self._producer, records))
        self._waiting[sending] = monotonic()
        sending.add_done_callback(self._ended)
        sending.add_done_callback(lambda _: settled())
        done, _ = await asyncio.wait([sending], timeout=self._patience)
        if not done:
            raise ProduceError(f"the broker did not acknowledge within {self._patience:g} s")
        if sending.cancelled():
            raise ProduceError("the gateway gave up the connection on which it was sent")
        failure = sending.exception()
        if failure is not None:
            raise ProduceError(f"the broker did not take it: {failure!r}") from failure

    def _ended(self, sending: asyncio.Task[None]) -> None:
        self._waiting.pop(sending, None)
        if not sending.cancelled():
            sending.exception()  # seen, whether or not somebody still waits for it

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                self._producer = await self._connected()
                failures = 0
                await self._until_wedged()
                LOG.error("the producer gets no acknowledgements; it is built again")
            except (KafkaError, OSError, TimeoutError) as error:
                LOG.warning("no broker yet", extra={"reason": repr(error)})
            await self._drop()
            await asyncio.sleep(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
            failures += 1

    async def _connected(self) -> AIOKafkaProducer:
        producer = self._build()
        self.built += 1
        try:
            await asyncio.wait_for(producer.start(), self._patience)
            await asyncio.wait_for(producer.partitions_for(TOPIC), self._patience)
        except BaseException:
            await _end(producer)
            raise
        return producer

    async def _until_wedged(self) -> None:
        while True:
            await asyncio.sleep(self._wedged / 4)
            oldest = min(self._waiting.values(), default=None)
            if oldest is not None and monotonic() - oldest > self._wedged:
                return

    async def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _end(producer)
        for sending in list(self._waiting):
            sending.cancel()


async def _end(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), PAUSES_SECONDS[-1])
    except (KafkaError, OSError, TimeoutError) as error:
        LOG.warning("the producer did not stop in order", extra={"reason": repr(error)})


async def _send(producer: AIOKafkaProducer, records: Sequence[Written]) -> None:
    """Hand the records over and wait until each is acknowledged or has failed; raise the first failure."""
    futures: list[asyncio.Future[object]] = []
    try:
        if len(records) < WORTH_A_BATCH:
            for record in records:
                futures.append(await producer.send(TOPIC, record.value, record.key))  # noqa: PERF401  # kept on failure
        else:
            for partition, batch in _batches(producer, records):
                futures.append(await producer.send_batch(batch, TOPIC, partition=partition))
    finally:
        ended = await asyncio.gather(*futures, return_exceptions=True)
    for end in ended:
        if isinstance(end, BaseException):
            raise end


def _batches(producer: AIOKafkaProducer, records: Sequence[Written]) -> Iterator[tuple[int, BatchBuilder]]:
    """Yield closed batches with their partition, as many as the records fill."""
    partitions = {key: partition_for(key, PARTITIONS) for key in {record.key for record in records}}
    open_batches: dict[int, BatchBuilder] = {}
    for key, value in records:
        partition = partitions[key]
        batch = open_batches.get(partition) or open_batches.setdefault(partition, producer.create_batch())
        if batch.append(key=key, value=value, timestamp=None) is None:
            yield partition, batch  # full, and closed by the attempt
            batch = open_batches[partition] = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    for partition, batch in open_batches.items():
        batch.close()
        yield partition, batch
