"""Checks sequences on the services' topics: 1, 2, 3 ... per partition; a repeat has the same bytes."""

from collections.abc import Iterator
from itertools import groupby

from tests.judge.inputs import Inputs, Record
from tests.judge.verdict import DOUBLED, FORBIDDEN, LOST, UNFINISHED, Findings

OWN_TOPICS = ("accounts", "slots", "stock", "reorders", "orders", "offers", "notices")
PROVIDER_ORDERS = "provider-orders-"


def check_sequences(inputs: Inputs) -> Findings:
    found = Findings()
    for topic, records in own_topics(inputs):
        for partition, run in groupby(records, key=lambda record: record.partition):
            _check_partition(found, f"{topic}/{partition}", list(run))
        _check_ids(found, topic, records)
    _check_counters(found, inputs)
    return found


def own_topics(inputs: Inputs) -> Iterator[tuple[str, list[Record]]]:
    """Yield the topics that only the services write."""
    for topic, records in inputs.topics.items():
        if topic in OWN_TOPICS or topic.startswith(PROVIDER_ORDERS):
            yield topic, records


def _check_partition(found: Findings, place: str, records: list[Record]) -> None:
    known: dict[int, str] = {}
    # After retention, a log starts at a later offset; its first sequence is the base.
    highest = (records[0].sequence or 1) - 1 if records[0].offset > 0 else 0
    for record in records:
        number = record.sequence
        if number is None:
            found.note(FORBIDDEN, record.place, "record without a sequence")
        elif number in known:
            found.figures["relay_repeats"] += 1
            if known[number] != record.value:
                found.note(FORBIDDEN, record.place, f"sequence {number} has two different events")
        else:
            known[number] = record.value
            if number > highest + 1:
                missing = number - highest - 1
                found.note(
                    LOST, place, f"{missing} missing before sequence {number}", count=missing, stopped_at="relay"
                )
            highest = max(highest, number)


def _check_ids(found: Findings, topic: str, records: list[Record]) -> None:
    places: dict[str, Record] = {}
    for record in records:
        first = places.setdefault(record.id, record)
        if (first.partition, first.sequence) != (record.partition, record.sequence):
            found.note(DOUBLED, record.place, f"event {record.id} of {topic} was published before at {first.place}")


def _check_counters(found: Findings, inputs: Inputs) -> None:
    """Compare each service's committed sequence with the highest one on the broker."""
    highest = {
        (record.topic, record.partition): record.sequence or 0
        for _, records in own_topics(inputs)
        for record in sorted(records, key=lambda record: record.sequence or 0)
    }
    for name, rows in inputs.tables.items():
        if not name.endswith(".counter"):
            continue
        for row in rows:
            place = (row["topic"], row["partition"])
            missing = row["sequence"] - highest.get(place, 0)
            where = f"{place[0]}/{place[1]}"
            if missing < 0:
                found.note(FORBIDDEN, where, f"{-missing} events on the topic that {name} never committed")
            elif missing and row["published"] == row["sequence"]:
                found.note(
                    LOST,
                    where,
                    f"{name} has {missing} events as published that are not on the topic",
                    count=missing,
                    stopped_at="relay",
                )
            elif missing:
                found.note(UNFINISHED, where, f"{missing} events are still in the outbox of {name}", count=missing)
