"""What was used on which day: finished days ride in the slot's row until there are enough to file."""

from dataclasses import dataclass
from typing import NamedTuple

from services.consumption.domain.rate import DAY

#: Numbers per finished day in the row: day, used, level at its end.
FIELDS = 3
#: A month of finished days is filed as one row; until then they cost no statement of their own.
FULL = 28 * FIELDS


class UsedDay(NamedTuple):
    """`day` counts from 1970-01-01 UTC."""

    day: int
    used: int
    level: int


@dataclass(frozen=True, slots=True)
class Days:
    """All use until the current day began, and the days finished since the last filing."""

    before_today: int
    finished: tuple[int, ...] = ()

    def until(self, at: float, last_at: float, used: int, level: int) -> "Days":
        """Finish the day of `last_at` if `at` is on a later one; `used` and `level` are as of its end."""
        last_day = day_of(last_at)
        if day_of(at) <= last_day:
            return self
        return Days(used, (*self.finished, last_day, used - self.before_today, level))


def day_of(at: float) -> int:
    return int(at // DAY)


def unpacked(numbers: tuple[int, ...]) -> list[UsedDay]:
    """Return the days of a row's or a file's numbers, oldest first."""
    return [UsedDay(*numbers[start : start + FIELDS]) for start in range(0, len(numbers), FIELDS)]
