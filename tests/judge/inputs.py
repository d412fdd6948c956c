"""Reads the judge's input files: logs of clients, providers, payment services and mailboxes, topics and tables."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]


class Record(NamedTuple):
    """One record as stored on the broker."""

    topic: str
    partition: int
    offset: int
    #: Append time of the broker in milliseconds; only this orders records of different topics.
    appended_ms: int
    key: str | None
    value: str
    #: The CloudEvent; None if the value is not a JSON object.
    event: Row | None

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"

    @property
    def type(self) -> str:
        return str(self.event.get("type")) if self.event else ""

    @property
    def id(self) -> str:
        return str(self.event.get("id")) if self.event else ""

    @property
    def cause(self) -> str:
        return str(self.event.get("cause") or "") if self.event else ""

    @property
    def data(self) -> Row:
        found = self.event.get("data") if self.event else None
        return found if isinstance(found, dict) else {}

    @property
    def sequence(self) -> int | None:
        number = self.event.get("sequence") if self.event else None
        return int(number) if isinstance(number, str) and number.isdigit() else None


@dataclass
class Inputs:
    """Everything the judge reads; plain values only."""

    calls: list[Row] = field(default_factory=list)
    providers: list[Row] = field(default_factory=list)
    #: Log of the payment service.
    payments: list[Row] = field(default_factory=list)
    mails: list[Row] = field(default_factory=list)
    kills: list[Row] = field(default_factory=list)
    topics: dict[str, list[Record]] = field(default_factory=dict)
    #: By "schema.table"; a missing table was not collected.
    tables: dict[str, list[Row]] = field(default_factory=dict)
    #: Time of the services' clock at collection.
    now: datetime | None = None
    #: End offset of each partition, by "topic/partition"; after retention an empty log does not start at 0.
    ends: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Inputs":
        """Read a folder as described in README.md; missing parts are empty."""
        index = folder / "collected.json"
        collected = json.loads(index.read_text()) if index.exists() else {}
        return cls(
            calls=_lines(folder / "clients"),
            providers=_lines(folder / "providers"),
            payments=_lines(folder / "payments"),
            mails=_lines(folder / "mails"),
            kills=_lines(folder / "kills"),
            topics={path.stem: [_record(path.stem, row) for row in _file(path)] for path in _files(folder / "topics")},
            tables={path.stem: list(_file(path)) for path in _files(folder / "tables")},
            now=datetime.fromisoformat(collected["now"]) if "now" in collected else None,
            ends=collected.get("ends", {}),
        )

    def first_of_each(self, topic: str) -> list[Record]:
        """Return a topic's records without repetitions of the same event, in log order."""
        return self._unrepeated.get(topic, [])

    @cached_property
    def _unrepeated(self) -> dict[str, list[Record]]:
        return {topic: list(_without_repeats(records)) for topic, records in self.topics.items()}

    def events(self, *types: str) -> list[Record]:
        """Return the events of these types on all topics, each once, in the order of the broker's clock."""
        return sorted(
            (record for kind in types for record in self._by_type.get(kind, ())),
            key=lambda record: (record.appended_ms, record.topic, record.partition, record.offset),
        )

    @cached_property
    def _by_type(self) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for topic in self.topics:
            for record in self.first_of_each(topic):
                found.setdefault(record.type, []).append(record)
        return found

    def table(self, name: str) -> list[Row]:
        return self.tables.get(name, [])


def _without_repeats(records: list[Record]) -> Iterator[Record]:
    """Drop the relay's repeats, which have the same sequence in the same partition. Topics of providers and makers have none."""
    seen: set[tuple[int, int]] = set()
    for record in records:
        if record.sequence is not None:
            if (record.partition, record.sequence) in seen:
                continue
            seen.add((record.partition, record.sequence))
        yield record


def parse_event(value: str) -> Row | None:
    """Return the JSON object in a record's value, else None."""
    try:
        event = json.loads(value)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _record(topic: str, row: Row) -> Record:
    return Record(
        topic, row["partition"], row["offset"], row["at_ms"], row["key"], row["value"], parse_event(row["value"])
    )


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("*.jsonl"))


def _lines(place: Path) -> list[Row]:
    """Return the lines of `place`.jsonl and of every file in the folder `place`."""
    alone = place.with_suffix(".jsonl")
    paths = [*([alone] if alone.exists() else []), *_files(place)]
    return [row | {"file": path.stem} for path in paths for row in _file(path)]


def _file(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.endswith("\n"):
                return  # the writer was killed in the middle of its last line
            yield json.loads(line)
