"""Handler of the topic `usage`: in-order uses in one statement, all other reports slot by slot."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from libs.kit import Record
from replenish_contracts.catalogue import Event
from services.consumption.domain.events import slot_level_changed, threshold_crossed
from services.consumption.domain.report import (
    LARGEST_RECEIPT_SKEW_SECONDS,
    LARGEST_REPORT,
    OLDEST_USE_SECONDS,
    plausible_receipt_time,
    plausible_use_time,
    to_unix,
)
from services.consumption.handlers.reports import RecordsBySlot, apply_reports
from services.consumption.store import AppliedUses, Place, Store, Uses

#: Registration numbers of devices that were registered once; makers may omit it.
FIRST_REGISTRATION = frozenset({None, 1})


class PreparedBatch(NamedTuple):
    """A prepared batch: the first report of each slot if it is a counted use, and all other reports."""

    nexts: Mapping[Place, Record]
    uses: Uses
    rest: Mapping[Place, Sequence[Record]]


def prepare(records: Iterable[Record]) -> PreparedBatch:
    """Prepare a batch; the kit calls this while Postgres writes the previous batch."""
    nexts, rest = _first_uses_and_rest(records)
    return PreparedBatch(nexts, _uses(nexts), rest)


async def on_usage(records: Sequence[Record], store: Store, prepared: PreparedBatch | None = None) -> list[Event]:
    nexts, uses, others = prepared or prepare(records)
    rest = {place: list(left) for place, left in others.items()}
    events = await _apply_in_order(nexts, uses, rest, store)
    again = {place: left[0] for place, left in rest.items() if place in nexts and len(left) == 1 and _is_use(left[0])}
    if again:
        for place in again:
            del rest[place]
        events += await _apply_in_order(again, _uses(again), rest, store)
    if rest:
        events += await apply_reports(rest, store)
    return events


def _first_uses_and_rest(records: Iterable[Record]) -> tuple[dict[Place, Record], RecordsBySlot]:
    nexts: dict[Place, Record] = {}
    rest: RecordsBySlot = {}
    for record in records:
        data = record.data
        place = (data.device_id, data.slot)
        if place in rest:
            rest[place].append(record)
        elif place in nexts or not _is_use(record):
            rest[place] = [record]
        else:
            nexts[place] = record
    return nexts, rest


def _is_use(record: Record) -> bool:
    """Return whether the statement may apply a record.

    It does not check registrations, so only devices that were registered once qualify; few have a second one.
    """
    data = record.data
    counted = record.type == "SlotUsed" and data.seq is not None and data.boot is not None
    return counted and data.quantity <= LARGEST_REPORT and data.registration in FIRST_REGISTRATION


async def _apply_in_order(nexts: Mapping[Place, Record], uses: Uses, rest: RecordsBySlot, store: Store) -> list[Event]:
    """Apply the uses that are in order; put the others at the front of their slot's list in `rest`."""
    if not nexts:
        return []
    uses = _with_plausible_times(uses, to_unix(store.now))
    applied = await store.apply_uses(uses)
    if len(applied.positions) < len(nexts):
        for n in set(range(len(nexts))).difference(applied.positions):
            place = uses.place(n)
            rest.setdefault(place, []).insert(0, nexts[place])
    if not (applied.crossed or applied.followed):
        return []
    return await _events_of(applied, uses, nexts, store)


async def _events_of(applied: AppliedUses, uses: Uses, nexts: Mapping[Place, Record], store: Store) -> list[Event]:
    crossed, followed = set(applied.crossed), set(applied.followed)
    places = {n: uses.place(n) for n in sorted(crossed | followed)}
    slots = await store.disarm_crossed(list(places.values()), [n in crossed for n in places])
    makers = ((followed, slot_level_changed), (crossed, threshold_crossed))
    return [
        store.caused_by(make_event(slots[place], uses.received_at[n]), nexts[place])
        for n, place in places.items()
        for positions, make_event in makers
        if n in positions
    ]


def _with_plausible_times(uses: Uses, now: float) -> Uses:
    """Replace implausible times. They are rare, so min and max of the column are checked first."""
    if (
        now - LARGEST_RECEIPT_SKEW_SECONDS <= min(uses.received_at)
        and max(uses.received_at) <= now + LARGEST_RECEIPT_SKEW_SECONDS
    ):
        return uses
    received_at = [plausible_receipt_time(received, now) for received in uses.received_at]
    used_at = [plausible_use_time(at, received) for at, received in zip(uses.used_at, received_at, strict=True)]
    return uses._replace(used_at=used_at, received_at=received_at)


def _uses(nexts: Mapping[Place, Record]) -> Uses:
    """Return the arguments of the statement by column.

    Runs for every report, so the checks of domain/report.py are inlined for the usual case.
    """
    places = sorted(nexts)
    reports = [nexts[place].data for place in places]
    received_at = [report.received_at.timestamp() for report in reports]
    used_at = [
        at if received - OLDEST_USE_SECONDS <= at <= received else plausible_use_time(at, received)
        for at, received in zip([report.occurred_at.timestamp() for report in reports], received_at, strict=True)
    ]
    return Uses(
        [place[0] for place in places],
        [place[1] for place in places],
        [report.boot for report in reports],
        [report.seq for report in reports],
        [report.quantity for report in reports],
        used_at,
        received_at,
    )
