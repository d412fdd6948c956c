"""Checks on the broker: dense sequences, outbox counters and checkpoints compared with the log."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from deploy.checks.findings import Findings

DENSE = "sequences are 1, 2, 3 ... in each partition"
#: Prefixes of topics that providers write.
FOREIGN = ("provider-updates-",)
#: Written by the gateway and by device makers.
USAGE = "usage"


class Written(NamedTuple):
    """Sequence counters of one service for one partition."""

    schema: str
    sequence: int
    published: int


class Read(NamedTuple):
    """Checkpoint of one service for one partition."""

    schema: str
    next_offset: int
    last_offset: int | None
    last_id: str | None


class Header(msgspec.Struct):
    """The fields of an event that are checked."""

    id: str | None = None
    sequence: str | None = None


@dataclass
class Partition:
    """What was read of one partition."""

    highest: int | None = None
    repeats: int = 0
    ids: dict[int, str | None] = field(default_factory=dict)


_HEADER = msgspec.json.Decoder(Header)


class LogCheck:
    """Reads the topics once and compares them; correct while records are being written."""

    def __init__(self, consumer: AIOKafkaConsumer, findings: Findings) -> None:
        self._consumer, self._findings = consumer, findings
        self._seen: dict[TopicPartition, Partition] = defaultdict(Partition)
        self.starts: dict[TopicPartition, int] = {}
        self.ends: dict[TopicPartition, int] = {}

    async def read(self, places: Sequence[TopicPartition], checkpoints: dict[TopicPartition, list[Read]]) -> None:
        """Read our topics from the start; of topics with foreign writers only the records that checkpoints refer to."""
        self.starts = await self._consumer.beginning_offsets(places)
        self.ends = await self._consumer.end_offsets(places)
        wanted = {place: {read.last_offset for read in checkpoints.get(place, ())} - {None} for place in places}
        whole = [place for place in places if is_ours(place.topic) and self.ends[place] > self.starts[place]]
        await self._read_whole(whole, wanted)
        for place in places:
            if not is_ours(place.topic):
                await self._read_some(place, sorted(offset for offset in wanted[place] if offset is not None))

    async def _read_whole(self, places: list[TopicPartition], wanted: dict[TopicPartition, set[int | None]]) -> None:
        self._consumer.assign(places)
        for place in places:
            self._consumer.seek(place, self.starts[place])
        left = set(places)
        while left:
            for place, records in (await self._consumer.getmany(timeout_ms=500, max_records=5000)).items():
                for record in records:
                    self._take(place, record, wanted[place])
            for place in list(left):
                if await self._consumer.position(place) >= self.ends[place]:
                    self._consumer.pause(place)
                    left.discard(place)

    async def _read_some(self, place: TopicPartition, offsets: list[int]) -> None:
        for offset in offsets:
            if not self.starts[place] <= offset < self.ends[place]:
                continue
            self._consumer.assign([place])
            self._consumer.seek(place, offset)
            record = await self._consumer.getone(place)
            self._seen[place].ids[record.offset] = header_of(record).id

    def _take(self, place: TopicPartition, record: ConsumerRecord, wanted: set[int | None]) -> None:
        seen, header = self._seen[place], header_of(record)
        where = f"{place.topic}/{place.partition}@{record.offset}"
        if record.offset in wanted:
            seen.ids[record.offset] = header.id
        if header.sequence is None:
            self._findings.differ(DENSE, where, "record without a sequence on one of our topics")
            return
        number = int(header.sequence)
        if seen.highest is None:
            seen.highest = (
                number - 1 if record.offset > 0 else 0
            )  # truncated by retention: the first record is the base
        if number <= seen.highest:
            seen.repeats += 1
            self._findings.count("relay_repeats", 1)
        elif number > seen.highest + 1:
            self._findings.differ(DENSE, where, f"{number} after {seen.highest}: {number - seen.highest - 1} missing")
        seen.highest = max(seen.highest, number)
        self._findings.count("events", 1)

    def compare_written(self, before: dict[TopicPartition, Written], after: dict[TopicPartition, Written]) -> None:
        """Check that events marked published before the read are on the log, and those on the log are committed now."""
        for place, written in before.items():
            if self.ends.get(place, 0) == self.starts.get(place, 0) > 0:
                continue  # all records were deleted by retention
            highest = self._seen[place].highest or 0
            where = f"{written.schema}.counter {place.topic}/{place.partition}"
            if highest < written.published:
                problem = f"published {written.published}, the log ends at {highest}"
                self._findings.differ("published events are on the log", where, problem)
            if place in after and highest > after[place].sequence:
                problem = f"the log has {highest}, only {after[place].sequence} were committed"
                self._findings.differ("events on the log were committed", where, problem)

    def compare_read(self, checkpoints: dict[TopicPartition, list[Read]]) -> None:
        """Check that every checkpoint lies within the log and matches the record before it."""
        for place, reads in checkpoints.items():
            for read in reads:
                self._compare_checkpoint(place, read)

    def is_consumed(self, checkpoints: dict[TopicPartition, list[Read]]) -> bool:
        """Whether these checkpoints had reached the current end of the log."""
        return all(
            read.next_offset >= self.ends.get(place, 0) for place, reads in checkpoints.items() for read in reads
        )

    def _compare_checkpoint(self, place: TopicPartition, read: Read) -> None:
        where, rule = (
            f"{read.schema}.checkpoint {place.topic}/{place.partition}",
            "every checkpoint lies within its log",
        )
        start, end = self.starts.get(place, 0), self.ends.get(place, 0)
        self._findings.count("lag", max(0, end - read.next_offset))
        if read.next_offset < start:
            problem = f"next_offset {read.next_offset}, the log begins at {start}: records were deleted unread"
            self._findings.differ(rule, where, problem)
        elif read.next_offset > end:
            self._findings.differ(rule, where, f"next_offset {read.next_offset}, the log ends at {end}")
        elif read.last_offset is not None and read.last_offset >= start:
            id_on_log = self._seen[place].ids.get(read.last_offset)
            if id_on_log != read.last_id:
                problem = f"checkpoint has {read.last_id} at {read.last_offset}, the log has {id_on_log}"
                self._findings.differ(rule, where, problem)


def is_ours(topic: str) -> bool:
    """Whether only our services write this topic."""
    return topic != USAGE and not topic.startswith(FOREIGN)


def header_of(record: ConsumerRecord) -> Header:
    """Return a record's id and sequence; both None if it is not an event."""
    try:
        return _HEADER.decode(record.value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Header()
