"""Simulated consumption and inventory, as far as reorder decisions depend on them."""

from dataclasses import dataclass, replace

from libs.kit import NotReadyError
from replenish_contracts.events import TriggerSet
from services.inventory.domain import load


@dataclass
class Watched:
    """A slot of consumption."""

    level: int
    rate: float
    trigger: TriggerSet | None = None
    answered: bool = False
    low_reports: int = 0

    def is_low(self) -> bool:
        asked = self.trigger
        return asked is not None and self.level + asked.shelf_and_on_order <= max(
            asked.at_level, asked.at_days * self.rate
        )


class Consumption:
    """Watches each slot by its newest trigger and publishes each crossing once."""

    def __init__(self, levels, rate, direct, tell):
        self.slots = {device: Watched(level, rate) for device, level in levels.items()}
        self.direct, self.tell = direct, tell
        self.heirs: dict[str, str] = {}

    def hear(self, kind, *what):
        if kind == "trigger":
            self.ask(*what)
        elif kind == "delivered" and self.direct:
            order_id, quantity, device = what
            self.fill(self.heir_of(device), quantity, order_id)
        elif kind == "replaced" and what[0] in self.slots:
            old, new = what
            self.slots[new] = replace(self.slots.pop(old))
            self.heirs[old] = new

    def ask(self, asked):
        slot = self.slots.get(self.heir_of(asked.device_id))
        if slot is None:
            raise NotReadyError(f"device:{asked.device_id}")
        if slot.trigger is None or asked.epoch > slot.trigger.epoch:
            slot.trigger, slot.answered = asked, False
            if slot.is_low() and (asked.reports == 1 or slot.low_reports >= asked.reports):
                self.answer(self.heir_of(asked.device_id))

    def use(self, device, quantity):
        self.slots[device].level -= quantity
        self.report(device)

    def fill(self, device, quantity, order_id=None):
        self.slots[device].level += quantity
        self.tell(f"slots:{device}", "filled", device, self.slots[device].level, quantity, order_id)
        self.report(device)

    def correct(self, device, level):
        self.slots[device].level = level
        self.tell(f"slots:{device}", "corrected", device, level)
        self.report(device)

    def report(self, device):
        slot = self.slots[device]
        slot.low_reports = slot.low_reports + 1 if slot.is_low() else 0
        if slot.trigger and slot.trigger.follow:
            self.tell(f"slots:{device}", "changed", device, slot.level)
        if slot.trigger and slot.is_low() and not slot.answered and slot.low_reports >= slot.trigger.reports:
            self.answer(device)

    def answer(self, device):
        slot = self.slots[device]
        slot.answered = True
        self.tell(f"slots:{device}", "crossed", device, slot.level, slot.trigger.epoch)

    def heir_of(self, device):
        while device in self.heirs:
            device = self.heirs[device]
        return device


class Inventory:
    """Has one shelf; an arrival is loaded only after it was credited."""

    def __init__(self, tell):
        self.shelf, self.tell = 0, tell
        self.arrived: set[str] = set()

    def hear(self, kind, *what):
        if kind == "delivered":
            order_id, quantity, _ = what
            self.shelf += quantity
            self.arrived.add(order_id)
            self.tell("stock", "arrived", order_id, self.shelf)
        elif kind == "filled":
            _, _, quantity, order_id = what
            if order_id and order_id not in self.arrived:
                raise NotReadyError(f"arrived:{order_id}")
            taken = load(quantity, self.shelf).shelf_change
            self.shelf += taken
            if taken:
                self.tell("stock", "counted", self.shelf)

    def count(self, shelf):
        self.shelf = shelf
        self.tell("stock", "counted", shelf)
