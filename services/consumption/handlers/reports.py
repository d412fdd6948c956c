"""Reports outside the hot path, applied one slot at a time: late, repeated, without seq, level readings, refills."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from libs.kit import NotReadyError, Record
from replenish_contracts.catalogue import Event
from replenish_contracts.events import Fill, FillCause, Reporter
from replenish_contracts.identity import event_identity
from services.consumption.domain.apply import apply_report, as_duplicate
from services.consumption.domain.booking import Outcome
from services.consumption.domain.report import ReadingKind, Report, plausible_receipt_time, plausible_use_time, to_unix
from services.consumption.domain.slot import Slot, Spec
from services.consumption.handlers.anomalies import (
    Anomaly,
    missing_reports,
    publish_anomalies,
    repeated_report,
    resolve_shared_counters,
)
from services.consumption.store import Place, ReportIdentity, Store
from services.consumption.store.measures import DUPLICATE_REPORTS

#: Reports by slot, in the order of receipt.
RecordsBySlot = dict[Place, list[Record]]
#: Reports of a slot that are applied before the slots of its device are compared. A slot that shares a counter with
#: others opens a gap with each, and is quarantined after 1,000.
MOST_AT_ONCE = 500


async def apply_reports(waiting: RecordsBySlot, store: Store) -> list[Event]:
    events: list[Event] = []
    for start in range(0, max(map(len, waiting.values())), MOST_AT_ONCE):
        part = {place: records[start : start + MOST_AT_ONCE] for place, records in waiting.items()}
        events += await _apply_part({place: records for place, records in part.items() if records}, store)
    return events


async def _apply_part(waiting: RecordsBySlot, store: Store) -> list[Event]:
    before = await store.lock_slots(waiting)
    ours, others = _split_by_registration(waiting, before)
    known = await store.find_report_identities(
        name for place in before for record in ours[place] if (name := _identity(record))
    )
    work = Work(store, to_unix(store.now), known)
    after = {place: work.apply(slot, ours[place]) for place, slot in before.items()}
    if work.opened:
        after, shared = await resolve_shared_counters(after, work.opened, store)
        devices = {one.slot.device_id for one in shared}
        work.anomalies = shared + [one for one in work.anomalies if one.slot.device_id not in devices]
    await store.save_slots(before, after.values())
    await store.add_report_identities(work.new, store.now.date())
    work.events += await publish_anomalies(work.anomalies, store)
    await _defer_or_reject(others, store)
    return work.events


@dataclass
class Work:
    """What applying the reports of several slots leads to."""

    store: Store
    at: float
    known: Container[ReportIdentity]
    new: set[ReportIdentity] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    #: Slots with a new gap, and the last record of each.
    opened: dict[Place, Record] = field(default_factory=dict)
    anomalies: list[Anomaly] = field(default_factory=list)

    def apply(self, slot: Slot, records: Sequence[Record]) -> Slot:
        """Return the slot after its reports."""
        changed = slot
        for record in records:
            changed = self._apply_one(changed, record)
        if records and _has_new_gap(slot, changed):
            self.opened[slot.device_id, slot.slot] = records[-1]
            if missing := missing_reports(slot, changed, records[-1]):
                self.anomalies.append(missing)
        return changed

    def _apply_one(self, slot: Slot, record: Record) -> Slot:
        name = _identity(record)
        again = name in self.known or name in self.new
        decision = as_duplicate(slot) if again else apply_report(slot, report_of(record, slot.spec, self.at))
        if decision.outcome is Outcome.DEAD_LETTER:
            self.store.reject(record, decision.reason)
        elif decision.outcome is Outcome.DUPLICATE:
            self.store.count(DUPLICATE_REPORTS)
            self.anomalies.append(repeated_report(slot, record))
        elif name:
            self.new.add(name)
        self.events += [self.store.caused_by(event, record) for event in decision.events]
        return decision.slot


def _has_new_gap(before: Slot, after: Slot) -> bool:
    """Return whether reports after the last one are missing."""
    last = after.gaps[-1] if after.gaps else None
    return last is not None and (last.boot_no, last.first) > (before.boot_no, before.last_seq)


def _split_by_registration(waiting: RecordsBySlot, slots: Mapping[Place, Slot]) -> tuple[RecordsBySlot, list[Record]]:
    ours: RecordsBySlot = {place: [] for place in slots}
    others: list[Record] = []
    for place, records in waiting.items():
        for record in records:
            known = place in slots and record.data.registration in {None, slots[place].spec.registration}
            (ours[place] if known else others).append(record)
    return ours, others


def _identity(record: Record) -> ReportIdentity | None:
    """Return the identity of a report without boot and seq, None for a counted one.

    It is the `report_id`, else time and value of a level reading, else source and id of the event.
    """
    data = record.data
    if data.boot is not None and data.seq is not None:
        return None
    if data.report_id is not None:
        return data.device_id, data.slot, data.report_id
    if record.type == "SlotMeasured":
        return data.device_id, data.slot, f"{data.level} at {to_unix(data.occurred_at):.6f}"
    return data.device_id, data.slot, event_identity(record.source, record.id)


def report_of(record: Record, spec: Spec, now: float) -> Report:
    data = record.data
    received_at = plausible_receipt_time(to_unix(data.received_at), now)
    counted = data.boot is not None and data.seq is not None
    fields: dict[str, Any] = {
        "used_at": plausible_use_time(to_unix(data.occurred_at), received_at),
        "received_at": received_at,
        "applied_at": now,
        "boot": data.boot if counted else None,
        "seq": data.seq if counted else None,
    }
    if record.type == "SlotUsed":
        return Report(flow=-data.quantity, **fields)
    fields["by"] = data.by
    if record.type == "SlotMeasured":
        kind = ReadingKind.CORRECTED if data.by is Reporter.PERSON else ReadingKind.MEASURED
        return Report(level=data.level, kind=kind, **fields)
    fields["cause"] = FillCause.REPORTED
    if data.quantity is None or spec.fill is Fill.REPLACE:
        return Report(level=spec.capacity, kind=ReadingKind.FILLED, **fields)
    return Report(flow=data.quantity, **fields)


async def _defer_or_reject(records: Sequence[Record], store: Store) -> None:
    """Defer reports until their device is registered, or make them dead letters with a reason.

    A device that was removed may have been registered again: the gateway can accept its report before
    consumption has consumed the registration.
    """
    if not records:
        return
    devices = await store.find_devices({record.data.device_id for record in records})
    for record in records:
        device_id, slot, registration = record.data.device_id, record.data.slot, record.data.registration
        device = devices.get(device_id)
        if device is None or (registration or 0) > device.registration:
            store.defer(record, NotReadyError(f"device:{device_id}"))
        elif device.end_reason is not None:
            store.reject(record, f"device was {device.end_reason}")
        elif registration is not None and registration < device.registration:
            store.reject(record, f"the report belongs to registration {registration} of the device, which has ended")
        else:
            store.reject(record, f"device {device_id} has no slot {slot}")
