"""Apply reports, deliveries and triggers to a slot; `apply_report` is the walk through all rules for a report."""

from dataclasses import replace

from replenish_contracts.catalogue import Event
from services.consumption.domain import events
from services.consumption.domain.booking import Decision, Outcome
from services.consumption.domain.readings import receive_late, receive_next
from services.consumption.domain.report import (
    LARGEST_REPORT,
    MOST_CAPACITIES,
    MOST_LEVEL_PERCENT,
    ReadingKind,
    Report,
)
from services.consumption.domain.sequence import advance, boot_number, end_quarantine, find_gap
from services.consumption.domain.slot import Slot
from services.consumption.domain.trigger import Trigger


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
        return receive_next(slot, report)
    boot_no = boot_number(slot, boot)
    if boot_no is None or (boot_no == slot.boot_no and seq > slot.last_seq):
        return receive_next(advance(slot, boot, seq, report), report)
    gap = find_gap(slot, boot_no, seq)
    if gap is None:
        return as_duplicate(slot)
    if gap.given_up:
        reason = f"report {seq} of boot {gap.boot} arrived after its gap was given up"
        return Decision(slot, Outcome.DEAD_LETTER, reason=reason)
    return receive_late(slot, gap, seq, report)


def as_duplicate(slot: Slot) -> Decision:
    return Decision(replace(slot, duplicates=slot.duplicates + 1), Outcome.DUPLICATE)


def apply_delivery(slot: Slot, report: Report) -> Decision:
    """Apply a delivery loaded directly into the slot, which no device reports.

    It applies to a quarantined slot too, and does not count as a report: trigger and last report are unchanged.
    """
    without_trigger = replace(slot, trigger=replace(slot.trigger, armed=False))
    decision = receive_next(without_trigger, report)
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
    is_reading = report.kind in {ReadingKind.MEASURED, ReadingKind.CORRECTED} and report.level is not None
    if is_reading and 100 * report.size > MOST_LEVEL_PERCENT * slot.spec.capacity:
        return f"a level of {report.level} is above the capacity: the slot holds {slot.spec.capacity}"
    if slot.quarantined and (report.seq is not None or report.kind is not ReadingKind.CORRECTED):
        return "the slot is quarantined until a person enters its level"
    return ""
