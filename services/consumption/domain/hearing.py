"""What a report does to a slot: every rule of report identity in one place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from libs.contracts.catalogue import Event
from services.consumption.domain import doubt, said
from services.consumption.domain.gaps import Booked, Gap, Sight, boot_number, fill, find_gap, seen, waiting
from services.consumption.domain.rate import Rate
from services.consumption.domain.report import LARGEST_REPORT, MOST_CAPACITIES, Look, Report
from services.consumption.domain.slot import Books, Slot
from services.consumption.domain.trigger import Trigger

#: A device with more holes than this in its count does not count.
MOST_GAPS = 1000


class Fate(StrEnum):
    """What became of a report; there is no other end."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Heard:
    """A slot after a report, what is to be said, and the report's fate with the reason if it is put aside."""

    slot: Slot
    fate: Fate
    events: Sequence[Event] = ()
    reason: str = ""


def hear(slot: Slot, report: Report) -> Heard:
    """Apply a report once, know it for a duplicate, or put it aside with a reason.

    An uncounted report (no seq) must be new: who calls has looked up its identity.
    """
    if report.size > LARGEST_REPORT:
        return Heard(slot, Fate.PARKED, reason=f"{report.size} steps in one report are a fault")
    if report.size > MOST_CAPACITIES * slot.spec.capacity:
        reason = f"{report.size} steps in one report are a fault: the slot holds {slot.spec.capacity}"
        return Heard(slot, Fate.PARKED, reason=reason)
    if slot.quarantined:
        if report.seq is not None or report.look is not Look.CORRECTED:
            return Heard(slot, Fate.PARKED, reason="the slot is quarantined until a person says what it holds")
        slot = _trusted_again(slot)
    if report.boot is None or report.seq is None:
        return _in_order(slot, slot, report)
    return _hear_counted(slot, report, report.boot, report.seq)


def known_before(slot: Slot) -> Heard:
    """Count a report that was applied before."""
    return Heard(replace(slot, duplicates=slot.duplicates + 1), Fate.DUPLICATE)


def arrive(slot: Slot, report: Report) -> Heard:
    """Apply goods that came without a word of the device: it fills even a quarantined slot, and is no report."""
    unasked = replace(slot, trigger=replace(slot.trigger, armed=False))
    heard = _in_order(unasked, unasked, report)
    return replace(heard, slot=replace(heard.slot, trigger=slot.trigger, heard_at=slot.heard_at))


def set_trigger(slot: Slot, newer: Trigger, at: float) -> Heard:
    """Take over a newer line and answer at once if the slot is below it; an older epoch's is a duplicate."""
    if newer.epoch <= slot.trigger.epoch:
        return Heard(slot, Fate.DUPLICATE)
    follows = newer.follow and not slot.trigger.follow
    after = replace(slot, trigger=slot.trigger.replaced_by(newer, slot.held, slot.rate.per_day))
    events: list[Event] = [said.level_changed(after, at)] if follows else []
    if not after.trigger.armed:
        events.append(said.crossed(after, at))
    return Heard(after, Fate.APPLIED, events)


def _hear_counted(slot: Slot, report: Report, boot: str, seq: int) -> Heard:
    boot_no = slot.boot_no if boot == slot.boot else boot_number(slot.gaps, boot)
    if boot_no is None:
        return _in_order(slot, _booted(slot, boot, seq, report), report)
    if boot_no == slot.boot_no and seq > slot.last_seq:
        return _in_order(slot, _counted(slot, seq, report), report)
    return _late(slot, boot_no, seq, report)


def _in_order(before: Slot, slot: Slot, report: Report) -> Heard:
    gaps, variance = slot.gaps, slot.variance + doubt.REPORT_VARIANCE * report.flow**2
    booked = Booked()
    if report.level is not None:
        sight = Sight(slot.boot_no, slot.last_seq, report.look, slot.level, report.level)
        gaps, booked = seen(gaps, sight), sight.booked(slot.spec.held)
        variance = doubt.after_look(report.look, slot.spec.unit, slot.spec.capacity)
    used = max(0, -report.flow) + booked.unreported
    after = replace(
        slot,
        books=_book(slot.books, report.flow, booked),
        rate=_rate_after(slot, report, used, rose=booked.received > 0 or booked.corrected != 0),
        days=slot.days.until(report.used_at, slot.rate.until, slot.books.used, slot.held),
        heard_at=report.heard_at,
        variance=variance,
        gaps=gaps,
    )
    return _concluded(before, after, report, booked)


def _late(slot: Slot, boot_no: int, seq: int, report: Report) -> Heard:
    gap = find_gap(slot.gaps, boot_no, seq)
    if gap is None:
        return known_before(slot)
    if gap.given_up:
        return Heard(slot, Fate.PARKED, reason=f"report {seq} of boot {gap.boot} comes after it was given up")
    filled = fill(slot.gaps, gap, seq, report, slot.spec.held)
    used = max(0, -report.flow) + filled.booked.unreported
    variance = slot.variance - (0.0 if gap.sight else filled.settled)
    if gap.sight is None and report.level is not None:
        unsure = sum(one.variance for one in filled.gaps if one.sight is None)
        variance = doubt.after_look(report.look, slot.spec.unit, slot.spec.capacity) + unsure
    after = replace(
        slot,
        books=_book(slot.books, report.flow, filled.booked),
        rate=slot.rate.with_late(used),
        heard_at=max(slot.heard_at, report.heard_at),
        variance=max(0.0, variance),
        gaps=filled.gaps,
    )
    return _concluded(slot, after, report, filled.booked)


def _concluded(before: Slot, after: Slot, report: Report, booked: Booked) -> Heard:
    trigger = after.trigger.after_report(after.held, after.rate.per_day)
    events = list(said.moved(before, after, report, booked))
    if after.trigger.armed and not trigger.armed:
        events.append(said.crossed(after, report.heard_at))
    after = replace(after, trigger=trigger)
    if waiting(after.gaps) > MOST_GAPS and not after.quarantined:
        after = replace(after, quarantined=True)
        events.append(said.doubted(after, f"more than {MOST_GAPS} gaps in its count of reports", report.heard_at))
    return Heard(after, Fate.APPLIED, events)


def _book(books: Books, flow: int, booked: Booked) -> Books:
    return Books(
        books.opening,
        books.received + max(0, flow) + booked.received,
        books.used_total + max(0, -flow),
        books.unreported + booked.unreported,
        books.unexplained + booked.unexplained,
    )


def _rate_after(slot: Slot, report: Report, used: int, *, rose: bool) -> Rate:
    """Time counts as observed unless nothing could be used in it, or nobody saw how much was.

    Reports of a time before the registration are somebody's history: observation began with the first, and
    begins once.
    """
    if slot.books.used == 0 and not slot.days.finished and report.used_at < slot.rate.until:
        return replace(slot.rate, until=report.used_at)
    if (slot.held == 0 and used == 0) or rose:
        return slot.rate.skipping_to(report.used_at)
    return slot.rate.after(used, report.used_at)


def _counted(slot: Slot, seq: int, report: Report) -> Slot:
    """Move the count on to `seq`; what it jumps over is a gap."""
    if slot.counts_anew:
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


def _booted(slot: Slot, boot: str, seq: int, report: Report) -> Slot:
    """Begin a boot: the one before stays open at its end, and what precedes its first report is a gap."""
    if slot.boot is not None and not slot.counts_anew:
        slot = _with_gap(slot, slot.last_seq + 1, None, report)
    slot = replace(slot, boot=boot, boot_no=slot.boot_no + 1, last_seq=seq)
    return _with_gap(slot, 1, seq - 1, report) if seq > 1 else slot


def _with_gap(slot: Slot, first: int, last: int | None, report: Report) -> Slot:
    missing = 1 if last is None else last - first + 1
    added = doubt.of_missing(missing, report.used_at - slot.rate.until, slot.rate)
    gap = Gap(slot.boot_no, slot.boot or "", first, last, slot.level, None, added, report.heard_at)
    return replace(slot, gaps=(*slot.gaps, gap), variance=slot.variance + added)


def _trusted_again(slot: Slot) -> Slot:
    """End a quarantine: all gaps are given up, and counting begins anew with the next report."""
    gaps = tuple(replace(gap, given_up=True) for gap in slot.gaps)
    if slot.boot is not None:
        gaps += (Gap(slot.boot_no, slot.boot, slot.last_seq + 1, None, slot.level, given_up=True),)
    return replace(slot, quarantined=False, gaps=gaps)
