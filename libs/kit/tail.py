"""The highest sequence in the last records of topic partitions, as the broker has them."""

from collections.abc import Iterable

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.kit.cursors import Place

#: Enough to reach past a run of a relay's repeats; sequences only grow otherwise.
LAST_RECORDS = 50
READ_MS = 2_000


class _Sequence(msgspec.Struct):
    sequence: str | None = None


_READ = msgspec.json.Decoder(_Sequence)


def _sequence_of(value: bytes | None) -> int:
    try:
        return int(_READ.decode(value or b"").sequence or 0)
    except (msgspec.MsgspecError, ValueError):
        return 0


async def highest_sequences(kafka_url: str, places: Iterable[Place]) -> dict[Place, int]:
    """Return the highest sequence near the end of each partition that still has records.

    An empty partition that never had a record answers 0; one whose records were all deleted by
    retention is left out, because nothing can be said of it.
    """
    partitions = [TopicPartition(*place) for place in places]
    if not partitions:
        return {}
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False) as consumer:
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        found = {(tp.topic, tp.partition): 0 for tp in partitions if ends[tp] == 0}
        waiting = {tp for tp in partitions if starts[tp] < ends[tp]}
        consumer.assign(sorted(waiting))
        for tp in waiting:
            consumer.seek(tp, max(starts[tp], ends[tp] - LAST_RECORDS))
        while waiting:
            for tp, records in (await consumer.getmany(timeout_ms=READ_MS)).items():
                place = (tp.topic, tp.partition)
                found[place] = max([found.get(place, 0), *(_sequence_of(record.value) for record in records)])
            waiting = {tp for tp in waiting if await consumer.position(tp) < ends[tp]}
        return found
