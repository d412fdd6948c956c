"""Gaps in a slot's sequence of reports, and how a late report fills one.

Numbered reports are ordered by boot (in the order of their first receipt) and seq. Missing reports form gaps:
closed ones within a boot, and an open one after the last report of every earlier boot. A gap stores the level at
its place and the next level reading after it. A late report needs nothing else: it shifts the levels of the later
gaps up to that reading, or the slot's level if there is no reading after the gap.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from services.consumption.domain.report import ReadingKind, Report

Gaps = tuple["Gap", ...]
#: Quantity in a slot for a signed level, see `Spec.held`.
Held = Callable[[int], int]


class Booked(NamedTuple):
    """Changes of the books by a level reading, in steps."""

    received: int = 0
    unreported: int = 0
    unexplained: int = 0
    #: The part of `unexplained` that results from a person's correction.
    corrected: int = 0
    #: The part of `unexplained` that was used without a known receipt.
    owed: int = 0

    def minus(self, other: "Booked") -> "Booked":
        return Booked(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    def plus(self, other: "Booked") -> "Booked":
        return Booked(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class LevelReading:
    """A level reading and the level expected without it."""

    boot_no: int
    seq: int
    kind: ReadingKind
    expected: int
    level: int

    def booked(self, held: Held) -> Booked:
        """Classify the difference; a negative expected level was use of unreported goods (`owed`)."""
        start = held(self.expected)
        owed, rise = start - self.expected, self.level - start
        if self.kind is ReadingKind.CORRECTED:
            return Booked(unexplained=owed + rise, corrected=rise, owed=owed)
        if rise >= 0:
            return Booked(received=rise, unexplained=owed, owed=owed)
        if self.kind is ReadingKind.MEASURED:
            return Booked(unreported=-rise, unexplained=owed, owed=owed)
        return Booked(unexplained=owed + rise, owed=owed)


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing reports `first`..`last` of a boot; `last` is None if the end is open."""

    boot_no: int
    boot: str
    first: int
    last: int | None
    #: Level before the gap according to the books.
    level: int
    #: The next level reading after the gap; None if there is none.
    next_reading: LevelReading | None = None
    #: Variance that the missing reports add to the slot's level, in steps squared.
    variance: float = 0.0
    opened_at: float = 0.0
    #: The gap is closed without its reports; a report for it becomes a dead letter.
    given_up: bool = False

    def contains(self, boot_no: int, seq: int) -> bool:
        return self.boot_no == boot_no and self.first <= seq and (self.last is None or seq <= self.last)

    def is_behind(self, boot_no: int, seq: int) -> bool:
        return (self.boot_no, self.first) > (boot_no, seq)

    def shares_reading(self, other: "Gap") -> bool:
        """Return whether no level reading lies between the two gaps."""
        return _place(self.next_reading) == _place(other.next_reading)


def _place(reading: LevelReading | None) -> tuple[int, int] | None:
    return (reading.boot_no, reading.seq) if reading else None


def boot_number(gaps: Iterable[Gap], boot: str) -> int | None:
    """Return the number of an earlier boot by name; the newest one if the name occurs more than once."""
    return max((gap.boot_no for gap in gaps if gap.boot == boot), default=None)


def find_gap(gaps: Iterable[Gap], boot_no: int, seq: int) -> Gap | None:
    return next((gap for gap in gaps if gap.contains(boot_no, seq)), None)


def count_open(gaps: Iterable[Gap]) -> int:
    return sum(not gap.given_up for gap in gaps)


def with_newest_reading(gaps: Gaps, reading: LevelReading) -> Gaps:
    """Set the newest level reading on all gaps that have none after them yet."""
    return tuple(replace(gap, next_reading=reading, variance=0.0) if gap.next_reading is None else gap for gap in gaps)


class Filled(NamedTuple):
    """Result of a late report: the new gaps, the change of the books and the variance that is resolved."""

    gaps: Gaps
    booked: Booked
    resolved_variance: float


def fill(gaps: Gaps, gap: Gap, seq: int, report: Report, held: Held) -> Filled:
    """Apply a late report so that level and books are the same as if it had arrived in order."""
    own, shift = None, report.flow
    if report.level is not None:
        own = LevelReading(gap.boot_no, seq, report.kind, gap.level, report.level)
        shift = report.level - gap.level
    after = gap.next_reading and replace(gap.next_reading, expected=gap.next_reading.expected + shift)
    others = [one for one in gaps if one is not gap]
    shifted = [_shifted(one, gap, seq, shift, (own, after)) for one in (*others, *_split(gap, seq))]
    shifted.sort(key=lambda one: (one.boot_no, one.first))
    booked = own.booked(held) if own else Booked()
    if gap.next_reading and after:
        booked = booked.plus(after.booked(held).minus(gap.next_reading.booked(held)))
    return Filled(tuple(shifted), booked, _variance_per_report(gap))


def _shifted(
    one: Gap, gap: Gap, seq: int, shift: int, readings: tuple[LevelReading | None, LevelReading | None]
) -> Gap:
    own, after = readings
    if not one.shares_reading(gap):
        return one
    if one.is_behind(gap.boot_no, seq):
        return replace(one, level=one.level + shift, next_reading=after)
    return replace(one, next_reading=own, variance=0.0) if own else replace(one, next_reading=after)


def _split(gap: Gap, seq: int) -> list[Gap]:
    each = _variance_per_report(gap)
    halves = []
    if seq > gap.first:
        halves.append(replace(gap, last=seq - 1, variance=each * (seq - gap.first)))
    if gap.last is None or seq < gap.last:
        share = gap.variance if gap.last is None else each * (gap.last - seq)
        halves.append(replace(gap, first=seq + 1, variance=share))
    return halves


def _variance_per_report(gap: Gap) -> float:
    """Return the variance of one missing report; 0 for an open gap, whose number of reports is unknown."""
    return 0.0 if gap.last is None else gap.variance / (gap.last - gap.first + 1)
