"""Late reports: fill a gap, so that level and books end as if the report had arrived in its place.

What a report changes depends on what it reports, and on whether a level was read after its place:

| the late report is | no later reading | a later reading exists |
| --- | --- | --- |
| use or refill | the slot's level moves by it | the level stays; the reading's difference is booked again |
| a level reading | the slot's level moves by its difference | the level stays; both differences are booked |

- The level before every later gap moves with the report, up to the next reading.
- A late reading becomes the next reading of the gaps before it.
- A use adds to the rate of use, whose time was counted as observed before; times and days stay.
- The variance of the missing report is resolved, unless a later reading had replaced it already.

Whether a late reading of a sensor counts at all is decided in `readings.py`.
A report in no gap is a duplicate and one in a gap that was given up is a dead letter: `apply.py` sorts those out.
"""

from dataclasses import replace

from services.consumption.domain import uncertainty
from services.consumption.domain.gaps import BookChange, Gap, Gaps, LevelReading
from services.consumption.domain.report import Report
from services.consumption.domain.slot import Slot


def apply_late(slot: Slot, gap: Gap, seq: int, report: Report) -> tuple[Slot, BookChange]:
    """Return the slot with report `seq` filled into its gap, and the change of the books by level readings."""
    own, shift = None, report.flow
    if report.level is not None:
        own = LevelReading(gap.boot_no, seq, report.kind, gap.level, report.level)
        shift = report.level - gap.level
    later = gap.next_reading and replace(gap.next_reading, expected=gap.next_reading.expected + shift)
    change = own.book_change(slot.spec.held) if own else BookChange()
    if gap.next_reading and later:
        change = change.plus(later.book_change(slot.spec.held).minus(gap.next_reading.book_change(slot.spec.held)))
    gaps = _filled(slot.gaps, gap, seq, shift, (own, later))
    after = replace(
        slot,
        books=slot.books.after(report.flow, change),
        rate=slot.rate.with_late(max(0, -report.flow) + change.unreported),
        received_at=max(slot.received_at, report.received_at),
        variance=_variance(slot, gap, gaps, report),
        gaps=gaps,
    )
    return after, change


def _filled(
    gaps: Gaps, gap: Gap, seq: int, shift: int, readings: tuple[LevelReading | None, LevelReading | None]
) -> Gaps:
    """Return the gaps without the report; `readings` are its own and the next one after it."""
    own, later = readings
    filled = []
    for one in (*(other for other in gaps if other is not gap), *gap.without(seq)):
        if not one.shares_reading(gap):
            filled.append(one)
        elif one.is_behind(gap.boot_no, seq):
            filled.append(replace(one, level=one.level + shift, next_reading=later))
        elif own:
            filled.append(replace(one, next_reading=own, variance=0.0))
        else:
            filled.append(replace(one, next_reading=later))
    return tuple(sorted(filled, key=lambda one: (one.boot_no, one.first)))


def _variance(slot: Slot, gap: Gap, gaps: Gaps, report: Report) -> float:
    """Return the slot's variance; a late reading that is the newest one sets it, plus that of later missing reports."""
    if gap.next_reading:
        return max(0.0, slot.variance)
    if report.level is None:
        return max(0.0, slot.variance - gap.variance_per_report)
    still_missing = sum(one.variance for one in gaps if one.next_reading is None)
    return max(0.0, uncertainty.variance_after_reading(report.kind, slot.spec.unit, slot.spec.capacity) + still_missing)
