"""Rate, uncertainty, days, run-out and triggers, compared with independently computed figures."""

from dataclasses import replace
from math import exp, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replenish_contracts.events import BaseUnit, SlotLevelChanged, ThresholdCrossed
from services.consumption.domain import uncertainty
from services.consumption.domain.apply import apply_report, set_trigger
from services.consumption.domain.booking import Outcome
from services.consumption.domain.days import Days, UsedDay, group_days
from services.consumption.domain.rate import TAU_DAYS, Rate, prior_rate
from services.consumption.domain.report import ReadingKind
from services.consumption.domain.slot import Books, carry_over
from services.consumption.domain.trigger import Trigger
from tests.unit.consumption import builders as a


def settled(per_day=2.0, until=a.START):
    return Rate(per_day * TAU_DAYS, TAU_DAYS, until)


class TestRate:
    def test_rate_learns_from_history_before_registration(self):
        slot = a.slot(level=100, capacity=300)
        for day in range(1, 31):
            slot = apply_report(slot, a.use(3, seq=day, at=a.START - (40 - day) * a.DAY)).slot

        assert slot.rate.per_day == pytest.approx(3.0, rel=0.1)  # the initial estimate was 10 a day

    def test_rate_is_stable_under_equal_use(self):
        rate = settled(2.0)
        for day in range(1, 100):
            rate = rate.after(2, a.START + day * a.DAY)

        assert rate.per_day == pytest.approx(2.0)

    def test_rate_equals_ewma_when_settled(self):
        rate = settled(2.0).after(15, a.START + 3 * a.DAY)

        weight = 1 - exp(-3 / 14)
        assert rate.per_day == pytest.approx(2.0 + weight * (15 / 3 - 2.0))

    @given(st.lists(st.floats(0.01, 5), min_size=2, max_size=8))
    def test_rate_is_independent_of_report_size(self, days):
        at, rate = a.START, prior_rate(60, a.START)
        whole = rate.after(round(sum(days) * 1e6), a.START + sum(days) * a.DAY)
        for length in days:
            at += length * a.DAY
            rate = rate.after(round(length * 1e6), at)

        assert rate.per_day == pytest.approx(whole.per_day, rel=1e-3)
        assert rate.days == pytest.approx(whole.days)

    def test_rate_starts_as_fading_estimate(self):
        rate = prior_rate(60, a.START)
        shares = [rate.prior_share]
        for day in range(1, 61):
            rate = rate.after(10, a.START + day * a.DAY)
            shares.append(rate.prior_share)

        assert (prior_rate(60, a.START).per_day, shares[0]) == (2.0, 1.0)
        assert shares == sorted(shares, reverse=True)
        assert shares[-1] < 0.01
        assert rate.per_day == pytest.approx(10, rel=0.01)

    def test_rate_corrects_estimate_within_a_week(self):
        rate = prior_rate(60, a.START)
        for day in range(1, 8):
            rate = rate.after(10, a.START + day * a.DAY)

        assert rate.per_day > 7.5

    def test_rate_excludes_empty_time(self):
        slot = a.slot(10, rate=settled(2.0))
        slot = apply_report(slot, a.use(10, 1, at=a.START + 5 * a.DAY)).slot
        before = slot.rate.per_day

        slot = apply_report(slot, a.use(0, 2, at=a.START + 20 * a.DAY)).slot
        slot = apply_report(slot, a.refill(100, 3, at=a.START + 30 * a.DAY)).slot

        assert slot.rate.per_day == before
        assert slot.rate.until == a.START + 30 * a.DAY

    def test_rate_includes_days_without_use(self):
        slot = apply_report(a.slot(10, rate=settled(2.0)), a.use(0, 1, at=a.START + 14 * a.DAY)).slot

        assert slot.rate.per_day == pytest.approx(2.0 * exp(-1))

    def test_rate_learns_from_level_reports(self):
        slot = a.slot(100, rate=settled(1.0))
        for day in range(1, 81):
            level = 100 - 4 * (day % 20)
            slot = apply_report(slot, a.measured(level, day, at=a.START + day * a.DAY)).slot

        assert slot.rate.per_day == pytest.approx(4.0, rel=0.05)

    def test_late_use_adds_no_time(self):
        slot = a.slot(100, rate=settled(2.0))
        slot = apply_report(slot, a.use(2, 2, at=a.START + 2 * a.DAY)).slot

        late = apply_report(slot, a.use(2, 1, at=a.START + a.DAY)).slot

        assert late.rate.use == pytest.approx(slot.rate.use + 2)
        assert late.rate.days == slot.rate.days

    def test_rate_is_never_negative(self):
        slot = a.slot(100, capacity=a.WIDE, rate=settled(0.1))
        slot = apply_report(slot, a.measured(10, 2, at=a.START + a.DAY)).slot
        slot = apply_report(slot, a.use(0, 3, at=a.START + 60 * a.DAY)).slot

        late = apply_report(slot, a.corrected(10, 1, at=a.START + 60 * a.DAY)).slot

        assert late.books.unreported == 0
        assert late.rate.per_day == 0

    def test_history_starts_once(self):
        slot = a.slot(100)
        slot = apply_report(slot, a.measured(100, 1, at=a.START + 3 * a.DAY)).slot

        slot = apply_report(slot, a.use(1, 2, at=a.START - 10 * a.DAY)).slot

        assert slot.rate.until == a.START + 3 * a.DAY
        assert [day.day for day in slot.days_so_far()] == sorted(day.day for day in slot.days_so_far())


class TestUncertainty:
    def test_uncertainty_shrinks_at_level_and_grows_with_reports(self):
        slot = a.slot(100, capacity=a.WIDE, variance=400.0)

        seen = apply_report(slot, a.measured(80, 1)).slot
        used = apply_report(seen, a.use(50, 2)).slot

        assert seen.uncertainty_at(a.START) == pytest.approx(sqrt(1 / 12))
        assert used.uncertainty_at(a.START) == pytest.approx(sqrt(1 / 12 + (0.02 * 50) ** 2))

    def test_uncertainty_grows_with_silence(self):
        slot = a.slot(100, rate=settled(2.0), variance=0.0)

        assert slot.uncertainty_at(a.START) == 0
        assert slot.uncertainty_at(a.START + 4 * a.DAY) == pytest.approx(2 * sqrt(4 + 16 / 14))

    def test_uncertainty_depends_on_missing_reports(self):
        slot = a.slot(100, rate=settled(2.0), variance=0.0)

        jumped = apply_report(slot, a.use(0, 2, at=a.START + 4 * a.DAY)).slot
        found = apply_report(jumped, a.use(0, 1, at=a.START + 2 * a.DAY)).slot

        assert jumped.variance == pytest.approx((2.0 * 4 / 2) ** 2)
        assert found.variance == 0

    def test_uncertainty_keeps_gaps_after_late_level(self):
        slot = a.slot(100, rate=settled(2.0), variance=900.0)
        slot = apply_report(slot, a.use(0, 3, at=a.START + 3 * a.DAY)).slot
        [gap] = slot.gaps

        slot = apply_report(slot, a.measured(90, 1)).slot

        assert slot.variance == pytest.approx(1 / 12 + gap.variance / 2)

    def test_uncertainty_of_correction_depends_on_unit(self):
        assert uncertainty.variance_after_reading(ReadingKind.CORRECTED, BaseUnit.EACH, 1000) < 1
        assert uncertainty.variance_after_reading(ReadingKind.CORRECTED, BaseUnit.GRAM, 1000) == pytest.approx(
            50**2, rel=0.01
        )


class TestRunOut:
    def test_run_out_is_level_over_rate(self):
        assert a.slot(10, rate=settled(2.0)).run_out_after(a.START) == pytest.approx(a.START + 5 * a.DAY)

    def test_run_out_of_empty_slot_is_now(self):
        assert a.slot(0, rate=settled(2.0)).run_out_after(a.START) == a.START

    @pytest.mark.parametrize("per_day", [0.0, 1e-6])
    def test_run_out_without_use_is_none(self, per_day):
        assert a.slot(10, rate=settled(per_day)).run_out_after(a.START) is None


class TestDays:
    def test_day_ends_with_first_report_of_later_day(self):
        slot = a.slot(100, at=a.START + 3600)
        for seq, (hours, quantity) in enumerate([(2, 5), (20, 6), (26, 7), (80, 8)], 1):
            slot = apply_report(slot, a.use(quantity, seq, at=a.START + hours * 3600)).slot

        day = int(a.START // a.DAY)
        assert slot.days_so_far() == [
            UsedDay(day, 11, 89),
            UsedDay(day + 1, 7, 82),
            UsedDay(day + 3, 8, 74),
        ]

    def test_day_includes_use_shown_by_levels(self):
        slot = apply_report(a.slot(100, capacity=a.WIDE), a.measured(60, 1)).slot

        assert slot.days_so_far()[-1].used == 40

    def test_days_pack_round_trip(self):
        days = Days(5, (1, 2, 3)).advanced_to(3 * a.DAY, 2 * a.DAY, 9, 80)

        assert group_days(days.finished) == [UsedDay(1, 2, 3), UsedDay(2, 4, 80)]


class TestTrigger:
    def test_trigger_crosses_at_level(self):
        slot = a.armed(25, at_level=20)

        told = []
        for seq in range(1, 5):
            decision = apply_report(slot, a.use(3, seq, at=a.START + seq))
            slot = decision.slot
            told.append([(e.epoch, e.level, e.pool_id) for e in decision.events if isinstance(e, ThresholdCrossed)])

        assert told == [[], [(1, 19, "ann/pods")], [], []]

    def test_trigger_counts_shelf_and_on_order(self):
        slot = a.armed(20, at_level=20, shelf_and_on_order=10)

        assert [bool(apply_report(slot, a.use(used, 1)).events) for used in (9, 10)] == [False, True]

    def test_trigger_uses_higher_of_level_and_days(self):
        slot = a.armed(20, at_level=3, at_days=7, rate=settled(2.0))

        [crossed] = apply_report(slot, a.use(6, 1, at=a.START + 3 * a.DAY)).events

        assert (crossed.level, crossed.rate_per_day) == (14, pytest.approx(2.0))
        assert crossed.run_out_at.timestamp() == pytest.approx(a.START + 10 * a.DAY)

    def test_trigger_requires_consecutive_low_reports(self):
        slot, told = a.armed(30, at_level=20, reports=3), []
        for seq, report in enumerate([a.use(11, 1), a.use(0, 2), a.refill(9, 3), *(a.use(9, s) for s in (4, 5, 6))], 1):
            decision = apply_report(slot, replace(report, used_at=a.START + seq))
            slot = decision.slot
            told.append([e.level for e in decision.events if isinstance(e, ThresholdCrossed)])

        assert told == [[], [], [], [], [], [1]]

    def test_report_above_trigger_does_not_cross(self):
        assert list(apply_report(a.armed(21, at_level=20), a.use(0, 1)).events) == []


class TestTriggerSet:
    NEWER = Trigger("ann/pods", 2, 20, 0.0, 0)

    def test_set_trigger_crosses_at_once_if_low(self):
        decision = set_trigger(a.armed(20), self.NEWER, a.START)

        [crossed] = decision.events
        assert (crossed.epoch, crossed.level) == (2, 20)
        assert not decision.slot.trigger.armed

    def test_set_trigger_waits_if_not_low(self):
        decision = set_trigger(a.armed(21), self.NEWER, a.START)

        assert (list(decision.events), decision.slot.trigger.armed) == ([], True)

    @pytest.mark.parametrize("epoch", [1, 2])
    def test_trigger_of_same_epoch_is_ignored(self, epoch):
        slot = a.armed(10, epoch=2, armed=False)

        decision = set_trigger(slot, replace(self.NEWER, epoch=epoch), a.START)

        assert (decision.outcome, decision.slot, list(decision.events)) == (Outcome.DUPLICATE, slot, [])

    def test_new_epoch_arms_trigger_again(self):
        slot = a.armed(50, armed=False)

        assert set_trigger(slot, self.NEWER, a.START).slot.trigger.armed

    def test_last_report_counts_as_low_report(self):
        decision = set_trigger(a.armed(10, armed=False), replace(self.NEWER, reports=2), a.START)

        assert (list(decision.events), decision.slot.trigger.below) == ([], 1)
        assert [event.epoch for event in apply_report(decision.slot, a.use(0, 1)).events] == [2]

    def test_low_reports_are_kept_for_higher_trigger(self):
        slot = a.armed(10, at_level=15, reports=5, below=3)

        decision = set_trigger(slot, replace(self.NEWER, reports=3), a.START)

        assert [event.epoch for event in decision.events] == [2]

    def test_following_starts_with_level(self):
        newer = replace(self.NEWER, at_level=0, follow=True)

        decision = set_trigger(a.armed(50), newer, a.START)
        again = set_trigger(decision.slot, replace(newer, epoch=3), a.START)

        assert [type(event) for event in decision.events] == [SlotLevelChanged]
        assert list(again.events) == []

    def test_empty_slot_crosses_any_trigger(self):
        decision = set_trigger(a.slot(0), Trigger("p", 1, 0, 7.0, 0), a.START)

        assert [event.level for event in decision.events] == [0]


class TestTakeOver:
    def test_take_over_keeps_level_rate_and_trigger(self):
        old = apply_report(a.armed(50, rate=settled(3.0)), a.use(10, 1)).slot
        new = replace(a.slot(100), device_id="brewer-2")

        heir = carry_over(new, old)

        assert (heir.device_id, heir.level, heir.books) == ("brewer-2", 40, Books(opening=40))
        assert (heir.rate, heir.trigger, heir.boot) == (old.rate, old.trigger, None)
        assert heir.days_so_far() == old.days_so_far()

    def test_take_over_from_other_unit_takes_nothing(self):
        new = a.slot(100)

        assert carry_over(new, a.slot(50, unit="GRM")) == new
