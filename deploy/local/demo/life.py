"""Real life in one slot: goods arrive, are put in, are used up; pure, day by day."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from deploy.local.demo.households import Slot
from deploy.local.demo.series import STEPS_PER_PACK

#: Nobody counts cover beyond two months.
LONGEST_COVER_DAYS = 60


class Seen(NamedTuple):
    """What a device notices; `steps` is None when a fresh cartridge was put in."""

    kind: str
    steps: int | None


@dataclass
class Pantry:
    """What is really in the slot and beside it, whatever the system believes."""

    slot: Slot
    inside: int
    beside: int
    stockout_days: int = 0
    #: Whole days the goods at hand lasted at each arrival, with the true use to come.
    cover_days: list[int] = field(default_factory=list)

    @classmethod
    def at_start(cls, slot: Slot) -> "Pantry":
        """Begin with one order's goods; what does not fit inside lies beside."""
        return cls(slot, inside=slot.level, beside=slot.order_steps - slot.level)

    def receive(self, steps: int, on: date) -> None:
        """Take a parcel in."""
        self.cover_days.append(self._cover(on))
        if self.slot.consumable.loading == "direct":
            self.inside += steps
        else:
            self.beside += steps

    def live(self, on: date) -> Iterator[Seen]:
        """Live one day: load what is there, use what the day needs, as far as it goes."""
        left = self.slot.series.used_on(on)
        yield from self._top_up(left)
        while left:
            if not self.inside and self._has_cartridge():
                yield self._renew()
            used = min(left, self.inside)
            if not used:
                self.stockout_days += 1
                return
            self.inside -= used
            left -= used
            yield Seen("SlotUsed", used)

    def _top_up(self, need: int) -> Iterator[Seen]:
        """Put in what lies beside and fits, when less than an order is inside."""
        if self.slot.consumable.fill == "add" and self.beside and self.inside < max(need, self.slot.order_steps):
            steps = min(self.beside, self.slot.capacity - self.inside)
            self.beside -= steps
            self.inside += steps
            yield Seen("SlotRefilled", steps)

    def _has_cartridge(self) -> bool:
        return self.slot.consumable.fill == "replace" and self.beside >= STEPS_PER_PACK

    def _renew(self) -> Seen:
        """Put a fresh cartridge in."""
        self.beside -= STEPS_PER_PACK
        self.inside = self.slot.capacity
        return Seen("SlotRefilled", None)

    def _cover(self, on: date) -> int:
        left = self.inside + self.beside
        for days in range(LONGEST_COVER_DAYS):
            left -= self.slot.series.used_on(on + timedelta(days=days))
            if left < 0:
                return days
        return LONGEST_COVER_DAYS
