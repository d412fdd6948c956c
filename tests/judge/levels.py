"""Checks levels: newest level report by (boot, seq) minus later uses plus refills.

Unlike in the services, reports are first sorted by (boot, seq) and then summed, so the time of receipt does not matter.
A sensor's reading that jumps counts only with a second one, or after its time, which is not modelled: both are possible,
unless the next reading decides.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import inf

from tests.judge.inputs import Inputs, Record, Row
from tests.judge.ledger import Arrival, Ledger
from tests.judge.lines import key_of, lines_in
from tests.judge.reports import Identity, slots_of, usage_records
from tests.judge.verdict import DIFFERS, DOUBLED, LOST, UNBALANCED, Findings

SlotName = tuple[str, str]


def check_levels(inputs: Inputs) -> Findings:
    found = Findings()
    if "consumption.slot" not in inputs.tables:
        return found
    rows = {(row["device_id"], row["slot"]): row for row in inputs.table("consumption.slot")}
    ended = ended_devices(inputs)
    for name, ledger in recompute_ledgers(found, inputs).items():
        if name[0] in ended:
            found.figures["slots_of_ended_devices"] += 1
        elif name not in rows:
            what = f"{len(ledger.moves)} reports, but no slot"
            found.note(LOST, _where(name), what, stopped_at="consumption", count=max(1, len(ledger.moves)))
        else:
            _check_slot(found, ledger, rows[name])
    return found


def ended_devices(inputs: Inputs) -> set[str]:
    """Return devices that were deregistered, replaced, or registered by an erased customer."""
    erased = {record.data["customer_id"] for record in inputs.events("CustomerErased")}
    ended = {record.data["device_id"] for record in inputs.events("DeviceDeregistered")}
    ended |= {record.data["replaces"] for record in inputs.events("DeviceReplaced")}
    registered = inputs.events("DeviceRegistered", "DeviceReplaced")
    return ended | {record.data["device_id"] for record in registered if record.data["customer_id"] in erased}


def recompute_ledgers(found: Findings, inputs: Inputs) -> dict[SlotName, Ledger]:
    """Return each registered slot's ledger over all reports that are neither dead letters nor deferred."""
    ledgers = {name: Ledger(slot) for name, slot in slots_of(inputs).items()}
    successors = _successors(inputs, ledgers)
    _add_reports(found, inputs, ledgers)
    _add_arrivals(found, inputs, ledgers, successors)
    for record in inputs.events("SlotFilled", "SlotCorrected"):
        if (name := _name_in(record)) in ledgers:
            ledgers[name].published += record.data["quantity" if record.type == "SlotFilled" else "difference"]
    for (
        old,
        new,
    ) in successors.items():  # in log order, so that a chain of replacements is followed from the first device
        ledgers[new].openings = set(map(ledgers[old].contents, ledgers[old].levels()))
    return ledgers


def _add_arrivals(
    found: Findings, inputs: Inputs, ledgers: dict[SlotName, Ledger], successors: dict[SlotName, SlotName]
) -> None:
    """Add each delivered line to its slot, or to the slot that had replaced it."""
    filled: dict[str, list[Record]] = defaultdict(list)
    for record in inputs.events("SlotFilled"):
        if record.data["cause"] == "arrival":
            filled[str(record.data.get("order_id"))].append(record)
    for record in inputs.events("OrderDelivered"):
        fills = filled[str(record.data["order_id"])]
        for line in lines_in(record):
            chain = [(line["device_id"], line["slot"])]
            while chain[-1] in successors:
                chain.append(successors[chain[-1]])
            arrival = _fill_of(chain, line, fills)
            name = _name_in(arrival) if arrival else chain[-1]
            if name not in chain:
                what = f"{key_of(record, line)} was for {'/'.join(chain[0])} but filled {'/'.join(name)}"
                found.note(DIFFERS, record.place, what)
            elif name in ledgers and ledgers[name].slot.loading == "direct":
                published_ms = arrival.appended_ms if arrival else inf
                ledgers[name].arrivals.append(Arrival(line["quantity"], published_ms))


def _fill_of(chain: list[SlotName], line: Row, fills: list[Record]) -> Record | None:
    """Return the fill of one of the slots, else one with the line's product, which filled a wrong slot."""
    in_chain = [fill for fill in fills if _name_in(fill) in chain]
    of_product = [fill for fill in fills if fill.data["product_id"] == line.get("product_id")]
    return next(iter(in_chain or of_product), None)


def _name_in(record: Record) -> SlotName:
    return record.data["device_id"], record.data["slot"]


def _successors(inputs: Inputs, ledgers: dict[SlotName, Ledger]) -> dict[SlotName, SlotName]:
    """Return the new slot for each slot of a replaced device if both hold the same goods."""
    successors = {}
    for record in inputs.events("DeviceReplaced"):
        for move in record.data["moves"]:
            old = (record.data["replaces"], move["old_slot"])
            new = (record.data["device_id"], move["new_slot"])
            if old != new and old in ledgers and new in ledgers and ledgers[old].slot.goods == ledgers[new].slot.goods:
                successors[old] = new
    return successors


def _add_reports(found: Findings, inputs: Inputs, ledgers: dict[SlotName, Ledger]) -> None:
    skipped = {
        (row["topic"], row["partition"], row["offset"])
        for table in ("consumption.deferred", "consumption.dead_letter")
        for row in inputs.table(table)
    }
    seen: set[Identity] = set()
    for identity, record in usage_records(inputs):
        ledger = ledgers.get((identity.device_id, identity.slot))
        if ledger is None or (record.topic, record.partition, record.offset) in skipped:
            found.figures["reports_skipped"] += 1
        elif identity in seen:
            found.figures["duplicates_dropped"] += 1
            ledger.duplicates += 1
        else:
            seen.add(identity)
            ledger.add_report(identity, record)
            found.figures["events_applied"] += 1


def _check_slot(found: Findings, ledger: Ledger, row: Row) -> None:
    where = _where((ledger.slot.device_id, ledger.slot.slot))
    level, used = row["level"], row["used_total"]
    if missing := ledger.used - used:
        kind = LOST if missing > 0 else DOUBLED
        what = f"used_total is {used}, its reports sum to {ledger.used}"
        stopped = "consumption: consumed, but not counted in the slot" if missing > 0 else ""
        uses = [move.used for move in ledger.moves if move.used]
        found.note(kind, where, what, stopped_at=stopped, count=fewest_reports(uses, abs(missing)))
    elif level not in ledger.levels():
        found.note(DIFFERS, where, f"level is {level}, its reports give {sorted(ledger.levels())}")
    elif row.get("duplicates", ledger.duplicates) != ledger.duplicates:
        what = f"{row['duplicates']} duplicates counted, {ledger.duplicates} received"
        found.note(DIFFERS, where, what)
    elif ledger.slot.loading == "by_hand":
        goods = {quantity for opening in ledger.openings for quantity in ledger.goods(opening)}
        if ledger.published not in goods:
            what = f"{ledger.published} published as loaded, its reports give {sorted(goods)}"
            found.note(UNBALANCED, where, what)


def fewest_reports(uses: Iterable[int], total: int) -> int:
    """Return the smallest number of reports whose uses sum to `total`: 1, 2, or 3 for three or more."""
    counted = Counter(uses)
    if total in counted:
        return 1
    if any(total - one in counted and (total - one != one or counted[one] > 1) for one in counted):
        return 2
    return 3


def _where(name: SlotName) -> str:
    return f"slot {name[0]}/{name[1]}"
