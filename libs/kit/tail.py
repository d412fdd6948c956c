"""Reads the highest sequence near the end of topic partitions from the broker."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from libs.kit.checkpoints import Place

#: Enough if no event was published twice, because sequences then only increase.
LAST_RECORDS = 50
#: More than a frozen relay can have in flight when it resumes.
LAST_RECORDS_AFTER_REPEATS = 5_000
READ_MS = 2_000


class Tail(NamedTuple):
    """The event with the highest sequence near a log's end; sequence 0 if the log never had a record."""

    sequence: int
    value: bytes = b""


class _Sequence(msgspec.Struct):
    sequence: str | None = None


_READ = msgspec.json.Decoder(_Sequence)


def _tail_of(record: ConsumerRecord) -> Tail:
    value = record.value or b""
    try:
        return Tail(int(_READ.decode(value).sequence or 0), value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Tail(0)


async def find_tails(kafka_url: str, places: Iterable[Place], last: int = LAST_RECORDS) -> dict[Place, Tail]:
    """Return the highest sequence among the last records of each partition.

    A partition that never had a record has sequence 0. One whose records were all deleted by retention is left
    out, because its last sequence is unknown.
    """
    partitions = [TopicPartition(*place) for place in places]
    if not partitions:
        return {}
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False)
    try:
        await consumer.start()
        return await _read(consumer, partitions, last)
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, partitions: list[TopicPartition], last: int) -> dict[Place, Tail]:
    ends = await consumer.end_offsets(partitions)
    starts = await consumer.beginning_offsets(partitions)
    found = {(tp.topic, tp.partition): Tail(0) for tp in partitions if ends[tp] == 0}
    waiting = {tp for tp in partitions if starts[tp] < ends[tp]}
    consumer.assign(sorted(waiting))
    for tp in waiting:
        consumer.seek(tp, max(starts[tp], ends[tp] - last))
    while waiting:
        for tp, records in (await consumer.getmany(timeout_ms=READ_MS)).items():
            place = (tp.topic, tp.partition)
            found[place] = max([found.get(place, Tail(0)), *map(_tail_of, records)])
        waiting = {tp for tp in waiting if await consumer.position(tp) < ends[tp]}
    return found
