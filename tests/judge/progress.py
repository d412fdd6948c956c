"""Checks that all records were consumed: checkpoints are at the end of the log and match its last record."""

from datetime import datetime

from tests.judge.evidence import Evidence, Row
from tests.judge.verdict import FORBIDDEN, UNFINISHED, Findings


def judge_progress(evidence: Evidence) -> Findings:
    found = Findings()
    ends, ids = _log(evidence)
    for name, rows in evidence.tables.items():
        service, _, table = name.partition(".")
        if table == "checkpoint":
            for row in rows:
                _judge_checkpoint(found, service, row, ends, ids)
        elif table == "task":
            _judge_tasks(found, service, rows, evidence.now)
        elif table in {"deferred", "dead_letter"}:
            found.figures[table] += len(rows)
    return found


Place = tuple[str, int]


def _log(evidence: Evidence) -> tuple[dict[Place, int], dict[tuple[str, int, int], str]]:
    ends: dict[Place, int] = {}
    for place, end in evidence.ends.items():
        topic, _, partition = place.rpartition("/")
        ends[topic, int(partition)] = end
    ids: dict[tuple[str, int, int], str] = {}
    for topic, records in evidence.topics.items():
        for record in records:
            ends[topic, record.partition] = max(ends.get((topic, record.partition), 0), record.offset + 1)
            ids[topic, record.partition, record.offset] = record.id
    return ends, ids


def _judge_checkpoint(
    found: Findings, service: str, row: Row, ends: dict[Place, int], ids: dict[tuple[str, int, int], str]
) -> None:
    place = (row["topic"], row["partition"])
    end = ends.get(place, 0)
    where = f"{service}.checkpoint {place[0]}/{place[1]}"
    if row["next_offset"] > end:
        found.note(FORBIDDEN, where, f"next_offset {row['next_offset']} lies beyond the log's end {end}")
    elif row["next_offset"] < end:
        unread = end - row["next_offset"]
        found.note(UNFINISHED, where, f"{unread} records not read", stopped_at=f"before {service}", count=unread)
    if row["last_id"] is None:
        return
    there = ids.get((*place, row["last_offset"]))
    if there != row["last_id"]:
        found.note(FORBIDDEN, where, f"remembers {row['last_id']} at {row['last_offset']}, the log has {there}")


def _judge_tasks(found: Findings, service: str, rows: list[Row], now: datetime | None) -> None:
    found.figures["tasks_unknown"] += sum(1 for row in rows if row["state"] == "unknown")
    waiting = [row for row in rows if row["state"] in {"due", "claimed"}]
    late = [row["id"] for row in waiting if now is None or datetime.fromisoformat(row["due_at"]) <= now]
    if late:
        found.note(UNFINISHED, f"{service}.task", f"{len(late)} effects not done, such as {late[:3]}", count=len(late))
