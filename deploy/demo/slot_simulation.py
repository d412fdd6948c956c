"""Simulates the true contents of one slot day by day: deliveries, refills and use; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from deploy.demo.households import Slot
from deploy.demo.series import STEPS_PER_PACK

#: Days of cover are capped at this.
LONGEST_COVER_DAYS = 60


class DeviceEvent(NamedTuple):
    """An event that a device detects; `steps` is None after a cartridge change."""

    kind: str
    steps: int | None


@dataclass
class SlotSimulation:
    """True contents of the slot and the shelf, independent of the system's state."""

    slot: Slot
    level: int
    shelf: int
    stockout_days: int = 0
    #: Whole days of cover at each arrival, computed from the actual future use.
    cover_days: list[int] = field(default_factory=list)

    @classmethod
    def at_start(cls, slot: Slot) -> "SlotSimulation":
        """Start with the goods of one order; what exceeds the capacity is on the shelf."""
        return cls(slot, level=slot.level, shelf=slot.order_steps - slot.level)

    def receive(self, steps: int, on: date) -> None:
        """Add a delivered parcel."""
        self.cover_days.append(self._cover(on))
        if self.slot.consumable.loading == "direct":
            self.level += steps
        else:
            self.shelf += steps

    def simulate_day(self, on: date) -> Iterator[DeviceEvent]:
        """Simulate one day: refill from the shelf, then use what the day needs, as far as stock lasts."""
        left = self.slot.series.used_on(on)
        yield from self._top_up(left)
        while left:
            if not self.level and self._has_cartridge():
                yield self._renew()
            used = min(left, self.level)
            if not used:
                self.stockout_days += 1
                return
            self.level -= used
            left -= used
            yield DeviceEvent("SlotUsed", used)

    def _top_up(self, need: int) -> Iterator[DeviceEvent]:
        """Refill from the shelf up to the capacity, if less than one order is in the slot."""
        if self.slot.consumable.fill == "add" and self.shelf and self.level < max(need, self.slot.order_steps):
            steps = min(self.shelf, self.slot.capacity - self.level)
            self.shelf -= steps
            self.level += steps
            yield DeviceEvent("SlotRefilled", steps)

    def _has_cartridge(self) -> bool:
        return self.slot.consumable.fill == "replace" and self.shelf >= STEPS_PER_PACK

    def _renew(self) -> DeviceEvent:
        """Insert a new cartridge."""
        self.shelf -= STEPS_PER_PACK
        self.level = self.slot.capacity
        return DeviceEvent("SlotRefilled", None)

    def _cover(self, on: date) -> int:
        left = self.level + self.shelf
        for days in range(LONGEST_COVER_DAYS):
            left -= self.slot.series.used_on(on + timedelta(days=days))
            if left < 0:
                return days
        return LONGEST_COVER_DAYS
