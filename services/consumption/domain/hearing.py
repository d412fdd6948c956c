"""Apply reports to a slot: order, duplicates, late reports, quarantine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from replenish_contracts.catalogue import Event
from services.consumption.domain import said, uncertainty
from services.consumption.domain.gaps import (
    Booked,
    Gap,
    LevelReading,
    boot_number,
    count_open,
    fill,
    find_gap,
    with_newest_reading,
)
from services.consumption.domain.rate import Rate
from services.consumption.domain.report import LARGEST_REPORT, MOST_CAPACITIES, ReadingKind, Report
from services.consumption.domain.slot import Books, Slot
from services.consumption.domain.trigger import Trigger

#: With more open gaps than this, the sequence numbers of a device are not reliable.
MOST_GAPS = 1000


class Fate(StrEnum):
    """Outcome of a report."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Heard:
    """A slot after a report, the events to publish, the outcome, and the reason for a dead letter."""

    slot: Slot
    fate: Fate
    events: Sequence[Event] = ()
    reason: str = ""


def hear(slot: Slot, report: Report) -> Heard:
    """Apply a report once, recognize it as a duplicate, or make it a dead letter with a reason.

    A report without seq must be new: the caller has checked its identity.
    """
    if report.size > LARGEST_REPORT:
        return Heard(slot, Fate.PARKED, reason=f"{report.size} steps in one report are implausible")
    if report.size > MOST_CAPACITIES * slot.spec.capacity:
        reason = f"{report.size} steps in one report are implausible: the slot holds {slot.spec.capacity}"
        return Heard(slot, Fate.PARKED, reason=reason)
    if slot.quarantined:
        if report.seq is not None or report.kind is not ReadingKind.CORRECTED:
            return Heard(slot, Fate.PARKED, reason="the slot is quarantined until a person enters its level")
        slot = _end_quarantine(slot)
    if report.boot is None or report.seq is None:
        return _in_order(slot, slot, report)
    return _apply_counted(slot, report, report.boot, report.seq)


def as_duplicate(slot: Slot) -> Heard:
    """Count a duplicate; the slot is otherwise unchanged."""
    return Heard(replace(slot, duplicates=slot.duplicates + 1), Fate.DUPLICATE)


def arrive(slot: Slot, report: Report) -> Heard:
    """Apply a delivery loaded directly into the slot, which no device reports.

    It applies to a quarantined slot too, and does not count as a report: trigger and last report are unchanged.
    """
    without_trigger = replace(slot, trigger=replace(slot.trigger, armed=False))
    heard = _in_order(without_trigger, without_trigger, report)
    return replace(heard, slot=replace(heard.slot, trigger=slot.trigger, received_at=slot.received_at))


def set_trigger(slot: Slot, newer: Trigger, at: float) -> Heard:
    """Set a newer trigger and publish ThresholdCrossed at once if it is met; an older epoch is a duplicate."""
    if newer.epoch <= slot.trigger.epoch:
        return Heard(slot, Fate.DUPLICATE)
    follows = newer.follow and not slot.trigger.follow
    after = replace(slot, trigger=slot.trigger.replaced_by(newer, slot.held, slot.rate.per_day))
    events: list[Event] = [said.level_changed(after, at)] if follows else []
    if not after.trigger.armed:
        events.append(said.crossed(after, at))
    return Heard(after, Fate.APPLIED, events)


def _apply_counted(slot: Slot, report: Report, boot: str, seq: int) -> Heard:
    boot_no = slot.boot_no if boot == slot.boot else boot_number(slot.gaps, boot)
    if boot_no is None:
        return _in_order(slot, _start_boot(slot, boot, seq, report), report)
    if boot_no == slot.boot_no and seq > slot.last_seq:
        return _in_order(slot, _advance_seq(slot, seq, report), report)
    return _late(slot, boot_no, seq, report)


def _in_order(before: Slot, slot: Slot, report: Report) -> Heard:
    gaps, variance = slot.gaps, slot.variance + uncertainty.REPORT_VARIANCE * report.flow**2
    booked = Booked()
    if report.level is not None:
        reading = LevelReading(slot.boot_no, slot.last_seq, report.kind, slot.level, report.level)
        gaps, booked = with_newest_reading(gaps, reading), reading.booked(slot.spec.held)
        variance = uncertainty.after_reading(report.kind, slot.spec.unit, slot.spec.capacity)
    used = max(0, -report.flow) + booked.unreported
    after = replace(
        slot,
        books=_updated_books(slot.books, report.flow, booked),
        rate=_rate_after(slot, report, used, rose=booked.received > 0 or booked.corrected != 0),
        days=slot.days.until(report.used_at, slot.rate.until, slot.books.used, slot.held),
        received_at=report.received_at,
        variance=variance,
        gaps=gaps,
    )
    return _finish(before, after, report, booked)


def _late(slot: Slot, boot_no: int, seq: int, report: Report) -> Heard:
    gap = find_gap(slot.gaps, boot_no, seq)
    if gap is None:
        return as_duplicate(slot)
    if gap.given_up:
        return Heard(slot, Fate.PARKED, reason=f"report {seq} of boot {gap.boot} arrived after its gap was given up")
    filled = fill(slot.gaps, gap, seq, report, slot.spec.held)
    used = max(0, -report.flow) + filled.booked.unreported
    variance = slot.variance - (0.0 if gap.next_reading else filled.resolved_variance)
    if gap.next_reading is None and report.level is not None:
        unsure = sum(one.variance for one in filled.gaps if one.next_reading is None)
        variance = uncertainty.after_reading(report.kind, slot.spec.unit, slot.spec.capacity) + unsure
    after = replace(
        slot,
        books=_updated_books(slot.books, report.flow, filled.booked),
        rate=slot.rate.with_late(used),
        received_at=max(slot.received_at, report.received_at),
        variance=max(0.0, variance),
        gaps=filled.gaps,
    )
    return _finish(slot, after, report, filled.booked)


def _finish(before: Slot, after: Slot, report: Report, booked: Booked) -> Heard:
    trigger = after.trigger.after_report(after.held, after.rate.per_day)
    events = list(said.moved(before, after, report, booked))
    if after.trigger.armed and not trigger.armed:
        events.append(said.crossed(after, report.received_at))
    after = replace(after, trigger=trigger)
    if count_open(after.gaps) > MOST_GAPS and not after.quarantined:
        after = replace(after, quarantined=True)
        events.append(said.doubted(after, f"more than {MOST_GAPS} gaps in its sequence of reports", report.received_at))
    return Heard(after, Fate.APPLIED, events)


def _updated_books(books: Books, flow: int, booked: Booked) -> Books:
    return Books(
        books.opening,
        books.received + max(0, flow) + booked.received,
        books.used_total + max(0, -flow),
        books.unreported + booked.unreported,
        books.unexplained + booked.unexplained,
    )


def _rate_after(slot: Slot, report: Report, used: int, *, rose: bool) -> Rate:
    """Count the time since the last report as observed, unless use was impossible or unknown in it.

    Reports may describe a time before the registration; observation then starts with the first of them.
    """
    if slot.books.used == 0 and not slot.days.finished and report.used_at < slot.rate.until:
        return replace(slot.rate, until=report.used_at)
    if (slot.held == 0 and used == 0) or rose:
        return slot.rate.skipping_to(report.used_at)
    return slot.rate.after(used, report.used_at)


def _advance_seq(slot: Slot, seq: int, report: Report) -> Slot:
    """Advance the last sequence number to `seq`; skipped numbers become a gap."""
    if slot.accepts_any_seq:
        return replace(slot, last_seq=seq, gaps=tuple(_closed_before(slot, seq)))
    if seq == slot.last_seq + 1:
        return replace(slot, last_seq=seq)
    return _with_gap(replace(slot, last_seq=seq), slot.last_seq + 1, seq - 1, report)


def _closed_before(slot: Slot, seq: int) -> Iterator[Gap]:
    for gap in slot.gaps:
        if gap.boot_no != slot.boot_no or gap.last is not None:
            yield gap
        elif gap.first < seq:
            yield replace(gap, last=seq - 1)


def _start_boot(slot: Slot, boot: str, seq: int, report: Report) -> Slot:
    """Start a new boot: add an open gap after the previous boot and one before the first report of this one."""
    if slot.boot is not None and not slot.accepts_any_seq:
        slot = _with_gap(slot, slot.last_seq + 1, None, report)
    slot = replace(slot, boot=boot, boot_no=slot.boot_no + 1, last_seq=seq)
    return _with_gap(slot, 1, seq - 1, report) if seq > 1 else slot


def _with_gap(slot: Slot, first: int, last: int | None, report: Report) -> Slot:
    missing = 1 if last is None else last - first + 1
    added = uncertainty.of_missing(missing, report.used_at - slot.rate.until, slot.rate)
    gap = Gap(slot.boot_no, slot.boot or "", first, last, slot.level, None, added, report.received_at)
    return replace(slot, gaps=(*slot.gaps, gap), variance=slot.variance + added)


def _end_quarantine(slot: Slot) -> Slot:
    """End a quarantine: give up all gaps, so that counting restarts with the next report."""
    gaps = tuple(replace(gap, given_up=True) for gap in slot.gaps)
    if slot.boot is not None:
        gaps += (Gap(slot.boot_no, slot.boot, slot.last_seq + 1, None, slot.level, given_up=True),)
    return replace(slot, quarantined=False, gaps=gaps)
