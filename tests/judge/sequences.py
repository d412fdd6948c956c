"""Checks sequences on our own topics: 1, 2, 3 ... in each partition, repeats only of the same bytes."""

from collections.abc import Iterator
from itertools import groupby

from tests.judge.evidence import Evidence, Record
from tests.judge.verdict import DOUBLED, FORBIDDEN, LOST, UNFINISHED, Findings

OWN_TOPICS = ("accounts", "slots", "stock", "reorders", "orders", "offers", "notices")
PROVIDER_ORDERS = "provider-orders-"


def judge_sequences(evidence: Evidence) -> Findings:
    found = Findings()
    for topic, records in own_topics(evidence):
        for partition, run in groupby(records, key=lambda record: record.partition):
            _judge_partition(found, f"{topic}/{partition}", list(run))
        _judge_ids(found, topic, records)
    _judge_counters(found, evidence)
    return found


def own_topics(evidence: Evidence) -> Iterator[tuple[str, list[Record]]]:
    """Yield the topics only our services write."""
    for topic, records in evidence.topics.items():
        if topic in OWN_TOPICS or topic.startswith(PROVIDER_ORDERS):
            yield topic, records


def _judge_partition(found: Findings, place: str, records: list[Record]) -> None:
    known: dict[int, str] = {}
    # A log that no longer starts at 0 was cut by retention: what it starts with is the base.
    highest = (records[0].sequence or 1) - 1 if records[0].offset > 0 else 0
    for record in records:
        number = record.sequence
        if number is None:
            found.note(FORBIDDEN, record.place, "a record of ours without a sequence")
        elif number in known:
            found.figures["relay_repeats"] += 1
            if known[number] != record.value:
                found.note(FORBIDDEN, record.place, f"sequence {number} stands for two different events")
        else:
            known[number] = record.value
            if number > highest + 1:
                missing = number - highest - 1
                found.note(
                    LOST, place, f"{missing} missing before sequence {number}", count=missing, stopped_at="relay"
                )
            highest = max(highest, number)


def _judge_ids(found: Findings, topic: str, records: list[Record]) -> None:
    places: dict[str, Record] = {}
    for record in records:
        first = places.setdefault(record.id, record)
        if (first.partition, first.sequence) != (record.partition, record.sequence):
            found.note(DOUBLED, record.place, f"event {record.id} of {topic} was said before at {first.place}")


def _judge_counters(found: Findings, evidence: Evidence) -> None:
    """Compare what each service committed to say with what lies on the broker."""
    highest = {
        (record.topic, record.partition): record.sequence or 0
        for _, records in own_topics(evidence)
        for record in sorted(records, key=lambda record: record.sequence or 0)
    }
    for name, rows in evidence.tables.items():
        if not name.endswith(".counter"):
            continue
        for row in rows:
            place = (row["topic"], row["partition"])
            missing = row["sequence"] - highest.get(place, 0)
            where = f"{place[0]}/{place[1]}"
            if missing < 0:
                found.note(FORBIDDEN, where, f"{-missing} events on the topic that {name} never committed")
            elif missing and row["published"] == row["sequence"]:
                found.note(LOST, where, f"{name} calls {missing} events published", count=missing, stopped_at="relay")
            elif missing:
                found.note(UNFINISHED, where, f"{missing} events wait in the outbox of {name}", count=missing)
