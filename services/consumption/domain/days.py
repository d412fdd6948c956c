"""Use per day (UTC): finished days are kept in the slot's row until a month of them is filed."""

from dataclasses import dataclass
from typing import NamedTuple

from services.consumption.domain.rate import DAY

#: Numbers per finished day in the row: day, used, level at its end.
NUMBERS_PER_DAY = 3
#: A month of finished days is filed as one row; until then they cost no extra statement.
FULL_MONTH = 28 * NUMBERS_PER_DAY


class UsedDay(NamedTuple):
    """Use on one day and the level at its end; `day` counts from 1970-01-01 UTC."""

    day: int
    used: int
    level: int


@dataclass(frozen=True, slots=True)
class Days:
    """Total use before the current day, and the days finished since the last filing."""

    before_today: int
    finished: tuple[int, ...] = ()

    def advanced_to(self, at: float, last_at: float, used: int, level: int) -> "Days":
        """Finish the day of `last_at` if `at` is on a later day; `used` and `level` are the values at its end."""
        last_day = day_of(last_at)
        if day_of(at) <= last_day:
            return self
        return Days(used, (*self.finished, last_day, used - self.before_today, level))


def day_of(at: float) -> int:
    return int(at // DAY)


def group_days(numbers: tuple[int, ...]) -> list[UsedDay]:
    return [UsedDay(*numbers[start : start + NUMBERS_PER_DAY]) for start in range(0, len(numbers), NUMBERS_PER_DAY)]
