"""Checks intake: compares reports sent by clients, responses of the gateway and records on `usage`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from tests.judge.inputs import Inputs, Record, Row
from tests.judge.measures import agrees, in_steps
from tests.judge.verdict import DIFFERS, LOST, PHANTOM, Findings

KINDS = ("SlotUsed", "SlotMeasured", "SlotRefilled")


class Identity(NamedTuple):
    """Identity of a report."""

    device_id: str
    slot: str
    name: tuple[object, ...]


@dataclass
class Sent:
    """A report, and the outcomes of the calls that contained it."""

    kind: str
    steps: Fraction | None
    calls: list[object] = field(default_factory=list)
    accepted_by: object = None
    outcomes: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Slot:
    """A slot at its first registration."""

    device_id: str
    slot: str
    customer_id: str
    product_id: str
    unit: str
    scale: int
    capacity: int
    level: int
    loading: str
    fill: str

    @property
    def goods(self) -> tuple[str, str, int]:
        """Product, unit and scale; only a slot with the same goods can take over a level."""
        return self.product_id, self.unit, self.scale


def slots_of(inputs: Inputs) -> dict[tuple[str, str], Slot]:
    """Return every slot by (device, slot) from the accounts topic; the first registration counts."""
    found: dict[tuple[str, str], Slot] = {}
    for record in inputs.events("DeviceRegistered", "DeviceReplaced"):
        data = record.data
        for spec in data["slots"]:
            slot = Slot(
                data["device_id"],
                spec["slot"],
                data["customer_id"],
                spec["product_id"],
                spec["unit"],
                spec.get("scale", 0),
                spec["capacity"],
                spec.get("level", 0),
                spec.get("loading", "by_hand"),
                spec.get("fill", "add"),
            )
            found.setdefault((slot.device_id, slot.slot), slot)
    return found


def check_reports(inputs: Inputs) -> Findings:
    """Each accepted report is on the topic with its value, and no other report is."""
    found = Findings()
    slots = slots_of(inputs)
    sent = sent_reports(inputs, slots)
    written = written_reports(inputs)
    identities_by_value = {_identity_by_value(records[0]) for records in written.values()}
    for identity, report in sent.items():
        if report.accepted_by is not None and identity not in written and identity not in identities_by_value:
            place = f"gateway: call {report.accepted_by} was answered 202, but usage has no record"
            found.note(LOST, _name(identity), f"{report.kind} was accepted but is not on usage", stopped_at=place)
    for identity, records in written.items():
        _check_written(found, identity, records, sent.get(identity) or sent.get(_identity_by_value(records[0])))
    found.figures["reports_sent"] = len(sent)
    found.figures["reports_accepted"] = sum(1 for report in sent.values() if report.accepted_by is not None)
    found.figures["events_in"] = len(inputs.topics.get("usage", []))
    found.figures["duplicates_in"] = sum(len(records) - 1 for records in written.values())
    return found


def _check_written(found: Findings, identity: Identity, records: list[Record], sent: Sent | None) -> None:
    if sent is None:
        found.note(PHANTOM, records[0].place, f"no client sent {_name(identity)}")
        return
    if sent.outcomes == {"refused"}:
        found.note(PHANTOM, records[0].place, f"{_name(identity)} was refused but is on usage")
    for record in records:
        steps = steps_of(record.data)
        if sent.steps is not None and steps is not None and not agrees(sent.steps, steps):
            found.note(DIFFERS, record.place, f"{_name(identity)}: {steps} steps written, {float(sent.steps):g} sent")


def sent_reports(inputs: Inputs, slots: dict[tuple[str, str], Slot]) -> dict[Identity, Sent]:
    """Return every report in the clients' logs with the outcomes its senders saw."""
    carried: dict[object, list[tuple[Identity, Sent]]] = {}
    sent: dict[Identity, Sent] = {}
    for line in inputs.calls:
        call = (line["file"], line.get("call"))
        if line.get("what") == "report" and line["op"] == "invoke":
            carried[call] = []
            for report in line["reports"]:
                identity, parsed = _parse_report(report.get("device_id") or line["device_id"], report, slots)
                known = sent.setdefault(identity, parsed)
                known.calls.append(line.get("call"))
                carried[call].append((identity, known))
        elif call in carried:
            _record_outcome(line, carried[call])
    return sent


def _record_outcome(line: Row, carried: list[tuple[Identity, Sent]]) -> None:
    if line["op"] == "ok":
        for index in line["accepted"]:
            _, report = carried[index]
            report.accepted_by = line["call"]
            report.outcomes.add("accepted")
        for index in line.get("refused", []):
            carried[index][1].outcomes.add("refused")
    else:
        for _, report in carried:
            report.outcomes.add("refused" if line["op"] == "fail" else "unknown")


def _parse_report(device_id: str, report: Row, slots: dict[tuple[str, str], Slot]) -> tuple[Identity, Sent]:
    slot = slots.get((device_id, report["slot"]))
    value = report.get("level") if report["type"] == "SlotMeasured" else report.get("quantity")
    steps = None
    if slot is not None and value is not None:
        steps = in_steps(value, report.get("unit"), slot.unit, slot.scale)
    identity = identity_of(device_id, report, report.get("id"), None if steps is None else int(steps))
    return identity, Sent(report["type"], steps)


def identity_of(device_id: str, report: Row, report_id: object, steps: int | None) -> Identity:
    """Return a report's identity: boot and seq, else its own id, else time and value."""
    if report.get("boot") is not None and report.get("seq") is not None:
        return Identity(device_id, report["slot"], ("boot", report["boot"], report["seq"]))
    if report_id is not None:
        return Identity(device_id, report["slot"], ("id", report_id))
    return Identity(
        device_id, report["slot"], ("value", report["type"], datetime.fromisoformat(report["occurred_at"]), steps)
    )


def _identity_by_value(record: Record) -> Identity:
    """Return the identity by time and value; the sender gave no id and the gateway generated one."""
    report = {name: record.data[name] for name in ("slot", "occurred_at")} | {"type": record.type}
    return identity_of(record.data["device_id"], report, None, steps_of(record.data))


def usage_records(inputs: Inputs) -> Iterator[tuple[Identity, Record]]:
    """Yield the readable reports on `usage` in log order."""
    for record in inputs.topics.get("usage", []):
        data = record.data
        if record.type in KINDS and {"device_id", "slot", "occurred_at"} <= data.keys():
            yield (
                identity_of(data["device_id"], data | {"type": record.type}, data.get("report_id"), steps_of(data)),
                record,
            )


def written_reports(inputs: Inputs) -> dict[Identity, list[Record]]:
    found: dict[Identity, list[Record]] = {}
    for identity, record in usage_records(inputs):
        found.setdefault(identity, []).append(record)
    return found


def steps_of(data: Row) -> int | None:
    """Return the value of a record on `usage` in steps."""
    value = data.get("level", data.get("quantity"))
    return int(value) if isinstance(value, int) else None


def _name(identity: Identity) -> str:
    return f"{identity.device_id}/{identity.slot} {' '.join(map(str, identity.name))}"
