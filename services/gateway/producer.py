"""Producer of `usage` that returns only after the broker has acknowledged the records, and replaces a wedged client."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from replenish_contracts.topics import PARTITIONS, partition_for
from services.gateway.domain.records import Record
from services.gateway.settings import Settings

LOG = logging.getLogger(__name__)

TOPIC = "usage"
#: From this number of records on, batches with one future each are cheaper than one future per record.
MIN_BATCH_RECORDS = 8
RECONNECT_PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


def build_producer(settings: Settings) -> AIOKafkaProducer:
    """Return a producer without idempotence.

    aiokafka's idempotent producer never recovers after a partition was without leader (aio-libs/aiokafka#1017).
    Duplicates are harmless because reports have ids of their own.
    """
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka_url,
        client_id=f"gateway-{settings.instance}",
        acks="all",
        linger_ms=settings.producer_linger_ms,
        max_batch_size=settings.producer_batch_bytes,
        compression_type="lz4",
        request_timeout_ms=int(settings.acknowledge_timeout_seconds * 1000),
    )


class ProduceError(Exception):
    """The broker did not acknowledge in time; the records may or may not be stored."""


class UsageProducer:
    """Keeps one client connected and builds a new one when it stops receiving acknowledgements."""

    def __init__(self, build: Callable[[], AIOKafkaProducer], *, timeout_seconds: float, wedged_seconds: float) -> None:
        self._build = build
        self._timeout = timeout_seconds
        self._wedged = wedged_seconds
        self._client: AIOKafkaProducer | None = None
        #: Start time of each send that has not ended.
        self._in_flight: dict[asyncio.Task[None], float] = {}
        self._connection: asyncio.Task[None] | None = None
        self.clients_built = 0

    @property
    def connected(self) -> bool:
        """Return whether there is a client that is not known to be wedged."""
        return self._client is not None

    async def start(self) -> asyncio.Task[None]:
        """Start to connect in the background and return the task.

        The task runs until `stop`; if it ends earlier, it failed with an unexpected error that the caller must handle.
        """
        self._connection = asyncio.create_task(self._stay_connected(), name="gateway-producer")
        return self._connection

    async def stop(self) -> None:
        """Flush what is in flight, then disconnect."""
        if self._connection is not None:
            self._connection.cancel()
            await asyncio.gather(self._connection, return_exceptions=True)
        await self._disconnect()

    async def produce(self, records: Sequence[Record], on_done: Callable[[], None]) -> None:
        """Return when all in-sync replicas have every record; raises ProduceError after a failure or the timeout.

        `on_done` is called when the client no longer holds the records, which may be after the timeout.
        """
        if self._client is None:
            on_done()
            raise ProduceError("the broker is not connected")
        sending = asyncio.create_task(_send(self._client, records))
        self._in_flight[sending] = monotonic()
        sending.add_done_callback(self._on_sent)
        sending.add_done_callback(lambda _: on_done())
        done, _ = await asyncio.wait([sending], timeout=self._timeout)
        if not done:
            raise ProduceError(f"the broker did not acknowledge within {self._timeout:g} s")
        if sending.cancelled():
            raise ProduceError("the connection was closed before the broker acknowledged")
        failure = sending.exception()
        if failure is not None:
            raise ProduceError(f"the broker returned {failure!r}") from failure

    def _on_sent(self, sending: asyncio.Task[None]) -> None:
        self._in_flight.pop(sending, None)
        if not sending.cancelled():
            sending.exception()  # retrieved, or asyncio logs it if `produce` has timed out

    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            try:
                self._client = await self._connect()
                failures = 0
                await self._wait_until_wedged()
                LOG.error("producer receives no acknowledgements and is replaced")
            except (KafkaError, OSError, TimeoutError) as error:
                LOG.warning("broker not available", extra={"reason": repr(error)})
            await self._disconnect()
            await asyncio.sleep(RECONNECT_PAUSES_SECONDS[min(failures, len(RECONNECT_PAUSES_SECONDS) - 1)])
            failures += 1

    async def _connect(self) -> AIOKafkaProducer:
        client = self._build()
        self.clients_built += 1
        try:
            await asyncio.wait_for(client.start(), self._timeout)
            await asyncio.wait_for(client.partitions_for(TOPIC), self._timeout)
        except BaseException:
            await _stop_client(client)
            raise
        return client

    async def _wait_until_wedged(self) -> None:
        while True:
            await asyncio.sleep(self._wedged / 4)
            oldest = min(self._in_flight.values(), default=None)
            if oldest is not None and monotonic() - oldest > self._wedged:
                return

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await _stop_client(client)
        for sending in list(self._in_flight):
            sending.cancel()


async def _stop_client(client: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(client.stop(), RECONNECT_PAUSES_SECONDS[-1])
    except (KafkaError, OSError, TimeoutError) as error:
        LOG.warning("producer did not stop cleanly", extra={"reason": repr(error)})


async def _send(client: AIOKafkaProducer, records: Sequence[Record]) -> None:
    """Send the records and wait for the result of each; raises the first failure."""
    futures: list[asyncio.Future[object]] = []
    try:
        if len(records) < MIN_BATCH_RECORDS:
            for record in records:
                futures.append(await client.send(TOPIC, record.value, record.key))  # noqa: PERF401  # kept on failure
        else:
            for partition, batch in _batches(client, records):
                futures.append(await client.send_batch(batch, TOPIC, partition=partition))
    finally:
        results = await asyncio.gather(*futures, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _batches(client: AIOKafkaProducer, records: Sequence[Record]) -> Iterator[tuple[int, BatchBuilder]]:
    """Yield closed batches with their partition, in the order of the records of each partition."""
    partitions = {key: partition_for(key, PARTITIONS) for key in {record.key for record in records}}
    open_batches: dict[int, BatchBuilder] = {}
    for key, value in records:
        partition = partitions[key]
        batch = open_batches.get(partition) or open_batches.setdefault(partition, client.create_batch())
        if batch.append(key=key, value=value, timestamp=None) is None:
            yield partition, batch  # full; the failed append closed it
            batch = open_batches[partition] = client.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    for partition, batch in open_batches.items():
        batch.close()
        yield partition, batch
