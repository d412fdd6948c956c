"""The holes in a slot's count of reports, and where a late report belongs.

A slot's numbered reports stand in one row, by boot (in the order of their first receipt) and seq. What is
missing are gaps: closed ones within a boot, and an open one behind the last report of every earlier boot.
A gap remembers the level at its place and the next level report behind it. That is all a late report needs:
it moves the levels of the gaps behind it up to that level report, or the slot's level when there is none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from services.consumption.domain.report import Look, Report

Gaps = tuple["Gap", ...]
#: What a slot holds at a signed level.
Held = Callable[[int], int]


class Booked(NamedTuple):
    """What a level report adds to the books: goods in, use nobody reported, and what nothing explains."""

    received: int = 0
    unreported: int = 0
    unexplained: int = 0
    #: The part of `unexplained` that a person's correction made.
    corrected: int = 0
    #: The part of `unexplained` that was used and never there.
    owed: int = 0

    def minus(self, other: "Booked") -> "Booked":
        return Booked(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    def plus(self, other: "Booked") -> "Booked":
        return Booked(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Sight:
    """A level report and what the level would have been without it."""

    boot_no: int
    seq: int
    look: Look
    expected: int
    level: int

    def booked(self, held: Held) -> Booked:
        """Explain the difference. Below zero nothing can be: that part was use of goods nobody told of."""
        start = held(self.expected)
        owed, rise = start - self.expected, self.level - start
        if self.look is Look.CORRECTED:
            return Booked(unexplained=owed + rise, corrected=rise, owed=owed)
        if rise >= 0:
            return Booked(received=rise, unexplained=owed, owed=owed)
        if self.look is Look.MEASURED:
            return Booked(unreported=-rise, unexplained=owed, owed=owed)
        return Booked(unexplained=owed + rise, owed=owed)


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing reports `first`..`last` of a boot (None: no end), between which the level is not known."""

    boot_no: int
    boot: str
    first: int
    last: int | None
    #: The level in front of the gap, as the books have it.
    level: int
    #: The next level report behind the gap; None: the gap is behind the newest one.
    sight: Sight | None = None
    #: The variance these missing reports put on the slot's level, in steps squared.
    variance: float = 0.0
    opened_at: float = 0.0
    #: A report for such a gap is put aside; nobody waits for it any more.
    given_up: bool = False

    def holds(self, boot_no: int, seq: int) -> bool:
        return self.boot_no == boot_no and self.first <= seq and (self.last is None or seq <= self.last)

    def is_behind(self, boot_no: int, seq: int) -> bool:
        return (self.boot_no, self.first) > (boot_no, seq)

    def shares_sight(self, other: "Gap") -> bool:
        """Tell whether no level report stands between the two."""
        return _place(self.sight) == _place(other.sight)


def _place(sight: Sight | None) -> tuple[int, int] | None:
    return (sight.boot_no, sight.seq) if sight else None


def boot_number(gaps: Iterable[Gap], boot: str) -> int | None:
    """Return the number of an earlier boot by its name, the newest where a name came twice."""
    return max((gap.boot_no for gap in gaps if gap.boot == boot), default=None)


def find_gap(gaps: Iterable[Gap], boot_no: int, seq: int) -> Gap | None:
    return next((gap for gap in gaps if gap.holds(boot_no, seq)), None)


def waiting(gaps: Iterable[Gap]) -> int:
    """Return how many gaps may still be filled."""
    return sum(not gap.given_up for gap in gaps)


def seen(gaps: Gaps, sight: Sight) -> Gaps:
    """Note a new newest level report: it stands behind every gap there is."""
    return tuple(replace(gap, sight=sight, variance=0.0) if gap.sight is None else gap for gap in gaps)


class Filled(NamedTuple):
    """What a late report did: the gaps now, what level reports book now, and the variance that is settled."""

    gaps: Gaps
    booked: Booked
    settled: float


def fill(gaps: Gaps, gap: Gap, seq: int, report: Report, held: Held) -> Filled:
    """Put a late report in its place: as if it had come in order, for level and books alike."""
    own, shift = None, report.flow
    if report.level is not None:
        own = Sight(gap.boot_no, seq, report.look, gap.level, report.level)
        shift = report.level - gap.level
    after = gap.sight and replace(gap.sight, expected=gap.sight.expected + shift)
    others = [one for one in gaps if one is not gap]
    moved = [_moved(one, gap, seq, shift, (own, after)) for one in (*others, *_halves(gap, seq))]
    moved.sort(key=lambda one: (one.boot_no, one.first))
    booked = own.booked(held) if own else Booked()
    if gap.sight and after:
        booked = booked.plus(after.booked(held).minus(gap.sight.booked(held)))
    return Filled(tuple(moved), booked, _each(gap))


def _moved(one: Gap, gap: Gap, seq: int, shift: int, sights: tuple[Sight | None, Sight | None]) -> Gap:
    own, after = sights
    if not one.shares_sight(gap):
        return one
    if one.is_behind(gap.boot_no, seq):
        return replace(one, level=one.level + shift, sight=after)
    return replace(one, sight=own, variance=0.0) if own else replace(one, sight=after)


def _halves(gap: Gap, seq: int) -> list[Gap]:
    each = _each(gap)
    halves = []
    if seq > gap.first:
        halves.append(replace(gap, last=seq - 1, variance=each * (seq - gap.first)))
    if gap.last is None or seq < gap.last:
        share = gap.variance if gap.last is None else each * (gap.last - seq)
        halves.append(replace(gap, first=seq + 1, variance=share))
    return halves


def _each(gap: Gap) -> float:
    """Return what one missing report puts on the variance; the number behind a boot's end is unknown."""
    return 0.0 if gap.last is None else gap.variance / (gap.last - gap.first + 1)
