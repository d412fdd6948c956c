"""Simulates the true contents of one slot day by day: deliveries, refills and use; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from deploy.demo.households import Slot
from deploy.demo.series import STEPS_PER_PACK

#: Days of cover are capped at this.
LONGEST_COVER_DAYS = 60


class Seen(NamedTuple):
    """What a device detects; `steps` is None after a cartridge change."""

    kind: str
    steps: int | None


@dataclass
class Pantry:
    """True contents of the slot and the shelf, independent of the system's state."""

    slot: Slot
    inside: int
    beside: int
    stockout_days: int = 0
    #: Whole days of cover at each arrival, computed from the actual future use.
    cover_days: list[int] = field(default_factory=list)

    @classmethod
    def at_start(cls, slot: Slot) -> "Pantry":
        """Start with the goods of one order; what exceeds the capacity is on the shelf."""
        return cls(slot, inside=slot.level, beside=slot.order_steps - slot.level)

    def receive(self, steps: int, on: date) -> None:
        """Add a delivered parcel."""
        self.cover_days.append(self._cover(on))
        if self.slot.consumable.loading == "direct":
            self.inside += steps
        else:
            self.beside += steps

    def live(self, on: date) -> Iterator[Seen]:
        """Simulate one day: refill from the shelf, then use what the day needs, as far as stock lasts."""
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
        """Refill from the shelf up to the capacity, if less than one order is inside."""
        if self.slot.consumable.fill == "add" and self.beside and self.inside < max(need, self.slot.order_steps):
            steps = min(self.beside, self.slot.capacity - self.inside)
            self.beside -= steps
            self.inside += steps
            yield Seen("SlotRefilled", steps)

    def _has_cartridge(self) -> bool:
        return self.slot.consumable.fill == "replace" and self.beside >= STEPS_PER_PACK

    def _renew(self) -> Seen:
        """Insert a new cartridge."""
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
