"""Devices that count one seq over all their slots, and those that only lose reports."""

import random

import pytest

from services.consumption.domain.apply import apply_report
from services.consumption.domain.booking import Outcome
from services.consumption.domain.shared_counter import Counter, counter_of, is_shared, without_numbers_of_others
from tests.unit.consumption import builders as a


def reported(numbers):
    """Return the slots, by name, after these (slot, seq) reports."""
    slots = {name: a.slot(1000, capacity=1000, slot=name) for name, _ in numbers}
    for name, seq in numbers:
        slots[name] = apply_report(slots[name], a.use(1, seq)).slot
    return slots


def counters(slots):
    return [counter_of(slot) for slot in slots.values()]


def one_counter(names, count=20, lost=()):
    return [(names[n % len(names)], n + 1) for n in range(count) if n + 1 not in lost]


class TestRecognition:
    @pytest.mark.parametrize("names", ["ab", "abc", "abcdefgh", "aab", "aaaab", "abcdefghijklmnopqrst"])
    @pytest.mark.parametrize("lost", [(), (3,), (5, 6)])
    def test_shared_counter_is_recognized_within_20_reports(self, names, lost):
        assert is_shared(counters(reported(one_counter(names, lost=lost))))

    @pytest.mark.parametrize("seed", range(20))
    def test_shared_counter_in_random_use_is_recognized(self, seed):
        dice = random.Random(seed)

        assert is_shared(counters(reported([(dice.choice("abc"), n) for n in range(1, 21)])))

    def test_reordered_shared_counter_is_recognized(self):
        numbers = one_counter("abc")
        random.Random(1).shuffle(numbers)

        assert is_shared(counters(reported(numbers)))

    @pytest.mark.parametrize(
        "numbers",
        [
            [(name, n) for n in range(1, 8) for name in "abc"],
            [(name, n) for n in range(1, 20, 2) for name in "abc"],  # half of all reports are lost
            [("a", 1), ("a", 3), ("a", 5), ("b", 1), ("b", 4)],
            [("a", 500), ("b", 730), ("c", 12), ("d", 1000)],  # registered while they counted
            [("a", n) for n in range(1, 6)] + [("b", 7)],
        ],
    )
    def test_separate_counters_are_not_shared(self, numbers):
        assert not is_shared(counters(reported(numbers)))

    @pytest.mark.parametrize("seed", range(30))
    def test_separate_counters_with_losses_are_not_shared(self, seed):
        dice = random.Random(seed)
        numbers = [(name, n) for n in range(1, 30) for name in "abc" if dice.random() < 0.5]

        assert not is_shared(counters(reported(numbers)))


class TestResolution:
    def test_numbers_of_others_are_no_gaps(self):
        slots = reported(one_counter("abc"))

        left = [without_numbers_of_others(slot, _others(slots, name)).gaps for name, slot in slots.items()]

        assert left == [(), (), ()]

    def test_lost_report_stays_missing_and_can_arrive_late(self):
        slots = reported(one_counter("abc", lost=(8,)))

        slot = without_numbers_of_others(slots["b"], _others(slots, "b"))
        late = apply_report(slot, a.use(5, 8))

        assert [(gap.first, gap.last) for gap in slot.gaps] == [(8, 8)]
        assert (late.outcome, late.slot.level, late.slot.gaps) == (Outcome.APPLIED, slot.level - 5, ())

    def test_variance_of_numbers_of_others_is_resolved(self):
        slots = {name: a.slot(100, slot=name, variance=0.0) for name in "ab"}
        slots["a"] = apply_report(slots["a"], a.use(0, 1)).slot
        slots["b"] = apply_report(slots["b"], a.use(0, 2, at=a.START + a.DAY)).slot

        slot = without_numbers_of_others(slots["b"], _others(slots, "b"))

        assert (slots["b"].variance > 1, slot.variance) == (True, 0)

    def test_numbers_of_other_boots_and_given_up_gaps_stay(self):
        slot = apply_report(apply_report(a.slot(100), a.use(1, 3)).slot, a.use(1, 2, "b2")).slot

        left = without_numbers_of_others(slot, [Counter("2", "b2", 9, ())])

        assert [(gap.boot, gap.first, gap.last) for gap in left.gaps] == [("b1", 1, 2), ("b1", 4, None)]


def _others(slots, name):
    return [counter_of(slot) for other, slot in slots.items() if other != name]
