"""A household in memory: the neighbours as the design has them, and topics whose order the test chooses.

Each reader of a topic has its own place in it; only one key's records keep their order. So a test, or chance,
can let the stock be heard before the slots, or an order's end before its beginning was acted on.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from libs.contracts.events import ReorderApproved, TriggerSet
from services.inventory.domain import load
from services.reorder_decision.domain import (
    Heard,
    Pool,
    Slot,
    Turn,
    When,
    arrived,
    counted,
    crossed,
    ended,
    filled,
    fitted,
    level_changed,
    reconsidered,
    subscribed,
)
from tests.unit.reorder_decision import a


@dataclass
class Watched:
    """A slot as consumption keeps it."""

    level: int
    rate: float
    trigger: TriggerSet | None = None
    answered: bool = False
    low_reports: int = 0

    def is_low(self) -> bool:
        asked = self.trigger
        return asked is not None and self.level + asked.elsewhere <= max(asked.at_level, asked.at_days * self.rate)


@dataclass
class Household:
    """One pool, everybody who has to do with it, and what is under way between them."""

    levels: dict[str, int]
    rate: float = 1.0
    direct: bool = False
    pool: Pool = field(init=False)
    now: datetime = a.NOON
    approved: list[ReorderApproved] = field(default_factory=list)
    said: list = field(default_factory=list)

    def __post_init__(self):
        self.slots = {device: Watched(level, self.rate) for device, level in self.levels.items()}
        self.shelf = 0
        #: What is really in the house, as long as nobody corrects or counts.
        self.goods = sum(self.levels.values())
        self.open: dict[str, ReorderApproved] = {}
        self.over: set[str] = set()
        self.arrived: set[str] = set()
        self.gone: set[str] = set()
        self.topics: dict[str, list] = defaultdict(list)
        self.places: dict[tuple[str, str], int] = defaultdict(int)
        self.pool = a.pool(slots=tuple(a.slot(d, level=level) for d, level in sorted(self.levels.items())))
        self.readers = {"decision": self.decide, "consumption": self.consume, "inventory": self.book}

    # what people, devices and providers do

    def subscribe(self, **wishes):
        self.take(subscribed(self.pool, a.subscription(**wishes), self.when()))

    def use(self, device, quantity):
        self.goods -= quantity
        self.slots[device].level -= quantity
        self.report(device)

    def load(self, device, quantity):
        self.slots[device].level += quantity
        self.tell(f"slots:{device}", "filled", device, quantity, None)
        self.report(device)

    def correct(self, device, level):
        self.slots[device].level = level
        self.tell(f"slots:{device}", "corrected", device, level)
        self.report(device)

    def count(self, shelf):
        self.shelf = shelf
        self.tell("stock", "counted", shelf)

    def deliver(self, order_id):
        self.over.add(order_id)
        self.goods += self.open[order_id].quantity
        self.tell("orders", "delivered", order_id, self.open[order_id].quantity, self.open[order_id].device_id)

    def cancel(self, order_id, by="customer"):
        self.over.add(order_id)
        self.tell("orders", "cancelled", order_id, by)

    def replace(self, old, new):
        """The portal says it; both neighbours hear it when they do."""
        self.tell("accounts", "replaced", old, new)

    # the neighbours

    def consume(self, kind, *what):
        if kind == "trigger":
            (asked,) = what
            slot = self.slots.get(asked.device_id)
            if slot is None and asked.device_id not in self.gone:
                raise BlockingIOError  # NotYet: the device has not been heard of
            if slot and (slot.trigger is None or asked.epoch > slot.trigger.epoch):
                slot.trigger, slot.answered = asked, False
                if slot.is_low() and (asked.reports == 1 or slot.low_reports >= asked.reports):
                    self.answer(asked.device_id)
        elif kind == "delivered" and self.direct:
            order_id, quantity, device = what
            device = device if device in self.slots else next(iter(self.slots))
            self.slots[device].level += quantity
            self.tell(f"slots:{device}", "filled", device, quantity, order_id)
            self.report(device)
        elif kind == "replaced" and what[0] in self.slots:
            old, new = what
            past = self.slots.pop(old)
            self.gone.add(old)
            self.slots[new] = Watched(past.level, past.rate)

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

    def book(self, kind, *what):
        if kind == "delivered":
            order_id, quantity, _ = what
            self.shelf += quantity
            self.arrived.add(order_id)
            self.tell("stock", "arrived", order_id, self.shelf)
        elif kind == "filled":
            _, quantity, order_id = what
            if order_id and order_id not in self.arrived:
                raise BlockingIOError
            taken = load(quantity, self.shelf).shelf_change
            self.shelf += taken
            if taken:
                self.tell("stock", "counted", self.shelf)

    # the service under test

    def decide(self, kind, *what):
        when = self.when()
        if kind == "crossed":
            device, level, epoch = what
            self.take(crossed(self.pool, self.heard(device, level), epoch, when))
        elif kind == "changed":
            self.take(level_changed(self.pool, self.heard(*what), when))
        elif kind in {"filled", "corrected"}:
            # The event tells the level it led to; the model's records keep only what moved.
            device = what[0]
            known = next((slot.level for slot in self.pool.slots if slot.device_id == device), 0)
            level = known + what[1] if kind == "filled" else what[1]
            self.take(filled(self.pool, Heard(device, "1", level, self.now), when))
        elif kind == "counted":
            self.take(counted(self.pool, what[0], when))
        elif kind == "arrived":
            self.take(arrived(self.pool, *what, when))
        elif kind == "cancelled":
            self.take(ended(self.pool, what[0], when, by_customer=what[1] == "customer"))
        elif kind == "replaced":
            old, new = what
            slots = tuple(
                Slot(new, s.slot, s.unit, s.scale, s.capacity, s.level) if s.device_id == old else s
                for s in self.pool.slots
            )
            self.take(fitted(self.pool, slots, when))

    def tick(self, later):
        self.now += later
        self.take(reconsidered(self.pool, self.when()))

    def take(self, turn: Turn):
        self.pool = turn.pool
        for event in turn.says:
            self.said.append(event)
            if isinstance(event, TriggerSet):
                self.tell("reorders", "trigger", event)
            if isinstance(event, ReorderApproved):
                self.approved.append(event)
                assert event.order_id not in self.open, "the same order twice"
                self.open[event.order_id] = event

    def when(self) -> When:
        return When(self.now, f"event-{len(self.said)}")

    def heard(self, device, level) -> Heard:
        return Heard(device, "1", level, self.now, doubt=0.0, rate_per_day=self.rate)

    # the topics

    def tell(self, topic, *record):
        self.topics[topic].append(record)

    def waiting(self) -> list[tuple[str, str]]:
        """Return who has something to read where."""
        return [
            (reader, topic)
            for reader in self.readers
            for topic in sorted(self.topics)
            if self.places[reader, topic] < len(self.topics[topic])
        ]

    def hear(self, reader, topic) -> bool:
        """Let a reader take the next record of a topic; False where it is not ready for it."""
        place = self.places[reader, topic]
        try:
            self.readers[reader](*self.topics[topic][place])
        except BlockingIOError:
            return False
        self.places[reader, topic] = place + 1
        return True

    def settle(self, choose=lambda waiting: waiting[0]):
        """Let everybody read everything; `choose` picks who goes next."""
        for _ in range(10_000):
            waiting = self.waiting()
            if not waiting:
                return
            picked = choose(waiting)
            if not self.hear(*picked):
                for other in waiting:
                    if other != picked and self.hear(*other):
                        break
        raise AssertionError("the services never come to rest")

    # what must hold

    def assert_nothing_is_forgotten(self):
        """At rest: an armed trigger that is not answered and not low, an open order, or a hold with its wake-up."""
        pool = self.pool
        if pool.situation in {"armed", "followed"}:
            threshold = pool.subscription.days * self.rate * len(self.slots)
            assert {slot.trigger.epoch for slot in self.slots.values()} == {pool.epoch}
            assert not any(slot.answered for slot in self.slots.values())
            there = sum(slot.level for slot in self.slots.values()) + self.shelf
            assert there > threshold, f"{there} is low and nobody is waiting for it"
        elif pool.situation == "ordered":
            assert pool.order
            assert pool.order.order_id not in self.over
        else:
            assert pool.situation == "held"
            assert pool.hold
            assert pool.hold.wake_up
            assert pool.hold.wake_up != "time" or pool.hold.until > self.now
