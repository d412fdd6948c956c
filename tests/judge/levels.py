"""Judges levels: newest level report by (boot, seq) minus the uses after it, plus what was put in.

Not the services' algorithm: each report gets its place in the device's own order, and the level is
a sum over that order. So it does not matter here when a report arrived.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.judge.evidence import Evidence, Record, Row
from tests.judge.reports import Identity, Slot, slots_of, steps_of, usage_records
from tests.judge.verdict import DIFFERS, DOUBLED, LOST, Findings

SlotName = tuple[str, str]


class Position(NamedTuple):
    """Where a report belongs in its slot's order: boots by first receipt, then seq.

    A report without seq stands right behind the newest counted one that was there before it.
    """

    boot: int
    seq: int
    receipt: int


FIRST = Position(0, 0, 0)


class Move(NamedTuple):
    """What one report does to the level: set it, or add to it."""

    position: Position
    sets: int | None
    adds: int
    used: int


@dataclass
class Ledger:
    """One slot as the judge follows it."""

    slot: Slot
    moves: list[Move] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)
    boots: dict[object, int] = field(default_factory=dict)
    newest: Position = FIRST
    duplicates: int = 0
    #: What it held when it was registered, or took over.
    opening: int = 0

    def __post_init__(self) -> None:
        self.opening = self.slot.level

    def hear(self, identity: Identity, record: Record) -> None:
        """Add a report that was not heard before."""
        position = self._position(identity, len(self.moves) + 1)
        self.newest = max(self.newest, position)
        steps = steps_of(record.data)
        full = self.slot.capacity
        if record.type == "SlotUsed":
            self.moves.append(Move(position, None, -(steps or 0), steps or 0))
        elif record.type == "SlotMeasured":
            self.moves.append(Move(position, steps, 0, 0))
        elif steps is None or self.slot.fill == "replace":
            self.moves.append(Move(position, full, 0, 0))
        else:
            self.moves.append(Move(position, None, steps, 0))

    def _position(self, identity: Identity, receipt: int) -> Position:
        if identity.name[0] == "boot":
            _, boot, seq = identity.name
            return Position(self.boots.setdefault(boot, len(self.boots) + 1), int(str(seq)), 0)
        return Position(self.newest.boot, self.newest.seq, receipt)

    def levels(self) -> set[int]:
        """Return the levels the slot may be at; several only where an arrival and a level report race."""
        level, raced = self.opening, 0
        for move in sorted(self.moves, key=lambda move: move.position):
            if move.sets is not None:
                level, raced = move.sets, len(self.arrivals)
            level += move.adds
        late = [sum(self.arrivals[before:]) for before in range(raced + 1)]
        return {level + arrived for arrived in late}

    @property
    def used(self) -> int:
        return sum(move.used for move in self.moves)


def judge_levels(evidence: Evidence) -> Findings:
    found = Findings()
    if "consumption.slot" not in evidence.tables:
        return found
    rows = {(row["device_id"], row["slot"]): row for row in evidence.table("consumption.slot")}
    gone = gone_devices(evidence)
    for name, ledger in follow(found, evidence).items():
        if name[0] in gone:
            found.figures["slots_of_gone_devices"] += 1
        elif name not in rows:
            what = f"{len(ledger.moves)} reports and no slot"
            found.note(LOST, _where(name), what, stopped_at="consumption", count=max(1, len(ledger.moves)))
        else:
            _judge_slot(found, ledger, rows[name])
    return found


def gone_devices(evidence: Evidence) -> set[str]:
    """Return devices that left; one that came back under another registration cannot be followed either."""
    erased = {record.data["customer_id"] for record in evidence.said("CustomerErased")}
    gone = {record.data["device_id"] for record in evidence.said("DeviceDeregistered")}
    gone |= {record.data["replaces"] for record in evidence.said("DeviceReplaced")}
    registered = evidence.said("DeviceRegistered", "DeviceReplaced")
    return gone | {record.data["device_id"] for record in registered if record.data["customer_id"] in erased}


def follow(found: Findings, evidence: Evidence) -> dict[SlotName, Ledger]:
    """Return each registered slot's ledger after every report that was not put aside."""
    ledgers = {name: Ledger(slot) for name, slot in slots_of(evidence).items()}
    heirs = _heirs(evidence, ledgers)
    _hear_reports(found, evidence, ledgers)
    for record in evidence.said("OrderDelivered"):
        name = (record.data["device_id"], record.data["slot"])
        while name in heirs:
            name = heirs[name]
        if name in ledgers and ledgers[name].slot.loading == "direct":
            ledgers[name].arrivals.append(record.data["quantity"])
    for old, new in heirs.items():  # in the order of the log, so that a grandchild comes after its parent
        ledgers[new].opening = max(0, *ledgers[old].levels())
    return ledgers


def _heirs(evidence: Evidence, ledgers: dict[SlotName, Ledger]) -> dict[SlotName, SlotName]:
    """Return which slot goes on with which, where a device was replaced and both hold the same goods."""
    heirs = {}
    for record in evidence.said("DeviceReplaced"):
        for move in record.data["moves"]:
            old = (record.data["replaces"], move["old_slot"])
            new = (record.data["device_id"], move["new_slot"])
            if old in ledgers and new in ledgers and ledgers[old].slot.goods == ledgers[new].slot.goods:
                heirs[old] = new
    return heirs


def _hear_reports(found: Findings, evidence: Evidence, ledgers: dict[SlotName, Ledger]) -> None:
    aside = {
        (row["topic"], row["partition"], row["offset"])
        for table in ("consumption.held", "consumption.parked")
        for row in evidence.table(table)
    }
    heard: set[Identity] = set()
    for identity, record in usage_records(evidence):
        ledger = ledgers.get((identity.device_id, identity.slot))
        if ledger is None or (record.topic, record.partition, record.offset) in aside:
            found.figures["reports_put_aside"] += 1
        elif identity in heard:
            found.figures["duplicates_dropped"] += 1
            ledger.duplicates += 1
        else:
            heard.add(identity)
            ledger.hear(identity, record)
            found.figures["events_applied"] += 1


def _judge_slot(found: Findings, ledger: Ledger, row: Row) -> None:
    where = _where((ledger.slot.device_id, ledger.slot.slot))
    level, used = row["level"], row["used_total"]
    if missing := ledger.used - used:
        kind = LOST if missing > 0 else DOUBLED
        what = f"used {used} in all, its reports sum to {ledger.used}"
        stopped = "consumption: read, and not in the slot" if missing > 0 else ""
        uses = [move.used for move in ledger.moves if move.used]
        found.note(kind, where, what, stopped_at=stopped, count=fewest(uses, abs(missing)))
    elif level not in ledger.levels():
        found.note(DIFFERS, where, f"at {level}, its reports make it {sorted(ledger.levels())}")
    elif row.get("duplicates", ledger.duplicates) != ledger.duplicates:
        what = f"{row['duplicates']} reports called duplicates, {ledger.duplicates} were"
        found.note(DIFFERS, where, what)


def fewest(uses: Iterable[int], total: int) -> int:
    """Return how few of these reports may explain a difference: 1, 2, else 'at least 3'."""
    counted = Counter(uses)
    if total in counted:
        return 1
    if any(total - one in counted and (total - one != one or counted[one] > 1) for one in counted):
        return 2
    return 3


def _where(name: SlotName) -> str:
    return f"slot {name[0]}/{name[1]}"
