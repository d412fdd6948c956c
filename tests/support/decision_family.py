"""A customer with several products in memory: the pools, their orders, and a dispatcher that may split orders.

Messages wait until a test delivers them, in any order between topics and repeatedly.
"""

import random
from dataclasses import replace
from datetime import datetime
from typing import Any

from replenish_contracts.events import ReorderApproved, TriggerSet, split_order_id
from services.reorder_decision.domain import (
    Context,
    LeadTime,
    Pool,
    PoolDecision,
    Reading,
    Situation,
    combine_order,
    find_approved,
    order_ended,
    reassess,
    slot_filled,
    stock_arrived,
    subscription_changed,
    threshold_crossed,
)
from tests.support import decisions as a

RATE = 1.0


class Family:
    """Pools with one slot each; `lines` has the open line of each pool by the id of its order."""

    def __init__(self, chance: random.Random, wishes: dict[str, dict[str, Any]]):
        self.chance, self.now = chance, a.NOON
        self.pools: dict[str, Pool] = {}
        self.levels: dict[str, int] = {}
        self.triggers: dict[str, TriggerSet] = {}
        self.approved: list[ReorderApproved] = []
        self.receipts: dict[str, str] = {}
        self.decided: set[tuple[str, int]] = set()
        self.lines: dict[str, dict[str, Any]] = {}
        self.inbox: list[tuple[Any, ...]] = []
        for product, wish in wishes.items():
            slot = a.slot(f"slot of {product}", level=30, rate_per_day=RATE)
            provider_id = wish.pop("provider_id", "acme")
            offer = a.offer(provider_id=provider_id, lead=LeadTime(2.0))
            pool = Pool(f"ann/{product}", "ann", product, slots=(slot,), offer=offer)
            self.pools[pool.pool_id], self.levels[pool.pool_id] = pool, 30
            self.take(pool, subscription_changed(pool, a.subscription(provider_id=provider_id, **wish), self.context))

    @property
    def context(self) -> Context:
        return Context(self.now, "an event")

    def take(self, before: Pool, decision) -> None:
        """Save a decision as the store does."""
        made = [PoolDecision(before, decision)]
        if find_approved(decision.events):
            collecting = [p for p in self.pools.values() if p.pool_id != before.pool_id and p.collect_until]
            made = combine_order(made[0], collecting, self.context)
        for _, one in made:
            self.pools[one.pool.pool_id] = one.pool
            self.receipts |= {receipt.receipt_id: receipt.decision.outcome for receipt in one.receipts}
        for event in [event for _, one in made for event in one.events]:
            if isinstance(event, TriggerSet):
                self.triggers[event.pool_id] = event
            if isinstance(event, ReorderApproved):
                self.draft(event)

    # order_dispatch

    def draft(self, approved: ReorderApproved) -> None:
        self.check(approved)
        self.approved.append(approved)
        split = self.chance.random() < 0.5
        for number, line in enumerate(approved.lines):
            order_id = approved.order_id
            if split and number:
                order_id = split_order_id(approved.order_id, line.line_id)
                self.inbox.append(("drafted", order_id, line))
            self.lines[line.pool_id] = {"order_id": order_id, "line": line}

    def end_line(self, pool_id: str) -> None:
        """Let a line arrive, or end without goods."""
        line = self.lines.pop(pool_id)
        if self.chance.random() < 0.6:
            self.levels[pool_id] += line["line"].quantity
            self.inbox.append(("arrived", line["order_id"], line["line"]))
        else:
            self.inbox.append(("ended", line["order_id"], line["line"]))

    # reorder_decision

    def hear(self, kind: str, order_id: str, line) -> None:
        pool = self.pools[line.pool_id]
        if kind == "drafted" and pool.order and pool.order.epoch == line.epoch:
            self.pools[line.pool_id] = replace(pool, order=replace(pool.order, order_id=order_id))
        elif kind == "ended":
            self.take(pool, order_ended(pool, order_id, self.context, by_customer=False))
        elif kind == "arrived":
            quantity = line.quantity
            self.take(pool, stock_arrived(pool, order_id, quantity, pool.shelf, self.context, line.line_id))
            self.fill(line.pool_id, self.levels[line.pool_id])

    def deliver_message(self) -> None:
        """Deliver a message, sometimes repeatedly; the topics `orders` and `stock` are each in order."""
        first = next((n for n, one in enumerate(self.inbox) if one[0] != "arrived"), None)
        stock = next((n for n, one in enumerate(self.inbox) if one[0] == "arrived"), None)
        ready = [n for n in (first, stock) if n is not None]
        if ready:
            message = self.inbox.pop(self.chance.choice(ready))
            for _ in range(self.chance.choice([1, 1, 2])):
                self.hear(*message)

    def cross(self, pool_id: str) -> bool:
        """Answer the pool's trigger if its slot is low."""
        trigger, level, pool = self.triggers[pool_id], self.levels[pool_id], self.pools[pool_id]
        if level + trigger.shelf_and_on_order > max(trigger.at_level, trigger.at_days * RATE):
            return False
        reading = Reading(pool.slots[0].device_id, "1", level, self.now, 0.0, RATE)
        self.take(pool, threshold_crossed(pool, reading, trigger.epoch, self.context))
        return True

    def fill(self, pool_id: str, level: int) -> None:
        pool = self.pools[pool_id]
        self.levels[pool_id] = level
        reading = Reading(pool.slots[0].device_id, "1", level, self.now)
        self.take(pool, slot_filled(pool, reading, self.context))

    def tick(self, until: datetime) -> None:
        """Run the periodic job."""
        self.now = max(self.now, until)
        for pool_id in sorted(self.pools):
            pool = self.pools[pool_id]
            self.take(pool, reassess(pool, self.context))

    # invariants

    def check(self, approved: ReorderApproved) -> None:
        assert len({line.pool_id for line in approved.lines}) == len(approved.lines), "two lines of one pool"
        assert len({line.line_id for line in approved.lines}) == len(approved.lines), "two lines with one id"
        first = approved.lines[0]
        assert (first.pool_id, first.epoch, first.receipt_id, first.quantity) == (
            *(approved.pool_id, approved.epoch, approved.receipt_id, approved.quantity),
        )
        for line in approved.lines:
            assert (line.pool_id, line.epoch) not in self.decided, "approved twice"
            assert line.pool_id not in self.lines, "ordered while a line is open"
            assert self.receipts[line.receipt_id] == "order"
            pool = self.pools[line.pool_id]
            assert pool.order
            assert (pool.order.order_id, pool.order.provider_id) == (approved.order_id, approved.provider_id)
            self.decided.add((line.pool_id, line.epoch))

    def assert_nothing_is_forgotten(self) -> None:
        """When idle, each pool has an open line, a trigger that is not low, or a hold that ends later."""
        for pool_id, pool in self.pools.items():
            if pool.situation is Situation.ORDERED:
                assert pool.order
                assert pool.order.order_id == self.lines[pool_id]["order_id"]
            elif pool.situation is Situation.ARMED:
                assert self.triggers[pool_id].epoch == pool.epoch
                assert not self.cross(pool_id)
            else:
                assert pool.hold
                assert pool.hold.until is None or pool.hold.until > self.now
