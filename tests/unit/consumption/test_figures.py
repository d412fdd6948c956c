"""Rate, uncertainty, days, run-out and triggers, against figures made elsewhere."""

from dataclasses import replace
from math import exp, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replenish_contracts.events import BaseUnit, SlotLevelChanged, ThresholdCrossed
from services.consumption.domain import uncertainty
from services.consumption.domain.apply import Outcome, apply_report, set_trigger
from services.consumption.domain.days import Days, UsedDay, group_days
from services.consumption.domain.rate import TAU_DAYS, Rate, prior_rate
from services.consumption.domain.report import ReadingKind
from services.consumption.domain.slot import Books, carry_over
from services.consumption.domain.trigger import Trigger
from tests.unit.consumption import a


def settled(per_day=2.0, until=a.START):
    return Rate(per_day * TAU_DAYS, TAU_DAYS, until)


class TestRate:
    def test_learns_from_a_history_older_than_the_registration(self):
        slot = a.slot(level=100, capacity=300)
        for day in range(1, 31):
            slot = apply_report(slot, a.use(3, seq=day, at=a.START - (40 - day) * a.DAY)).slot

        assert slot.rate.per_day == pytest.approx(3.0, rel=0.1)  # the guess was 10 a day

    def test_stays_what_it_is_under_that_much_use(self):
        rate = settled(2.0)
        for day in range(1, 100):
            rate = rate.after(2, a.START + day * a.DAY)

        assert rate.per_day == pytest.approx(2.0)

    def test_is_the_textbooks_ewma_once_it_is_settled(self):
        rate = settled(2.0).after(15, a.START + 3 * a.DAY)

        weight = 1 - exp(-3 / 14)
        assert rate.per_day == pytest.approx(2.0 + weight * (15 / 3 - 2.0))

    @given(st.lists(st.floats(0.01, 5), min_size=2, max_size=8))
    def test_does_not_care_how_a_steady_use_is_cut_into_reports(self, days):
        at, rate = a.START, prior_rate(60, a.START)
        whole = rate.after(round(sum(days) * 1e6), a.START + sum(days) * a.DAY)
        for length in days:
            at += length * a.DAY
            rate = rate.after(round(length * 1e6), at)

        assert rate.per_day == pytest.approx(whole.per_day, rel=1e-3)
        assert rate.days == pytest.approx(whole.days)

    def test_begins_as_a_visible_guess_that_fades(self):
        rate = prior_rate(60, a.START)
        shares = [rate.prior_share]
        for day in range(1, 61):
            rate = rate.after(10, a.START + day * a.DAY)
            shares.append(rate.prior_share)

        assert (prior_rate(60, a.START).per_day, shares[0]) == (2.0, 1.0)
        assert shares == sorted(shares, reverse=True)
        assert shares[-1] < 0.01
        assert rate.per_day == pytest.approx(10, rel=0.01)

    def test_learns_in_a_week_what_the_guess_got_wrong(self):
        rate = prior_rate(60, a.START)
        for day in range(1, 8):
            rate = rate.after(10, a.START + day * a.DAY)

        assert rate.per_day > 7.5

    def test_leaves_out_the_time_in_which_the_slot_was_empty(self):
        slot = a.slot(10, rate=settled(2.0))
        slot = apply_report(slot, a.use(10, 1, at=a.START + 5 * a.DAY)).slot
        before = slot.rate.per_day

        slot = apply_report(slot, a.use(0, 2, at=a.START + 20 * a.DAY)).slot
        slot = apply_report(slot, a.refill(100, 3, at=a.START + 30 * a.DAY)).slot

        assert slot.rate.per_day == before
        assert slot.rate.until == a.START + 30 * a.DAY

    def test_counts_quiet_days_of_a_slot_that_holds_something(self):
        slot = apply_report(a.slot(10, rate=settled(2.0)), a.use(0, 1, at=a.START + 14 * a.DAY)).slot

        assert slot.rate.per_day == pytest.approx(2.0 * exp(-1))

    def test_learns_from_levels_alone(self):
        slot = a.slot(100, rate=settled(1.0))
        for day in range(1, 81):
            level = 100 - 4 * (day % 20)
            slot = apply_report(slot, a.measured(level, day, at=a.START + day * a.DAY)).slot

        assert slot.rate.per_day == pytest.approx(4.0, rel=0.05)

    def test_takes_late_use_without_its_time(self):
        slot = a.slot(100, rate=settled(2.0))
        slot = apply_report(slot, a.use(2, 2, at=a.START + 2 * a.DAY)).slot

        late = apply_report(slot, a.use(2, 1, at=a.START + a.DAY)).slot

        assert late.rate.use == pytest.approx(slot.rate.use + 2)
        assert late.rate.days == slot.rate.days

    def test_is_never_below_nothing_whatever_a_late_report_takes_back(self):
        slot = a.slot(100, rate=settled(0.1))
        slot = apply_report(slot, a.measured(10, 2, at=a.START + a.DAY)).slot
        slot = apply_report(slot, a.use(0, 3, at=a.START + 60 * a.DAY)).slot

        late = apply_report(slot, a.corrected(10, 1, at=a.START + 60 * a.DAY)).slot

        assert late.books.unreported == 0
        assert late.rate.per_day == 0

    def test_of_a_history_begins_once(self):
        slot = a.slot(100)
        slot = apply_report(slot, a.measured(100, 1, at=a.START + 3 * a.DAY)).slot

        slot = apply_report(slot, a.use(1, 2, at=a.START - 10 * a.DAY)).slot

        assert slot.rate.until == a.START + 3 * a.DAY
        assert [day.day for day in slot.days_so_far()] == sorted(day.day for day in slot.days_so_far())


class TestDoubt:
    def test_shrinks_at_a_level_and_grows_with_reports(self):
        slot = a.slot(100, variance=400.0)

        seen = apply_report(slot, a.measured(80, 1)).slot
        used = apply_report(seen, a.use(50, 2)).slot

        assert seen.uncertainty_at(a.START) == pytest.approx(sqrt(1 / 12))
        assert used.uncertainty_at(a.START) == pytest.approx(sqrt(1 / 12 + (0.02 * 50) ** 2))

    def test_grows_with_silence(self):
        slot = a.slot(100, rate=settled(2.0), variance=0.0)

        assert slot.uncertainty_at(a.START) == 0
        assert slot.uncertainty_at(a.START + 4 * a.DAY) == pytest.approx(2 * sqrt(4 + 16 / 14))

    def test_grows_with_missing_reports_and_shrinks_when_they_come(self):
        slot = a.slot(100, rate=settled(2.0), variance=0.0)

        jumped = apply_report(slot, a.use(0, 2, at=a.START + 4 * a.DAY)).slot
        found = apply_report(jumped, a.use(0, 1, at=a.START + 2 * a.DAY)).slot

        assert jumped.variance == pytest.approx((2.0 * 4 / 2) ** 2)
        assert found.variance == 0

    def test_keeps_what_is_missing_behind_a_late_level(self):
        slot = a.slot(100, rate=settled(2.0), variance=900.0)
        slot = apply_report(slot, a.use(0, 3, at=a.START + 3 * a.DAY)).slot
        [gap] = slot.gaps

        slot = apply_report(slot, a.measured(90, 1)).slot

        assert slot.variance == pytest.approx(1 / 12 + gap.variance / 2)

    def test_of_what_a_person_sees_depends_on_what_can_be_counted(self):
        assert uncertainty.variance_after_reading(ReadingKind.CORRECTED, BaseUnit.EACH, 1000) < 1
        assert uncertainty.variance_after_reading(ReadingKind.CORRECTED, BaseUnit.GRAM, 1000) == pytest.approx(
            50**2, rel=0.01
        )


class TestRunOut:
    def test_is_when_the_rate_has_used_up_the_level(self):
        assert a.slot(10, rate=settled(2.0)).run_out_after(a.START) == pytest.approx(a.START + 5 * a.DAY)

    def test_is_now_for_an_empty_slot(self):
        assert a.slot(0, rate=settled(2.0)).run_out_after(a.START) == a.START

    @pytest.mark.parametrize("per_day", [0.0, 1e-6])
    def test_is_never_where_nothing_is_used(self, per_day):
        assert a.slot(10, rate=settled(per_day)).run_out_after(a.START) is None


class TestDays:
    def test_finish_with_the_first_report_of_a_later_one(self):
        slot = a.slot(100, at=a.START + 3600)
        for seq, (hours, quantity) in enumerate([(2, 5), (20, 6), (26, 7), (80, 8)], 1):
            slot = apply_report(slot, a.use(quantity, seq, at=a.START + hours * 3600)).slot

        day = int(a.START // a.DAY)
        assert slot.days_so_far() == [
            UsedDay(day, 11, 89),
            UsedDay(day + 1, 7, 82),
            UsedDay(day + 3, 8, 74),
        ]

    def test_take_use_that_only_levels_showed(self):
        slot = apply_report(a.slot(100), a.measured(60, 1)).slot

        assert slot.days_so_far()[-1].used == 40

    def test_pack_and_unpack(self):
        days = Days(5, (1, 2, 3)).advanced_to(3 * a.DAY, 2 * a.DAY, 9, 80)

        assert group_days(days.finished) == [UsedDay(1, 2, 3), UsedDay(2, 4, 80)]


class TestTrigger:
    def test_is_answered_when_the_level_comes_down_to_it(self):
        slot = a.armed(25, at_level=20)

        told = []
        for seq in range(1, 5):
            decision = apply_report(slot, a.use(3, seq, at=a.START + seq))
            slot = decision.slot
            told.append([(e.epoch, e.level, e.pool_id) for e in decision.events if isinstance(e, ThresholdCrossed)])

        assert told == [[], [(1, 19, "ann/pods")], [], []]

    def test_counts_what_is_elsewhere(self):
        slot = a.armed(20, at_level=20, shelf_and_on_order=10)

        assert [bool(apply_report(slot, a.use(used, 1)).events) for used in (9, 10)] == [False, True]

    def test_takes_the_higher_of_level_and_days(self):
        slot = a.armed(20, at_level=3, at_days=7, rate=settled(2.0))

        [crossed] = apply_report(slot, a.use(6, 1, at=a.START + 3 * a.DAY)).events

        assert (crossed.level, crossed.rate_per_day) == (14, pytest.approx(2.0))
        assert crossed.run_out_at.timestamp() == pytest.approx(a.START + 10 * a.DAY)

    def test_waits_for_so_many_reports_in_a_row(self):
        slot, told = a.armed(30, at_level=20, reports=3), []
        for seq, report in enumerate([a.use(11, 1), a.use(0, 2), a.refill(9, 3), *(a.use(9, s) for s in (4, 5, 6))], 1):
            decision = apply_report(slot, replace(report, used_at=a.START + seq))
            slot = decision.slot
            told.append([e.level for e in decision.events if isinstance(e, ThresholdCrossed)])

        assert told == [[], [], [], [], [], [1]]

    def test_is_not_answered_by_a_heartbeat_above_it(self):
        assert list(apply_report(a.armed(21, at_level=20), a.use(0, 1)).events) == []


class TestTriggerSet:
    NEWER = Trigger("ann/pods", 2, 20, 0.0, 0)

    def test_is_answered_at_once_where_it_holds(self):
        decision = set_trigger(a.armed(20), self.NEWER, a.START)

        [crossed] = decision.events
        assert (crossed.epoch, crossed.level) == (2, 20)
        assert not decision.slot.trigger.armed

    def test_waits_where_it_does_not(self):
        decision = set_trigger(a.armed(21), self.NEWER, a.START)

        assert (list(decision.events), decision.slot.trigger.armed) == ([], True)

    @pytest.mark.parametrize("epoch", [1, 2])
    def test_of_an_epoch_not_newer_changes_nothing(self, epoch):
        slot = a.armed(10, epoch=2, armed=False)

        decision = set_trigger(slot, replace(self.NEWER, epoch=epoch), a.START)

        assert (decision.outcome, decision.slot, list(decision.events)) == (Outcome.DUPLICATE, slot, [])

    def test_arms_anew_what_was_answered(self):
        slot = a.armed(50, armed=False)

        assert set_trigger(slot, self.NEWER, a.START).slot.trigger.armed

    def test_counts_the_last_report_as_one_of_those_it_asks_for(self):
        decision = set_trigger(a.armed(10, armed=False), replace(self.NEWER, reports=2), a.START)

        assert (list(decision.events), decision.slot.trigger.below) == ([], 1)
        assert [event.epoch for event in apply_report(decision.slot, a.use(0, 1)).events] == [2]

    def test_goes_on_counting_reports_that_were_below_a_lower_line(self):
        slot = a.armed(10, at_level=15, reports=5, below=3)

        decision = set_trigger(slot, replace(self.NEWER, reports=3), a.START)

        assert [event.epoch for event in decision.events] == [2]

    def test_tells_the_level_when_following_begins(self):
        newer = replace(self.NEWER, at_level=0, follow=True)

        decision = set_trigger(a.armed(50), newer, a.START)
        again = set_trigger(decision.slot, replace(newer, epoch=3), a.START)

        assert [type(event) for event in decision.events] == [SlotLevelChanged]
        assert list(again.events) == []

    def test_an_empty_slot_crosses_any_line(self):
        decision = set_trigger(a.slot(0), Trigger("p", 1, 0, 7.0, 0), a.START)

        assert [event.level for event in decision.events] == [0]


class TestTakingOver:
    def test_carries_level_rate_and_trigger_and_opens_new_books(self):
        old = apply_report(a.armed(50, rate=settled(3.0)), a.use(10, 1)).slot
        new = replace(a.slot(100), device_id="brewer-2")

        heir = carry_over(new, old)

        assert (heir.device_id, heir.level, heir.books) == ("brewer-2", 40, Books(opening=40))
        assert (heir.rate, heir.trigger, heir.boot) == (old.rate, old.trigger, None)
        assert heir.days_so_far() == old.days_so_far()

    def test_takes_nothing_from_a_slot_in_another_unit(self):
        new = a.slot(100)

        assert carry_over(new, a.slot(50, unit="GRM")) == new
