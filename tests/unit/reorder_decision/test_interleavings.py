"""Random orders of consumption: no lost wake-up, no second open order, no unneeded order."""

import random

import pytest

from tests.support import decisions as a
from tests.support.decision_household import Household

SEEDS = range(150)
COLLECTING_SEEDS = range(60)


def whims(chance: random.Random):
    """Return a random choice of the next consumer, in which some consumers lag behind on some topics."""
    pace: dict[tuple[str, str], float] = {}

    def choose(waiting):
        paces = [pace.setdefault((reader, topic), chance.choice([0.02, 0.3, 1.0])) for reader, topic in waiting]
        return chance.choices(waiting, paces)[0]

    return choose


def live(home: Household, chance: random.Random, doings, look=lambda: None) -> None:
    choose, bustle = whims(chance), chance.choice([0.1, 0.3, 0.5])
    for _ in range(chance.randrange(20, 160)):
        waiting = home.waiting()
        if waiting and chance.random() > bustle:
            home.hear(*choose(waiting))
        else:
            chance.choice(doings)(home, chance)
        assert len(home.open.keys() - home.over) <= 1
        look()


def device(home, chance):
    return chance.choice(sorted(home.consumption.slots))


def use(home, chance):
    home.use(device(home, chance), chance.randrange(1, 6))


def take_from_shelf(home, chance):
    """Load at most inventory's shelf, so that no goods are unexplained."""
    unread = [topic for reader, topic in home.waiting() if reader == "inventory"]
    if home.inventory.shelf and not unread:
        home.consumption.fill(device(home, chance), chance.randrange(1, home.inventory.shelf + 1))


def end(home, order_id, chance):
    if chance.random() < 0.6:
        home.deliver(order_id)
    else:
        home.cancel(order_id, chance.choice(["customer", "provider"]))


def end_order(home, chance):
    for order_id in [*(home.open.keys() - home.over)]:
        end(home, order_id, chance)


def later(home, chance):
    home.tick(a.days(chance.choice([0.5, 1, 5, 40])))


def correct(home, chance):
    home.consumption.correct(device(home, chance), chance.randrange(0, 50))


def count(home, chance):
    home.inventory.count(chance.randrange(0, 40))


def change_mind(home, chance):
    hours = home.pool.subscription.collect_hours
    home.subscribe(days=chance.choice([3.0, 7.0, 14.0]), version=chance.randrange(10**6), collect_hours=hours)


def swap(home, chance):
    old = device(home, chance)
    home.replace(old, f"{old}+")


PEACEFUL = (use, use, use, take_from_shelf, take_from_shelf, end_order, later, change_mind)
UNRULY = (*PEACEFUL, correct, count, swap)


def assert_no_lost_wake_up(home, chance):
    live(home, chance, UNRULY)
    home.settle(whims(chance))
    for _ in range(8):  # all back-offs have ended, except those that wait for a full slot
        home.tick(a.days(64))
        home.settle(whims(chance))

    if home.pool.subscription.reports == 1:
        home.assert_nothing_is_forgotten()
    assert len({order.order_id for order in home.approved}) == len(home.approved)


def assert_no_unneeded_order(home, chance):
    seen = []

    def look():
        wanted = home.pool.subscription.days * home.rate * len(home.pool.slots)
        for order in home.approved[len(seen) :]:
            assert home.goods <= wanted, f"{order} was not needed: {home.goods} > {wanted}"
            seen.append(order)

    live(home, chance, PEACEFUL, look)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("devices", [1, 2, 3])
class TestInterleavings:
    def home(self, chance, devices):
        return Household({f"d{n}": chance.randrange(0, 30) for n in range(devices)}, direct=chance.random() < 0.5)

    def test_no_lost_wake_up_and_no_second_order(self, seed, devices):
        chance = random.Random(f"{seed}/{devices}")
        home = self.home(chance, devices)
        home.subscribe(reports=chance.choice([1, 1, 2]))

        assert_no_lost_wake_up(home, chance)

    def test_no_order_while_stock_is_sufficient(self, seed, devices):
        chance = random.Random(f"{seed}/{devices}/need")
        home = self.home(chance, devices)
        home.subscribe()

        assert_no_unneeded_order(home, chance)


@pytest.mark.parametrize("seed", COLLECTING_SEEDS)
@pytest.mark.parametrize("devices", [1, 2, 3])
class TestCollectingInterleavings:
    def home(self, chance, devices):
        home = Household({f"d{n}": chance.randrange(0, 40) for n in range(devices)}, direct=chance.random() < 0.5)
        home.subscribe(days=14.0, collect_hours=chance.choice([12.0, 48.0, 168.0]))
        return home

    def test_no_lost_wake_up_and_no_second_order(self, seed, devices):
        chance = random.Random(f"{seed}/{devices}/collecting")

        assert_no_lost_wake_up(self.home(chance, devices), chance)

    def test_no_order_while_stock_is_sufficient(self, seed, devices):
        chance = random.Random(f"{seed}/{devices}/collecting/need")

        assert_no_unneeded_order(self.home(chance, devices), chance)


def test_some_households_collect():
    collected = 0
    for seed in range(20):
        home = Household({"d0": 14 + seed % 3})
        home.subscribe(days=14.0, collect_hours=48.0)
        home.settle(whims(random.Random(seed)))
        collected += home.pool.situation == "collecting"

    assert collected == 7
