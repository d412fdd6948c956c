"""Readings of sensors: one that jumps waits for a second one, or until its time is over.

| the next reading | what happens |
| --- | --- |
| agrees with the books | the reading that waits is dropped |
| agrees with the reading that waits | both count |
| agrees with neither | it replaces the one that waits |
| does not come in time | the reading that waits counts (`count_due`); one that follows soon can still take it back |

Uses and refills that are reported meanwhile move the books and the reading alike, so they are compared as of now. A use
beyond the books proves that a rise was real. A refill, or use, that explains the jump ends the wait. So does a level
that a person enters.
"""

from dataclasses import replace

from services.consumption.domain import events, uncertainty
from services.consumption.domain.booking import Decision, apply_next, check_gaps, decide, rate_after
from services.consumption.domain.gaps import BookChange, Gap, LevelReading
from services.consumption.domain.jumps import due_at, interval_after, is_jump, next_reading_by
from services.consumption.domain.late_reports import apply_late
from services.consumption.domain.pending import PendingReading, UnconfirmedJump
from services.consumption.domain.rate import DAY
from services.consumption.domain.report import ReadingKind, Report
from services.consumption.domain.sequence import find_gap
from services.consumption.domain.slot import Slot


def receive_next(slot: Slot, report: Report) -> Decision:
    """Apply a report in order, whose boot and seq the slot already has."""
    if report.level is None:
        return _receive_flow(slot, report)
    if report.kind is not ReadingKind.MEASURED:
        return _count(_without_jumps(slot), report)
    slot = replace(slot, interval=interval_after(slot, report.received_at), read_at=report.received_at)
    return _receive_reading(slot, report)


def receive_late(slot: Slot, gap: Gap, seq: int, report: Report) -> Decision:
    """Apply a report in its gap."""
    pending = slot.pending
    follows = pending is not None and pending.precedes(gap.boot_no, seq)
    if report.level is not None or gap.next_reading is not None:
        slot = replace(slot, unconfirmed=None)
    if report.kind is ReadingKind.MEASURED and report.level is not None:
        return _receive_late_reading(slot, gap, seq, report, follows=follows)
    decision = _count_late(slot, gap, seq, report)
    if pending and follows:
        moved = None if report.level is not None else replace(pending, flow=pending.flow + report.flow)
        decision = replace(decision, slot=replace(decision.slot, pending=moved))
    return _settle(decision, report.received_at)


def count_due(slot: Slot, now: float) -> Decision:
    """Count the reading whose time is over; without one the slot stays as it is."""
    if slot.pending is None or now < slot.pending.due_at:
        return Decision(slot)
    return _count_overdue(slot, now)


def _receive_flow(slot: Slot, report: Report) -> Decision:
    if report.flow > 0:
        slot = replace(slot, unconfirmed=None)
    pending = slot.pending
    if pending is None:
        return _count(slot, report)
    if report.flow < 0 and slot.held + report.flow < 0 and pending.moved > slot.level:
        counted = _count_pending(slot, report.received_at)
        return counted.then(_count(counted.slot, report))
    decision = _count(slot, report)
    left: PendingReading | None = replace(pending, flow=pending.flow + report.flow)
    if _explains(report.flow, slot, pending) and not is_jump(decision.slot, decision.slot.held, pending.moved, 0.0):
        left = None
    return replace(decision, slot=replace(decision.slot, pending=left))


def _explains(flow: int, slot: Slot, pending: PendingReading) -> bool:
    """Return whether a use or refill goes where the reading jumped, and at least half as far."""
    jump = pending.moved - slot.held
    return 2 * flow <= jump < 0 or 0 < jump <= 2 * flow


def _receive_reading(slot: Slot, report: Report) -> Decision:
    level = report.level or 0
    if not is_jump(slot, slot.held, level, _seconds_since(slot.rate.until, slot.received_at, report)):
        return _count(_without_jumps(slot), report)
    if _takes_back(slot, report):
        returned = _take_back(slot, report.received_at)
        return returned.then(_count(_without_jumps(returned.slot), report))
    pending = slot.pending
    if pending is not None:
        moved = slot.spec.held(pending.moved)
        if not is_jump(slot, moved, level, _seconds_since(pending.used_at, pending.received_at, report)):
            counted = _count_pending(_with_confirmed_part(slot, pending, level), report.received_at)
            return counted.then(_count(counted.slot, report))
        if _applied_at(report) >= pending.due_at:
            counted = _count_overdue(slot, report.received_at)
            return counted.then(_receive_reading(counted.slot, report))
    waiting = _pending_of(slot, report, slot.boot_no, slot.last_seq, 0)
    return check_gaps(replace(slot, pending=waiting), report.received_at)


def _receive_late_reading(slot: Slot, gap: Gap, seq: int, report: Report, *, follows: bool) -> Decision:
    """Apply a late reading if its neighbours make it plausible; its time is unknown, so a day of use is plausible.

    `follows` tells whether its place is after the reading that waits.
    """
    level, pending, at = report.level or 0, slot.pending, report.received_at
    if gap.next_reading is not None:
        plausible = _lies_between(slot, gap, gap.next_reading, level)
    elif not is_jump(slot, slot.spec.held(gap.level), level, DAY):
        plausible, slot = True, replace(slot, pending=None if follows else pending)
    elif pending is None or (follows and not _agrees(slot, gap, pending, level)):
        waiting = _pending_of(slot, report, gap.boot_no, seq, slot.level - gap.level)
        return Decision(replace(_without_reading(slot, gap, seq, report), pending=waiting))
    elif follows:
        counted = _count_pending(slot, at)
        gap = find_gap(counted.slot, gap.boot_no, seq) or gap
        return counted.then(_count_late(counted.slot, gap, seq, report))
    else:
        earlier = pending.level - (slot.level - pending.flow - gap.level)
        plausible = not is_jump(slot, level, max(0, earlier), DAY)
    if not plausible:
        return Decision(_without_reading(slot, gap, seq, report))
    return _settle(_count_late(slot, gap, seq, report), at)


def _lies_between(slot: Slot, gap: Gap, later: LevelReading, level: int) -> bool:
    """Return whether a late reading lies between the books at its place and the next reading that counted."""
    ends = slot.spec.held(gap.level), later.level - (later.expected - gap.level)
    low, high = min(ends), max(ends)
    return not (is_jump(slot, high, max(high, level), 0.0) or is_jump(slot, low, min(low, level), DAY))


def _agrees(slot: Slot, gap: Gap, pending: PendingReading, level: int) -> bool:
    """Return whether a reading in the gap agrees with one that waits and precedes the gap."""
    return not is_jump(slot, slot.spec.held(gap.level + pending.moved - slot.level), level, DAY)


def _settle(decision: Decision, at: float) -> Decision:
    """Count the reading that waits if late reports moved the books to it."""
    slot, pending = decision.slot, decision.slot.pending
    if pending is None or is_jump(slot, slot.held, slot.spec.held(pending.moved), 0.0):
        return decision
    return decision.then(_count_pending(slot, at))


def _count(slot: Slot, report: Report) -> Decision:
    return decide(slot, apply_next(slot, report), report)


def _count_late(slot: Slot, gap: Gap, seq: int, report: Report) -> Decision:
    return decide(slot, apply_late(slot, gap, seq, report), report)


def _without_reading(slot: Slot, gap: Gap, seq: int, report: Report) -> Slot:
    """Close the gap at `seq` without a change of level, books or rate."""
    after, _ = apply_late(slot, gap, seq, replace(report, level=None))
    return replace(after, received_at=slot.received_at)


def _without_jumps(slot: Slot) -> Slot:
    return replace(slot, pending=None, unconfirmed=None)


def _seconds_since(used_at: float, received_at: float, report: Report) -> float:
    """Return the longer of the times by both clocks: a device may collect reports, and its clock may stand still."""
    return max(0.0, report.used_at - used_at, report.received_at - received_at)


def _applied_at(report: Report) -> float:
    return report.applied_at or report.received_at


def _pending_of(slot: Slot, report: Report, boot_no: int, seq: int, flow: int) -> PendingReading:
    due = due_at(slot, _applied_at(report))
    level = report.level or 0
    return PendingReading(boot_no, seq, level, report.used_at, report.received_at, due, flow, slot.variance)


def _with_confirmed_part(slot: Slot, pending: PendingReading, level: int) -> Slot:
    """Reduce a drop to the part that a slightly higher second reading confirms, so that noise is no refill."""
    if pending.moved < level <= slot.held:
        pending = replace(pending, level=level - pending.flow)
    return replace(slot, pending=pending)


def _count_pending(slot: Slot, at: float) -> Decision:
    """Book the reading that waits at its own place and time; its events occur at `at`."""
    pending = slot.pending
    assert pending is not None  # noqa: S101  the callers have checked it
    reading = _reading_of(slot, pending)
    change, shift = reading.book_change(slot.spec.held), reading.level - reading.expected
    gaps = []
    for gap in slot.gaps:
        if gap.next_reading is not None:
            gaps.append(gap)
        elif gap.is_behind(pending.boot_no, pending.seq):
            gaps.append(replace(gap, level=gap.level + shift))
        else:
            gaps.append(replace(gap, next_reading=reading, variance=0.0))
    report = Report(pending.used_at, at, level=pending.level)
    certain = uncertainty.variance_after_reading(report.kind, slot.spec.unit, slot.spec.capacity)
    after = replace(
        slot,
        books=slot.books.after(0, change),
        rate=rate_after(slot, report, change),
        days=slot.days.advanced_to(pending.used_at, slot.rate.until, slot.books.used, slot.held),
        received_at=max(slot.received_at, pending.received_at),
        variance=certain + max(0.0, slot.variance - pending.variance),
        gaps=tuple(gaps),
        pending=None,
        unconfirmed=None,
    )
    return decide(slot, (after, change), report)


def _reading_of(slot: Slot, pending: PendingReading) -> LevelReading:
    expected = slot.level - pending.flow
    return LevelReading(pending.boot_no, pending.seq, ReadingKind.MEASURED, expected, pending.level)


def _count_overdue(slot: Slot, at: float) -> Decision:
    """Count the reading that waits without a second one, and keep what is needed to take it back."""
    pending = slot.pending
    assert pending is not None  # noqa: S101  the callers have checked it
    decision = _count_pending(slot, at)
    after = decision.slot
    unused = rate_after(slot, Report(pending.used_at, at), BookChange())
    jump = UnconfirmedJump(
        _reading_of(slot, pending),
        max(0.0, after.rate.use - unused.use),
        after.rate.until,
        next_reading_by(slot, pending.received_at),
    )
    return replace(decision, slot=replace(after, unconfirmed=jump))


def _takes_back(slot: Slot, report: Report) -> bool:
    """Return whether a reading agrees with the level before the last jump, which counted without a second one."""
    jump = slot.unconfirmed
    if jump is None or report.received_at > jump.expires_at:
        return False
    before = slot.spec.held(slot.level - jump.reading.level + jump.reading.expected)
    seconds = _seconds_since(slot.rate.until, slot.received_at, report)
    return not is_jump(slot, before, report.level or 0, seconds)


def _take_back(slot: Slot, at: float) -> Decision:
    """Undo a jump: its drop was no use, its rise was no receipt. SlotCorrected tells the level to its consumers."""
    jump = slot.unconfirmed
    assert jump is not None  # noqa: S101  the caller has checked it
    reading, gaps = jump.reading, []
    change, shift = reading.book_change(slot.spec.held), reading.level - reading.expected
    for gap in slot.gaps:
        if gap.next_reading is None and gap.is_behind(reading.boot_no, reading.seq):
            gaps.append(replace(gap, level=gap.level - shift))
        elif gap.next_reading == reading:
            gaps.append(replace(gap, next_reading=None))
        else:
            gaps.append(gap)
    after = replace(
        slot,
        books=slot.books.after(0, BookChange().minus(change)),
        rate=slot.rate.without(jump.rate_use, jump.rate_at),
        gaps=tuple(gaps),
        unconfirmed=None,
    )
    published = [events.slot_corrected(after, -change.received, at)]
    if after.is_followed:
        return Decision(after, events=[*published, events.slot_level_changed(after, at)])
    return Decision(after, events=published)
