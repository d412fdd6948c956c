"""Recognizes a device that counts one `seq` over all its slots, and takes numbers of other slots out of a slot's gaps.

Numbers count within a slot (`sequence.py`). With one counter for all slots, each slot lacks what the others received:
the received numbers of all slots are disjoint and complete. Separate counters would share their first numbers.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from services.consumption.domain.gaps import Gap
from services.consumption.domain.slot import Slot

Range = tuple[int, int]
#: Separate counters with lost reports rarely look shared once; three times are no coincidence.
FEWEST_GAPS = 3
#: Share of the numbers that must have arrived: reports get lost with a shared counter too.
COMPLETE_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Counter:
    """Numbers of one slot in its current boot: the last one, and the ranges that are missing before it."""

    slot: str
    boot: str
    last_seq: int
    missing: tuple[Range, ...]

    def received(self) -> list[Range]:
        return list(_outside(self.missing, (1, self.last_seq)))


def counter_of(slot: Slot) -> Counter:
    missing = tuple((gap.first, gap.last) for gap in _current_gaps(slot) if gap.last is not None)
    return Counter(slot.slot, slot.boot or "", slot.last_seq, missing)


def is_shared(counters: Sequence[Counter]) -> bool:
    """Return whether these slots, two or more in the same boot, count one sequence."""
    if sum(len(counter.missing) for counter in counters) < FEWEST_GAPS:
        return False
    ranges = sorted(one for counter in counters for one in counter.received())
    if any(later[0] <= earlier[1] for earlier, later in pairwise(ranges)):
        return False
    count = sum(last - first + 1 for first, last in ranges)
    return count >= COMPLETE_SHARE * (ranges[-1][1] - ranges[0][0] + 1)


def without_numbers_of_others(slot: Slot, others: Iterable[Counter]) -> Slot:
    """Take numbers that other slots of the device received out of the slot's gaps."""
    received = sorted(one for counter in others for one in counter.received())
    gaps, variance = list[Gap](), slot.variance
    for gap in slot.gaps:
        if gap.last is None or gap.boot_no != slot.boot_no or gap.given_up:
            gaps.append(gap)
            continue
        left = [
            replace(gap, first=first, last=last, variance=gap.variance_per_report * (last - first + 1))
            for first, last in _outside(received, (gap.first, gap.last))
        ]
        if gap.next_reading is None:
            variance -= gap.variance - sum(one.variance for one in left)
        gaps += left
    return replace(slot, gaps=tuple(gaps), variance=max(0.0, variance))


def _current_gaps(slot: Slot) -> Iterator[Gap]:
    return (gap for gap in slot.gaps if gap.boot_no == slot.boot_no and gap.last is not None and not gap.given_up)


def _outside(ranges: Iterable[Range], whole: Range) -> Iterator[Range]:
    """Yield the parts of `whole` that are in none of the sorted ranges."""
    start, end = whole
    for first, last in ranges:
        if first > end:
            break
        if first > start:
            yield start, first - 1
        start = max(start, last + 1)
    if start <= end:
        yield start, end
