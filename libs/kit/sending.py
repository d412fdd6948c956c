"""Kafka producer of the relay: one batch to one partition."""

from collections.abc import Awaitable, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from libs.kit.checkpoints import Place
from libs.kit.errors import RecordLossError
from libs.kit.relay_sql import Unsent

BATCH_BYTES = 900_000  # below the broker's limit of 1 MiB for one batch


class Sending(NamedTuple):
    """A batch in flight; its acknowledgement covers all sequences up to `last`."""

    place: Place
    last: int
    acked: Awaitable[Any]


def new_producer(kafka_url: str, client_id: str) -> AIOKafkaProducer:
    """Return a producer that is not started yet and allows batches up to the broker's limit."""
    return AIOKafkaProducer(
        bootstrap_servers=kafka_url,
        client_id=client_id,
        acks="all",
        compression_type="lz4",
        max_batch_size=BATCH_BYTES,
        max_request_size=BATCH_BYTES + 100_000,
        request_timeout_ms=15_000,
    )


async def send(producer: AIOKafkaProducer, place: Place, run: Sequence[Unsent]) -> Sending:
    """Send the oldest events of a partition, as many as fit in a batch; raises RecordLossError if not even one fits."""
    batch, last = producer.create_batch(), 0
    for row in run:
        if batch.append(key=row.key, value=row.value, timestamp=None) is None:
            break  # full; the rest follows in the next batch
        last = row.sequence
    if not last:
        raise RecordLossError(f"{place}: event {run[0].sequence} is larger than a batch may be")
    batch.close()
    return Sending(place, last, await producer.send_batch(batch, place[0], partition=place[1]))
