"""Gaps in a slot's sequence of reports: the missing numbers, and what a late report needs to fill them.

Numbered reports are ordered by boot (in the order of their first receipt) and seq. Missing reports form gaps:
closed ones within a boot, and an open one after the last report of every earlier boot. A gap stores the level at
its place and the next level reading after it. A late report needs nothing else: it shifts the levels of the later
gaps up to that reading, or the slot's level if there is no reading after the gap (`late_reports.py`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from services.consumption.domain.report import ReadingKind

Gaps = tuple["Gap", ...]
#: Quantity in a slot for a signed level, see `Spec.held`.
Held = Callable[[int], int]


class BookChange(NamedTuple):
    """Changes of the books by a level reading, in steps."""

    received: int = 0
    unreported: int = 0
    unexplained: int = 0
    #: The part of `unexplained` that results from a person's correction.
    corrected: int = 0
    #: The part of `unexplained` that was used without a known receipt.
    owed: int = 0

    def minus(self, other: "BookChange") -> "BookChange":
        return BookChange(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    def plus(self, other: "BookChange") -> "BookChange":
        return BookChange(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class LevelReading:
    """A level reading and the level expected without it."""

    boot_no: int
    seq: int
    kind: ReadingKind
    expected: int
    level: int

    def book_change(self, held: Held) -> BookChange:
        """Classify the difference; a negative expected level was use of unreported goods (`owed`)."""
        start = held(self.expected)
        owed, rise = start - self.expected, self.level - start
        if self.kind is ReadingKind.CORRECTED:
            return BookChange(unexplained=owed + rise, corrected=rise, owed=owed)
        if rise >= 0:
            return BookChange(received=rise, unexplained=owed, owed=owed)
        if self.kind is ReadingKind.MEASURED:
            return BookChange(unreported=-rise, unexplained=owed, owed=owed)
        return BookChange(unexplained=owed + rise, owed=owed)


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

    @property
    def variance_per_report(self) -> float:
        """Variance of one missing report; 0 for an open gap, whose number of reports is unknown."""
        return 0.0 if self.last is None else self.variance / (self.last - self.first + 1)

    def contains(self, boot_no: int, seq: int) -> bool:
        return self.boot_no == boot_no and self.first <= seq and (self.last is None or seq <= self.last)

    def is_behind(self, boot_no: int, seq: int) -> bool:
        return (self.boot_no, self.first) > (boot_no, seq)

    def shares_reading(self, other: "Gap") -> bool:
        return _position(self.next_reading) == _position(other.next_reading)

    def without(self, seq: int) -> list["Gap"]:
        """Return what is left of the gap once report `seq` has arrived: up to two gaps."""
        rest = []
        if seq > self.first:
            rest.append(replace(self, last=seq - 1, variance=self.variance_per_report * (seq - self.first)))
        if self.last is None or seq < self.last:
            variance = self.variance if self.last is None else self.variance_per_report * (self.last - seq)
            rest.append(replace(self, first=seq + 1, variance=variance))
        return rest


def _position(reading: LevelReading | None) -> tuple[int, int] | None:
    return (reading.boot_no, reading.seq) if reading else None


def count_open(gaps: Iterable[Gap]) -> int:
    return sum(not gap.given_up for gap in gaps)


def with_newest_reading(gaps: Gaps, reading: LevelReading) -> Gaps:
    return tuple(replace(gap, next_reading=reading, variance=0.0) if gap.next_reading is None else gap for gap in gaps)
