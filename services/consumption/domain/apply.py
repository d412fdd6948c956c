"""Apply reports, deliveries and triggers to a slot; `apply_report` is the walk through all rules for a report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from replenish_contracts.catalogue import Event
from services.consumption.domain import events, uncertainty
from services.consumption.domain.gaps import BookChange, LevelReading, count_open, with_newest_reading
from services.consumption.domain.late_reports import apply_late
from services.consumption.domain.rate import Rate
from services.consumption.domain.report import LARGEST_REPORT, MOST_CAPACITIES, ReadingKind, Report
from services.consumption.domain.sequence import advance, boot_number, end_quarantine, find_gap
from services.consumption.domain.slot import Slot
from services.consumption.domain.trigger import Trigger

#: With more open gaps than this, the sequence numbers of a device are not reliable.
MOST_GAPS = 1000


class Outcome(StrEnum):
    """What became of a report or trigger."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    DEAD_LETTER = "dead_letter"


@dataclass(frozen=True, slots=True)
class Decision:
    """A slot after a report or trigger, the events to publish, the outcome, and the reason for a dead letter."""

    slot: Slot
    outcome: Outcome
    events: Sequence[Event] = ()
    reason: str = ""


def apply_report(slot: Slot, report: Report) -> Decision:
    """Apply a report once, recognize it as a duplicate, or make it a dead letter with a reason.

    A report without seq must be new: the caller has checked its identity.
    """
    reason = _find_rejection(slot, report)
    if reason:
        return Decision(slot, Outcome.DEAD_LETTER, reason=reason)
    if slot.quarantined:
        slot = end_quarantine(slot)
    boot, seq = report.boot, report.seq
    if boot is None or seq is None:
        return _decide(slot, _apply_next(slot, report), report)
    boot_no = boot_number(slot, boot)
    if boot_no is None or (boot_no == slot.boot_no and seq > slot.last_seq):
        return _decide(slot, _apply_next(advance(slot, boot, seq, report), report), report)
    gap = find_gap(slot, boot_no, seq)
    if gap is None:
        return as_duplicate(slot)
    if gap.given_up:
        reason = f"report {seq} of boot {gap.boot} arrived after its gap was given up"
        return Decision(slot, Outcome.DEAD_LETTER, reason=reason)
    return _decide(slot, apply_late(slot, gap, seq, report), report)


def as_duplicate(slot: Slot) -> Decision:
    return Decision(replace(slot, duplicates=slot.duplicates + 1), Outcome.DUPLICATE)


def apply_delivery(slot: Slot, report: Report) -> Decision:
    """Apply a delivery loaded directly into the slot, which no device reports.

    It applies to a quarantined slot too, and does not count as a report: trigger and last report are unchanged.
    """
    without_trigger = replace(slot, trigger=replace(slot.trigger, armed=False))
    decision = _decide(without_trigger, _apply_next(without_trigger, report), report)
    return replace(decision, slot=replace(decision.slot, trigger=slot.trigger, received_at=slot.received_at))


def set_trigger(slot: Slot, newer: Trigger, at: float) -> Decision:
    """Set a newer trigger and publish ThresholdCrossed at once if it is met; an older epoch is a duplicate."""
    if newer.epoch <= slot.trigger.epoch:
        return Decision(slot, Outcome.DUPLICATE)
    follows = newer.follow and not slot.trigger.follow
    after = replace(slot, trigger=slot.trigger.replaced_by(newer, slot.held, slot.rate.per_day))
    published: list[Event] = [events.slot_level_changed(after, at)] if follows else []
    if not after.trigger.armed:
        published.append(events.threshold_crossed(after, at))
    return Decision(after, Outcome.APPLIED, published)


def _find_rejection(slot: Slot, report: Report) -> str:
    if report.size > LARGEST_REPORT:
        return f"{report.size} steps in one report are implausible"
    if report.size > MOST_CAPACITIES * slot.spec.capacity:
        return f"{report.size} steps in one report are implausible: the slot holds {slot.spec.capacity}"
    if slot.quarantined and (report.seq is not None or report.kind is not ReadingKind.CORRECTED):
        return "the slot is quarantined until a person enters its level"
    return ""


def _apply_next(slot: Slot, report: Report) -> tuple[Slot, BookChange]:
    """Apply a report in order: the slot's last boot and seq are already those of the report."""
    gaps, variance = slot.gaps, slot.variance + uncertainty.REPORT_VARIANCE * report.flow**2
    change = BookChange()
    if report.level is not None:
        reading = LevelReading(slot.boot_no, slot.last_seq, report.kind, slot.level, report.level)
        gaps, change = with_newest_reading(gaps, reading), reading.book_change(slot.spec.held)
        variance = uncertainty.variance_after_reading(report.kind, slot.spec.unit, slot.spec.capacity)
    after = replace(
        slot,
        books=slot.books.after(report.flow, change),
        rate=_rate_after(slot, report, change),
        days=slot.days.advanced_to(report.used_at, slot.rate.until, slot.books.used, slot.held),
        received_at=report.received_at,
        variance=variance,
        gaps=gaps,
    )
    return after, change


def _rate_after(slot: Slot, report: Report, change: BookChange) -> Rate:
    """Count the time since the last report as observed, unless use was impossible or unknown in it.

    Reports may describe a time before the registration; observation then starts with the first of them.
    """
    used = max(0, -report.flow) + change.unreported
    if slot.books.used == 0 and not slot.days.finished and report.used_at < slot.rate.until:
        return replace(slot.rate, until=report.used_at)
    rose = change.received > 0 or change.corrected != 0
    if (slot.held == 0 and used == 0) or rose:
        return slot.rate.skipping_to(report.used_at)
    return slot.rate.after(used, report.used_at)


def _decide(before: Slot, applied: tuple[Slot, BookChange], report: Report) -> Decision:
    """Return the events of an applied report, count it for the trigger, and quarantine a slot with too many gaps."""
    after, change = applied
    trigger = after.trigger.after_report(after.held, after.rate.per_day)
    published = list(events.events_of_report(before, after, report, change))
    if after.trigger.armed and not trigger.armed:
        published.append(events.threshold_crossed(after, report.received_at))
    after = replace(after, trigger=trigger)
    if count_open(after.gaps) > MOST_GAPS and not after.quarantined:
        after = replace(after, quarantined=True)
        reason = f"more than {MOST_GAPS} gaps in its sequence of reports"
        published.append(events.slot_anomaly_detected(after, reason, report.received_at))
    return Decision(after, Outcome.APPLIED, published)
