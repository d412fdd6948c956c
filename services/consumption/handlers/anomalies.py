"""Missing and repeated reports, and counters that several slots share: published for those who can mend the device."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from libs.kit import Record
from replenish_contracts.catalogue import Event
from replenish_contracts.events import AnomalyCode
from services.consumption.domain.events import slot_anomaly_detected
from services.consumption.domain.gaps import Gap
from services.consumption.domain.report import to_unix
from services.consumption.domain.shared_counter import Counter, counter_of, is_shared, without_numbers_of_others
from services.consumption.domain.slot import Slot
from services.consumption.store import Place, Store


class Anomaly(NamedTuple):
    """What is wrong with a slot's reports, found with a record."""

    slot: Slot
    code: AnomalyCode
    reason: str
    record: Record


def missing_reports(before: Slot, after: Slot, record: Record) -> Anomaly | None:
    """Return the first gap that was opened; a device that was registered while it counted starts with one."""
    known = {(gap.boot_no, gap.first) for gap in before.gaps}
    for gap in after.gaps:
        position = (gap.boot_no, gap.first)
        is_new = position not in known and position > (before.boot_no, before.last_seq)
        if is_new and gap.last is not None and position != (1, 1):
            return Anomaly(after, AnomalyCode.MISSING_REPORTS, _missing(gap), record)
    return None


def repeated_report(slot: Slot, record: Record) -> Anomaly:
    data = record.data
    name = f"report {data.seq} of boot {data.boot}" if data.seq is not None and data.boot else "a report without seq"
    return Anomaly(slot, AnomalyCode.REPEATED_REPORTS, f"{name} arrived again and was not counted again", record)


async def resolve_shared_counters(
    slots: Mapping[Place, Slot], opened: Mapping[Place, Record], store: Store
) -> tuple[dict[Place, Slot], list[Anomaly]]:
    """Return the slots without gaps that are only numbers of other slots, and the anomalies of their devices.

    `opened` are the slots with a new gap, with the record that opened it.
    """
    devices = {device_id for device_id, _ in opened}
    counters, shared = await store.list_counters(devices), await store.list_shared_boots(devices)
    changed, anomalies = dict(slots), list[Anomaly]()
    for place, record in sorted(opened.items()):
        slot = changed[place]
        others = _others_of(slot, counters.get(place[0], []), changed)
        if slot.boot is None or not others:
            continue
        if shared.get(place[0]) != slot.boot:
            if not is_shared([counter_of(slot), *others]):
                continue
            await store.save_shared_boot(place[0], slot.boot)
            shared[place[0]] = slot.boot
        reason = "the device counts one seq over all its slots; each slot needs a seq of its own, from 1 in each boot"
        changed[place] = without_numbers_of_others(slot, others)
        anomalies.append(Anomaly(changed[place], AnomalyCode.SHARED_COUNTER, reason, record))
    return changed, anomalies


async def publish_anomalies(anomalies: Sequence[Anomaly], store: Store) -> list[Event]:
    """Return an event for each device and code that was not published within the last hours."""
    first: dict[tuple[str, AnomalyCode], Anomaly] = {}
    for anomaly in anomalies:
        first.setdefault((anomaly.slot.device_id, anomaly.code), anomaly)
    if not first:
        return []
    pause = timedelta(hours=store.settings.repeat_anomalies_hours)
    claimed = await store.claim_anomalies(first, store.now - pause)
    at = to_unix(store.now)
    return [
        store.caused_by(slot_anomaly_detected(one.slot, one.code, one.reason, at), one.record)
        for name, one in sorted(first.items())
        if name in claimed
    ]


def _others_of(slot: Slot, counters: Sequence[Counter], changed: Mapping[Place, Slot]) -> list[Counter]:
    """Return the counters of the device's other slots in the same boot, as of now."""
    known = {counter.slot: counter for counter in counters}
    known |= {name: counter_of(one) for (device_id, name), one in changed.items() if device_id == slot.device_id}
    return [counter for name, counter in known.items() if name != slot.slot and counter.boot == slot.boot]


def _missing(gap: Gap) -> str:
    if gap.first == gap.last:
        return f"report {gap.first} of boot {gap.boot} is missing"
    return f"reports {gap.first} to {gap.last} of boot {gap.boot} are missing"
