"""Books a report that is next in order, and decides what follows from a booked report: events, trigger, quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from replenish_contracts.catalogue import Event
from replenish_contracts.events import AnomalyCode
from services.consumption.domain import events, uncertainty
from services.consumption.domain.gaps import BookChange, LevelReading, count_open, with_newest_reading
from services.consumption.domain.rate import Rate
from services.consumption.domain.report import Report
from services.consumption.domain.slot import Slot

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
    outcome: Outcome = Outcome.APPLIED
    events: Sequence[Event] = ()
    reason: str = ""

    def then(self, later: "Decision") -> "Decision":
        """Return a later decision about the same slot with the events of both."""
        return replace(later, events=[*self.events, *later.events])


def apply_next(slot: Slot, report: Report) -> tuple[Slot, BookChange]:
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
        rate=rate_after(slot, report, change),
        days=slot.days.advanced_to(report.used_at, slot.rate.until, slot.books.used, slot.held),
        received_at=report.received_at,
        variance=variance,
        gaps=gaps,
    )
    return after, change


def rate_after(slot: Slot, report: Report, change: BookChange) -> Rate:
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


def decide(before: Slot, applied: tuple[Slot, BookChange], report: Report) -> Decision:
    """Return the events of an applied report, count it for the trigger, and quarantine a slot with too many gaps."""
    after, change = applied
    trigger = after.trigger.after_report(after.held, after.rate.per_day)
    published = list(events.events_of_report(before, after, report, change))
    if after.trigger.armed and not trigger.armed:
        published.append(events.threshold_crossed(after, report.received_at))
    return Decision(after, events=published).then(check_gaps(replace(after, trigger=trigger), report.received_at))


def check_gaps(slot: Slot, at: float) -> Decision:
    """Quarantine a slot with too many gaps; a reading that waits is dropped."""
    if count_open(slot.gaps) <= MOST_GAPS or slot.quarantined:
        return Decision(slot)
    slot = replace(slot, quarantined=True, pending=None, unconfirmed=None)
    reason = f"more than {MOST_GAPS} gaps in its sequence of reports"
    return Decision(slot, events=[events.slot_anomaly_detected(slot, AnomalyCode.TOO_MANY_GAPS, reason, at)])
