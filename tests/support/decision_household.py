"""A household in memory, with simulated services and topics that are consumed in any order.

Each consumer has its own position on each topic; only records of one key keep their order. A test can therefore let
stock be consumed before slots, or the end of an order before its start was processed.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from libs.kit import NotReadyError
from replenish_contracts.events import ReorderApproved, TriggerSet
from services.reorder_decision.domain import (
    Context,
    Decision,
    Pool,
    Reading,
    order_ended,
    reassess,
    slot_filled,
    slot_level_changed,
    slots_changed,
    stock_arrived,
    stock_counted,
    subscription_changed,
    threshold_crossed,
)
from tests.support import decisions as a
from tests.support.decision_services import Consumption, Inventory


@dataclass
class Household:
    """One pool, its simulated services, and the topics between them."""

    levels: dict[str, int]
    rate: float = 1.0
    direct: bool = False
    pool: Pool = field(init=False)
    now: datetime = a.NOON

    def __post_init__(self):
        self.approved: list[ReorderApproved] = []
        self.open: dict[str, ReorderApproved] = {}
        self.over: set[str] = set()
        #: Goods actually at home, without corrections and counts.
        self.goods = sum(self.levels.values())
        self.topics: dict[str, list[tuple]] = defaultdict(list)
        self.places: dict[tuple[str, str], int] = defaultdict(int)
        self.consumption = Consumption(self.levels, self.rate, self.direct, self.tell)
        self.inventory = Inventory(self.tell)
        self.pool = a.pool(slots=tuple(a.slot(d, level=level) for d, level in sorted(self.levels.items())))
        self.readers = {
            "decision": self.decide,
            "consumption": self.consumption.hear,
            "inventory": self.inventory.hear,
        }

    # actions of people and providers

    def subscribe(self, **wishes):
        self.take(subscription_changed(self.pool, a.subscription(**wishes), self.when()))

    def use(self, device, quantity):
        used = max(0, min(quantity, self.consumption.slots[device].level))
        self.goods -= used
        self.consumption.use(device, used)

    def deliver(self, order_id):
        self.over.add(order_id)
        self.goods += self.open[order_id].quantity
        self.tell("orders", "delivered", order_id, self.open[order_id].quantity, self.open[order_id].device_id)

    def cancel(self, order_id, by):
        self.over.add(order_id)
        self.tell("orders", "cancelled", order_id, by)

    def replace(self, old, new):
        self.tell("accounts", "replaced", old, new)

    def tick(self, later):
        self.now += later
        self.take(reassess(self.pool, self.when()))

    # the service under test

    def decide(self, kind, *what):
        heard = {
            "crossed": lambda device, level, epoch: threshold_crossed(
                self.pool, self.heard(device, level), epoch, self.when()
            ),
            "changed": lambda device, level: slot_level_changed(self.pool, self.heard(device, level), self.when()),
            "filled": lambda device, level, *_: slot_filled(self.pool, self.heard(device, level), self.when()),
            "corrected": lambda device, level: slot_filled(self.pool, self.heard(device, level), self.when()),
            "counted": lambda shelf: stock_counted(self.pool, shelf, self.when()),
            "arrived": lambda order_id, shelf: stock_arrived(self.pool, order_id, 40, shelf, self.when()),
            "cancelled": lambda order_id, by: order_ended(
                self.pool, order_id, self.when(), by_customer=by == "customer"
            ),
            "replaced": lambda old, new: slots_changed(self.pool, self.refitted(old, new), self.when()),
        }
        if kind in heard:
            self.take(heard[kind](*what))

    def refitted(self, old, new):
        return tuple(a.slot(new, level=slot.level) if slot.device_id == old else slot for slot in self.pool.slots)

    def take(self, turn: Decision):
        self.pool = turn.pool
        for event in turn.events:
            if isinstance(event, TriggerSet):
                self.tell("reorders", "trigger", event)
            if isinstance(event, ReorderApproved):
                assert event.order_id not in self.open, "the same order twice"
                self.approved.append(event)
                self.open[event.order_id] = event

    def when(self) -> Context:
        return Context(self.now, "an event")

    def heard(self, device, level) -> Reading:
        return Reading(device, "1", level, self.now, uncertainty=0.0, rate_per_day=self.rate)

    # the topics

    def tell(self, topic, *record):
        self.topics[topic].append(record)

    def waiting(self) -> list[tuple[str, str]]:
        """Return the (consumer, topic) pairs with unread records."""
        return [
            (reader, topic)
            for reader in self.readers
            for topic in sorted(self.topics)
            if self.places[reader, topic] < len(self.topics[topic])
        ]

    def hear(self, reader, topic) -> bool:
        """Let a consumer process its next record of a topic; return False if it raises NotReadyError."""
        place = self.places[reader, topic]
        try:
            self.readers[reader](*self.topics[topic][place])
        except NotReadyError:
            return False
        self.places[reader, topic] = place + 1
        return True

    def settle(self, choose):
        """Process all records; `choose` picks the next (consumer, topic)."""
        for _ in range(10_000):
            waiting = self.waiting()
            if not waiting:
                return
            picked = choose(waiting)
            if not self.hear(*picked):
                any(self.hear(*other) for other in waiting if other != picked)
        raise AssertionError("the services do not become idle")

    # invariants

    def assert_nothing_is_forgotten(self):
        """When idle, a pool has an armed trigger that is not low, an open order, or a hold with its wake-up."""
        pool, slots = self.pool, self.consumption.slots.values()
        if pool.situation in {"armed", "followed"}:
            threshold = pool.subscription.days * self.rate * len(slots)
            assert {slot.trigger.epoch for slot in slots} == {pool.epoch}
            assert not any(slot.answered for slot in slots)
            there = sum(slot.level for slot in slots) + self.inventory.shelf
            assert there > threshold, f"{there} is low, but no trigger, order or hold waits for it"
        elif pool.situation == "collecting":
            assert pool.hold.until > self.now
        elif pool.situation == "ordered":
            assert pool.order.order_id not in self.over
        else:
            assert pool.situation == "held"
            assert pool.hold.wake_up
            assert pool.hold.wake_up != "time" or pool.hold.until > self.now
