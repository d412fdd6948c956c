"""Converts real purchase histories into exact daily use per household."""

import csv
import gzip
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

PURCHASES = Path(__file__).with_name("purchases.csv.gz")
STEPS_PER_PACK = 1_000
#: Series with fewer dates show no rhythm and are left out.
LEAST_DATES = 6
#: Gaps longer than this many medians are cut: goods were bought elsewhere, or the household went without.
LONGEST_GAP_MEDIANS = 3


@dataclass(frozen=True)
class Series:
    """One household's use of one category: `uses[i]` base steps on the day `first` + i."""

    household: int
    category: str
    first: date
    uses: tuple[int, ...]
    #: Typical packs per purchase.
    packs: int
    #: Median price of a pack in US cents.
    price_cents: int

    def used_on(self, day: date) -> int:
        index = (day - self.first).days
        return self.uses[index] if 0 <= index < len(self.uses) else 0

    def used_between(self, first: date, last: date) -> int:
        """Return the base steps used from `first` to `last`, both included."""
        start, end = (first - self.first).days, (last - self.first).days + 1
        return sum(self.uses[max(0, start) : max(0, end)])


def read_series() -> list[Series]:
    """Return every series with at least six purchase dates, by household and category."""
    packs: dict[tuple[int, str], Counter[date]] = defaultdict(Counter)
    prices: dict[tuple[int, str], list[int]] = defaultdict(list)
    with gzip.open(PURCHASES, "rt", newline="") as lines:
        for row in csv.DictReader(lines):
            series = int(row["household"]), row["category"]
            packs[series][date.fromisoformat(row["date"])] += int(row["packs"])
            prices[series].append(int(row["unit_price_cents"]))
    return [
        _series(household, category, bought, prices[household, category])
        for (household, category), bought in sorted(packs.items())
        if len(bought) >= LEAST_DATES
    ]


def _series(household: int, category: str, bought: Mapping[date, int], prices: list[int]) -> Series:
    return Series(
        household,
        category,
        first=min(bought),
        uses=tuple(daily_use(bought)),
        packs=max(1, statistics.median_low(bought.values())),
        price_cents=statistics.median_low(prices),
    )


def daily_use(bought: Mapping[date, int]) -> Iterator[int]:
    """Yield each day's use from the first purchase on: floor(cum(d)) - floor(cum(d - 1)).

    The packs bought on a date last evenly until the next one, at most three median gaps; the
    last ones last one median gap. Days are counted in halves because a median may end in .5;
    so the cumulative use is an exact fraction and the sum of all days is what was bought.
    """
    dates = sorted(bought)
    gaps = [(later - sooner).days for sooner, later in pairwise(dates)]
    median = statistics.median(gaps)
    lasting = [min(gap, LONGEST_GAP_MEDIANS * median) for gap in gaps] + [median]
    for start, gap, lasts in zip(dates, [*gaps, math.ceil(median)], lasting, strict=True):
        steps, halves, before = bought[start] * STEPS_PER_PACK, int(2 * lasts), 0
        for day in range(1, gap + 1):
            so_far = steps * min(2 * day, halves) // halves
            yield so_far - before
            before = so_far
