"""Checks levels: newest level report by (boot, seq) minus the uses after it, plus refills.

Not the services' algorithm: each report gets its place in the device's own order, and the level is
a sum over that order, so the time of arrival does not matter.
"""

from collections import Counter
from collections.abc import Iterable
from math import inf

from tests.judge.evidence import Evidence, Record, Row
from tests.judge.ledger import Arrival, Ledger
from tests.judge.reports import Identity, slots_of, usage_records
from tests.judge.verdict import DIFFERS, DOUBLED, LOST, UNBALANCED, Findings

SlotName = tuple[str, str]


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
    """Return each registered slot's ledger after every report that is not a dead letter."""
    ledgers = {name: Ledger(slot) for name, slot in slots_of(evidence).items()}
    heirs = _heirs(evidence, ledgers)
    _hear_reports(found, evidence, ledgers)
    _hear_arrivals(found, evidence, ledgers, heirs)
    for record in evidence.said("SlotFilled", "SlotCorrected"):
        if (name := _name_in(record)) in ledgers:
            ledgers[name].told += record.data["quantity" if record.type == "SlotFilled" else "difference"]
    for old, new in heirs.items():  # in the order of the log, so that a grandchild comes after its parent
        ledgers[new].openings = set(map(ledgers[old].held, ledgers[old].levels()))
    return ledgers


def _hear_arrivals(
    found: Findings, evidence: Evidence, ledgers: dict[SlotName, Ledger], heirs: dict[SlotName, SlotName]
) -> None:
    """Put each delivery into the slot it was for, or the one that had followed on it by then."""
    filled = {r.data.get("order_id"): r for r in evidence.said("SlotFilled") if r.data["cause"] == "arrival"}
    for record in evidence.said("OrderDelivered"):
        line = [_name_in(record)]
        while line[-1] in heirs:
            line.append(heirs[line[-1]])
        arrival = filled.get(record.data["order_id"])
        name = _name_in(arrival) if arrival else line[-1]
        if name not in line:
            what = f"order {record.data['order_id']} was for {'/'.join(line[0])} and filled {'/'.join(name)}"
            found.note(DIFFERS, record.place, what)
        elif name in ledgers and ledgers[name].slot.loading == "direct":
            told_ms = arrival.appended_ms if arrival else inf
            ledgers[name].arrivals.append(Arrival(record.data["quantity"], told_ms))


def _name_in(record: Record) -> SlotName:
    return record.data["device_id"], record.data["slot"]


def _heirs(evidence: Evidence, ledgers: dict[SlotName, Ledger]) -> dict[SlotName, SlotName]:
    """Return which slot goes on with which, where a device was replaced and both hold the same goods."""
    heirs = {}
    for record in evidence.said("DeviceReplaced"):
        for move in record.data["moves"]:
            old = (record.data["replaces"], move["old_slot"])
            new = (record.data["device_id"], move["new_slot"])
            if old != new and old in ledgers and new in ledgers and ledgers[old].slot.goods == ledgers[new].slot.goods:
                heirs[old] = new
    return heirs


def _hear_reports(found: Findings, evidence: Evidence, ledgers: dict[SlotName, Ledger]) -> None:
    aside = {
        (row["topic"], row["partition"], row["offset"])
        for table in ("consumption.deferred", "consumption.dead_letter")
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
    elif ledger.slot.loading == "by_hand":
        goods = set(map(ledger.goods, ledger.openings))
        if ledger.told not in goods:
            what = f"{ledger.told} were told to come in, its reports make it {sorted(goods)}"
            found.note(UNBALANCED, where, what)


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
