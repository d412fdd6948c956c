"""Reports of real devices: counted per slot, sometimes repeated, late, shuffled, or with a reboot or wrong clock."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from deploy.demo.households import Slot
from deploy.demo.slot_simulation import DeviceEvent

Report = dict[str, Any]

#: Probabilities per device and day; high enough that a year of thirty households has dozens of each.
DOUBLED, LATE, REBOOTED, SHUFFLED = 0.02, 0.02, 0.004, 0.05
LATEST_DAYS = 3
#: Device clocks as found in homes: right, in another zone, never set.
CLOCKS = (timedelta(), timedelta(), timedelta(hours=-7), timedelta(hours=3), timedelta(days=-400))


class Sender:
    """One device's reporting; all randomness is seeded by seed, device and day."""

    def __init__(self, device_id: str, slots: Sequence[Slot], seed: int) -> None:
        self.device_id = device_id
        self._slots = {slot.slot: slot for slot in slots}
        self._seed = seed
        self._boot = 1
        self._seq: dict[str, int] = defaultdict(int)
        self._late: list[tuple[date, Report]] = []
        self._clock = random.Random(f"{seed}:{device_id}").choice(CLOCKS)  # noqa: S311  # a draw, not a secret
        self.doubled = self.late = self.reboots = 0

    def posts(self, on: date, at: datetime, events: Mapping[str, Sequence[DeviceEvent]]) -> list[list[Report]]:
        """Return the request bodies that the device sends this evening, in order."""
        draw = random.Random(f"{self._seed}:{self.device_id}:{on}")  # noqa: S311  # repeatable is what is wanted
        if draw.random() < REBOOTED:
            self._reboot()
        fresh = [self._report(slot, event, at) for slot, detected in events.items() for event in detected]
        if len(fresh) > 1 and draw.random() < LATE:
            self.late += 1
            self._late.append((on + timedelta(days=draw.randint(1, LATEST_DAYS)), fresh.pop(0)))
        body = fresh + self._now_late(on)
        if draw.random() < SHUFFLED:
            draw.shuffle(body)
        if not body:
            return []
        twice = draw.random() < DOUBLED
        self.doubled += len(body) if twice else 0
        return [body, body] if twice else [body]

    def rest(self) -> list[Report]:
        """Return the reports that are still unsent at the end."""
        owed = [report for _, report in self._late]
        self._late = []
        return owed

    def _now_late(self, on: date) -> list[Report]:
        due = [report for day, report in self._late if day <= on]
        self._late = [(day, report) for day, report in self._late if day > on]
        return due

    def _reboot(self) -> None:
        """Restart counting from 1 under a new boot id; a rebooted device has synchronised its clock."""
        self.reboots += 1
        self._boot += 1
        self._seq.clear()
        self._clock = timedelta()

    def _report(self, slot: str, event: DeviceEvent, at: datetime) -> Report:
        self._seq[slot] += 1
        seq = self._seq[slot]
        report: Report = {
            "device_id": self.device_id,
            "type": event.kind,
            "slot": slot,
            "boot": f"b{self._boot}",
            "seq": seq,
        }
        report["occurred_at"] = (at + self._clock).isoformat()
        if event.steps is not None:
            quantity, unit = self._slots[slot].consumable.format(event.steps, spelling=seq)
            report |= {"quantity": quantity, "unit": unit}
        return report
