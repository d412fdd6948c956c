"""Reports that need thought: late, repeated, uncounted, seen levels, refills; decided one slot at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

from libs.contracts.catalogue import Event
from libs.contracts.events import Fill, FillCause, Reporter
from libs.kit import NotYet, Record
from services.consumption.domain.hearing import Fate, Heard, hear, known_before
from services.consumption.domain.report import Look, Report, moment_of_receipt, moment_of_use, seconds
from services.consumption.domain.slot import Slot, Spec
from services.consumption.store import Known, Place, Store
from services.consumption.store.measures import DUPLICATE_REPORTS

#: Reports by slot, in the order in which they were received.
Waiting = dict[Place, list[Record]]


async def hear_all(waiting: Waiting, store: Store) -> list[Event]:
    """Apply reports slot by slot, each slot's in their order, under every rule there is."""
    before = await store.lock_slots(waiting)
    ours, others = _sorted_out(waiting, before)
    known = await store.find_known(name for place in before for record in ours[place] if (name := _identity(record)))
    new: set[Known] = set()
    after: list[Slot] = []
    events: list[Event] = []
    at = seconds(store.now)
    for place, slot in before.items():
        now = slot
        for record in ours[place]:
            heard, now = _heard(now, record, at, known, new)
            if heard.fate is Fate.PARKED:
                store.park(record, heard.reason)
            elif heard.fate is Fate.DUPLICATE:
                store.count(DUPLICATE_REPORTS)
            elif heard.fate is Fate.APPLIED and (name := _identity(record)):
                new.add(name)
            events += [store.because(event, record) for event in heard.events]
        after.append(now)
    await store.save_slots(before, after)
    await store.insert_known(new, store.now.date())
    await _put_aside(others, store)
    return events


def _sorted_out(waiting: Waiting, slots: Mapping[Place, Slot]) -> tuple[Waiting, list[Record]]:
    """Return what is for the slots as they are registered, and what is for no slot or another registration."""
    ours: Waiting = {place: [] for place in slots}
    others: list[Record] = []
    for place, records in waiting.items():
        for record in records:
            known = place in slots and record.data.registration in {None, slots[place].spec.registration}
            (ours[place] if known else others).append(record)
    return ours, others


def _heard(slot: Slot, record: Record, now: float, *known: set[Known]) -> tuple[Heard, Slot]:
    name = _identity(record)
    again = any(name in names for names in known)
    heard = known_before(slot) if again else hear(slot, report_of(record, slot.spec, now))
    return heard, heard.slot


def _identity(record: Record) -> Known | None:
    """Name a report that carries no boot and seq: by its own id, a level also by time and value."""
    data = record.data
    if data.boot is not None and data.seq is not None:
        return None
    if data.report_id is not None:
        return data.device_id, data.slot, data.report_id
    if record.type == "SlotMeasured":
        return data.device_id, data.slot, f"{data.level} at {seconds(data.at):.6f}"
    return data.device_id, data.slot, record.id


def report_of(record: Record, spec: Spec, now: float) -> Report:
    """Translate a record into the slot's terms."""
    data = record.data
    heard_at = moment_of_receipt(seconds(data.received_at), now)
    counted = data.boot is not None and data.seq is not None
    what: dict[str, Any] = {
        "used_at": moment_of_use(seconds(data.at), heard_at),
        "heard_at": heard_at,
        "boot": data.boot if counted else None,
        "seq": data.seq if counted else None,
    }
    if record.type == "SlotUsed":
        return Report(flow=-data.quantity, **what)
    what["by"] = data.by
    if record.type == "SlotMeasured":
        look = Look.CORRECTED if data.by is Reporter.PERSON else Look.MEASURED
        return Report(level=data.level, look=look, **what)
    what["cause"] = FillCause.REPORTED
    if data.quantity is None or spec.fill is Fill.REPLACE:
        return Report(level=spec.capacity, look=Look.FILLED, **what)
    return Report(flow=data.quantity, **what)


async def _put_aside(records: Sequence[Record], store: Store) -> None:
    """Say why reports for slots that are not here cannot be applied, or what they wait for.

    A device that left may have come back: whoever took its report knew that before we did.
    """
    if not records:
        return
    devices = await store.find_devices({record.data.device_id for record in records})
    for record in records:
        device_id, slot, registration = record.data.device_id, record.data.slot, record.data.registration
        device = devices.get(device_id)
        if device is None or (registration or 0) > device.registration:
            store.hold(record, NotYet(f"device:{device_id}"))
        elif device.how is not None:
            store.park(record, f"device was {device.how}")
        elif registration is not None and registration < device.registration:
            store.park(record, f"it is for registration {registration} of the device, which ended")
        else:
            store.park(record, f"device {device_id} has no slot {slot}")
