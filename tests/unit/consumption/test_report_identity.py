"""The rules of report identity, one by one, with figures by hand."""

from dataclasses import replace

import pytest

from replenish_contracts.events import (
    FillCause,
    Reporter,
    SlotAnomalyDetected,
    SlotCorrected,
    SlotFilled,
    SlotLevelChanged,
    ThresholdCrossed,
)
from services.consumption.domain.apply import MOST_GAPS, Outcome, apply_delivery, apply_report
from services.consumption.domain.rate import Rate
from services.consumption.domain.report import LARGEST_REPORT, ReadingKind, Report, plausible_use_time
from tests.unit.consumption import a


def after(slot, *reports):
    for report in reports:
        slot = apply_report(slot, report).slot
    return slot


def only(events, kind):
    return [event for event in events if isinstance(event, kind)]


class TestCountedReports:
    def test_apply_in_order(self):
        slot = after(a.slot(100), a.use(3, 1), a.use(4, 2))

        assert (slot.level, slot.last_seq, slot.gaps) == (93, 2, ())

    def test_apply_once_however_often_they_come(self):
        slot = after(a.slot(100), a.use(3, 1), a.use(4, 2), a.use(3, 1), a.use(4, 2))

        assert (slot.level, slot.books.used_total, slot.duplicates) == (93, 7, 2)

    def test_leave_a_gap_where_they_jump(self):
        slot = after(a.slot(100), a.use(3, 1), a.use(4, 5))

        assert [(gap.first, gap.last, gap.level) for gap in slot.gaps] == [(2, 4, 97)]

    def test_fill_a_gap_once(self):
        slot = after(a.slot(100), a.use(3, 1), a.use(4, 5), a.use(10, 3), a.use(10, 3))

        assert slot.level == 83
        assert [(gap.first, gap.last, gap.level) for gap in slot.gaps] == [(2, 2, 97), (4, 4, 87)]

    def test_count_only_in_the_books_when_a_newer_level_was_seen(self):
        slot = after(a.slot(100), a.measured(60, 3), a.use(30, 2))

        assert slot.level == 60
        assert (slot.books.used_total, slot.books.unreported) == (30, 10)

    def test_set_an_old_level_and_count_the_uses_after_it(self):
        slot = after(a.slot(100), a.use(5, 1), a.use(5, 3), a.use(5, 4), a.measured(50, 2))

        assert slot.level == 40

    def test_keep_the_newest_level_when_an_older_one_comes_late(self):
        slot = after(a.slot(100), a.measured(70, 3), a.measured(20, 2))

        assert slot.level == 70
        assert (slot.books.unreported, slot.books.received) == (80, 50)


class TestBoots:
    def test_close_the_one_before_and_leave_its_end_open(self):
        slot = after(a.slot(100), a.use(3, 1, "b1"), a.use(4, 2, "b1"), a.use(5, 1, "b2"))

        assert (slot.level, slot.boot, slot.boot_no, slot.last_seq) == (88, "b2", 2, 1)
        assert [(gap.boot, gap.first, gap.last) for gap in slot.gaps] == [("b1", 3, None)]

    def test_take_late_reports_of_the_one_before(self):
        slot = after(a.slot(100), a.use(3, 1, "b1"), a.use(5, 1, "b2"), a.use(7, 4, "b1"))

        assert slot.level == 85
        assert [(gap.first, gap.last) for gap in slot.gaps] == [(2, 3), (5, None)]

    def test_are_ordered_by_their_first_report_so_an_older_ones_level_is_old(self):
        slot = after(a.slot(100), a.use(3, 1, "b1"), a.use(5, 1, "b2"), a.measured(50, 2, "b1"))

        assert slot.level == 45

    def test_miss_what_came_before_their_first_report(self):
        slot = after(a.slot(100), a.use(3, 4, "b1"), a.use(2, 2, "b1"))

        assert slot.level == 95
        assert [(gap.first, gap.last) for gap in slot.gaps] == [(1, 1), (3, 3)]


class TestUncountedReports:
    def test_stand_behind_everything_heard_so_far(self):
        slot = after(a.slot(100), a.use(3, 1), a.use(4, 3), a.corrected(50), a.use(10, 2), a.use(1, 4))

        assert slot.level == 49

    def test_may_be_a_fill_that_a_late_level_does_not_undo(self):
        slot = after(a.slot(100), a.use(10, 1), a.use(10, 3), a.refill(30), a.measured(80, 2))

        assert slot.level == 100


class TestLevels:
    def test_measured_higher_are_goods_that_came(self):
        decision = apply_report(a.slot(40), a.measured(90, 1))

        [filled] = decision.events
        assert (filled.quantity, filled.level, filled.cause) == (50, 90, FillCause.MEASURED)
        assert decision.slot.books.received == 50

    def test_measured_lower_are_use_that_nobody_reported(self):
        decision = apply_report(a.slot(40), a.measured(25, 1))

        assert list(decision.events) == []
        assert (decision.slot.books.unreported, decision.slot.books.unexplained) == (15, 0)

    def test_set_by_a_person_are_unexplained(self):
        decision = apply_report(a.slot(40), a.corrected(25))

        [corrected] = only(decision.events, SlotCorrected)
        assert (corrected.difference, corrected.level) == (-15, 25)
        assert decision.slot.books.unexplained == -15

    def test_of_a_late_use_before_a_rise_make_the_rise_larger(self):
        slot = apply_report(a.slot(40), a.measured(90, 2)).slot

        decision = apply_report(slot, a.use(5, 1))

        [filled] = only(decision.events, SlotFilled)
        assert (filled.quantity, filled.level, filled.cause) == (5, 90, FillCause.MEASURED)
        assert decision.slot.books.received == 55

    def test_of_a_late_refill_before_a_rise_say_nothing_twice(self):
        slot = apply_report(a.slot(40), a.measured(90, 2)).slot

        decision = apply_report(slot, a.refill(50, 1))

        assert only(decision.events, SlotFilled) == []
        assert (decision.slot.level, decision.slot.books.received) == (90, 50)


class TestRefills:
    def test_raise_the_level(self):
        [filled] = apply_report(a.slot(40), a.refill(50)).events

        assert (filled.quantity, filled.level, filled.cause, filled.by) == (50, 90, FillCause.REPORTED, Reporter.PERSON)

    def test_to_the_brim_take_what_is_missing(self):
        [filled] = apply_report(a.slot(40), a.filled(100)).events

        assert (filled.quantity, filled.level) == (60, 100)

    def test_to_the_brim_of_a_full_slot_are_said_too(self):
        [filled] = apply_report(a.slot(100), a.filled(100)).events

        assert (filled.quantity, filled.level) == (0, 100)

    def test_that_arrive_fill_even_a_quarantined_slot_and_are_no_report(self):
        slot = replace(a.armed(10, at_level=90), quarantined=True)

        decision = apply_delivery(
            slot, Report(a.START + 5, a.START + 5, flow=50, cause=FillCause.ARRIVAL, order_id="o1")
        )

        [filled] = decision.events
        assert (filled.quantity, filled.order_id, filled.cause) == (50, "o1", FillCause.ARRIVAL)
        assert decision.slot.trigger == slot.trigger
        assert decision.slot.received_at == slot.received_at


class TestBelowZero:
    def test_nothing_is_held_and_the_rest_is_unexplained(self):
        decision = apply_report(a.slot(2), a.use(5, 1))

        slot = decision.slot
        assert (slot.level, slot.held, slot.unexplained) == (-3, 0, 3)
        assert slot.held == slot.books.opening + slot.books.received - slot.books.used + slot.unexplained
        assert [event.level for event in only(decision.events, SlotAnomalyDetected)] == [0]

    def test_is_doubted_once(self):
        slot = apply_report(a.slot(2), a.use(5, 1)).slot

        assert only(apply_report(slot, a.use(5, 2)).events, SlotAnomalyDetected) == []

    def test_a_level_that_is_seen_starts_from_nothing(self):
        slot = apply_report(a.slot(2), a.use(5, 1)).slot

        decision = apply_report(slot, a.measured(40, 2))

        [filled] = only(decision.events, SlotFilled)
        assert filled.quantity == 40
        assert (decision.slot.level, decision.slot.unexplained) == (40, 3)


class TestUseOfMoreThanWasThere:
    """In a slot loaded by hand, use beyond the level proves an unreported refill."""

    @staticmethod
    def fills(slot, *reports):
        told = []
        for report in reports:
            decision = apply_report(slot, report)
            slot = decision.slot
            told += [(event.cause.value, event.quantity, event.level) for event in only(decision.events, SlotFilled)]
        return slot, told

    def test_is_goods_that_were_loaded_as_far_as_it_goes(self):
        _, told = self.fills(a.slot(2), a.use(5, 1), a.use(4, 2))

        assert told == [("inferred", 3, 0), ("inferred", 4, 0)]

    def test_is_nobodys_loading_where_arrivals_fill_the_slot(self):
        _, told = self.fills(a.slot(2, loading="direct"), a.use(5, 1), a.use(4, 2))

        assert told == []

    def test_raises_the_doubt_until_somebody_looks(self):
        full = a.slot(100, variance=0.0, rate=Rate(0.0, 14.0, a.START))

        overdrawn = after(full, a.use(103, 1))
        seen = after(overdrawn, a.measured(40, 2))

        assert overdrawn.uncertainty_at(a.START) > 100 / 12**0.5
        assert seen.uncertainty_at(a.START) < 1

    def test_is_not_counted_again_when_the_refill_is_reported_after_all(self):
        slot, told = self.fills(a.slot(2), a.use(5, 1), a.refill(50, 2))

        assert told == [("inferred", 3, 0), ("reported", 47, 47)]
        assert (slot.level, slot.unexplained) == (47, 0)

    def test_is_not_counted_again_when_the_refills_report_comes_late(self):
        slot, told = self.fills(a.slot(2), a.use(5, 2), a.refill(50, 1))

        assert told == [("inferred", 3, 0), ("reported", 47, 47)]
        assert slot.level == 47

    def test_that_a_late_report_shows_is_said_beside_what_was_measured_since(self):
        slot, told = self.fills(a.slot(5), a.measured(40, 2), a.use(8, 1))

        assert told == [("measured", 35, 40), ("measured", 8, 40)]
        assert (slot.level, slot.unexplained) == (40, 3)

    def test_of_a_cartridge_is_a_new_one_that_was_full(self):
        slot, told = self.fills(a.slot(2, fill="replace"), a.use(5, 1), a.use(4, 2), a.use(94, 3))

        assert told == [("inferred", 100, 97), ("inferred", 100, 99)]
        assert (slot.held, slot.level, slot.unexplained) == (99, -101, 200)

    def test_of_a_cartridge_leaves_a_level_that_triggers_are_held_against(self):
        slot = a.armed(5, at_level=3, reports=2, fill="replace")

        decision = apply_report(after(slot, a.use(3, 1), a.use(5, 2)), a.use(1, 3))

        assert only(decision.events, ThresholdCrossed) == []
        assert decision.slot.days_so_far()[-1].level == 96

    def test_of_a_cartridge_is_the_one_reported_soon_after(self):
        decision = apply_report(after(a.slot(2, fill="replace"), a.use(5, 1)), a.filled(100, 2))

        assert only(decision.events, SlotFilled) == []
        assert [(event.difference, event.level) for event in only(decision.events, SlotCorrected)] == [(3, 100)]

    def test_of_a_cartridge_is_another_than_the_one_reported_when_that_was_used_up(self):
        decision = apply_report(after(a.slot(2, fill="replace"), a.use(5, 1), a.use(90, 2)), a.filled(100, 3))

        assert [(event.quantity, event.level) for event in only(decision.events, SlotFilled)] == [(93, 100)]


class TestTooManyGaps:
    @staticmethod
    def quarantined():
        slot, said = a.slot(10**6), []
        for number in range(MOST_GAPS + 1):
            decision = apply_report(slot, a.use(1, 2 * number + 2))
            slot, said = decision.slot, [*said, *decision.events]
        return slot, said

    def test_quarantine_the_slot_visibly(self):
        slot, said = self.quarantined()

        assert slot.quarantined
        assert slot.state == "quarantined"
        assert ["gaps" in event.reason for event in said] == [True]

    def test_put_reports_aside_with_the_reason(self):
        slot, _ = self.quarantined()

        decision = apply_report(slot, a.use(1, slot.last_seq + 1))

        assert decision.outcome is Outcome.DEAD_LETTER
        assert "quarantined" in decision.reason
        assert decision.slot == slot

    def test_end_when_a_person_says_what_there_is(self):
        slot, _ = self.quarantined()
        last = slot.last_seq

        slot = after(slot, a.corrected(500), a.use(1, last + 10))

        assert (slot.quarantined, slot.level, slot.last_seq) == (False, 499, last + 10)

    def test_do_not_take_back_what_was_put_aside(self):
        slot, _ = self.quarantined()
        last = slot.last_seq
        slot = after(slot, a.corrected(500), a.use(1, last + 10))

        fates = [apply_report(slot, a.use(1, seq)).outcome for seq in (1, last + 5, last + 10)]

        assert fates == [Outcome.DEAD_LETTER, Outcome.DEAD_LETTER, Outcome.DUPLICATE]

    def test_begin_to_count_anew_without_a_hole(self):
        slot, _ = self.quarantined()
        last = slot.last_seq

        slot = after(slot, a.corrected(500), a.use(1, last + 1), a.use(1, last + 3))

        assert [(gap.first, gap.last) for gap in slot.gaps if not gap.given_up] == [(last + 2, last + 2)]

    def test_let_another_boot_begin_too(self):
        slot, _ = self.quarantined()

        slot = after(slot, a.corrected(500), a.use(1, 1, "b2"), a.use(1, 2, "b2"))

        assert (slot.level, slot.boot_no, slot.last_seq, slot.is_plain) == (498, 2, 2, True)


class TestNonsense:
    @pytest.mark.parametrize("report", [a.use(100_001, 1), a.refill(100_001), a.measured(100_001, 1)])
    def test_of_a_thousand_fillings_is_put_aside_with_the_reason(self, report):
        decision = apply_report(a.slot(100), report)

        assert decision.outcome is Outcome.DEAD_LETTER
        assert "100001 steps in one report are implausible: the slot holds 100" in decision.reason
        assert decision.slot == a.slot(100)

    def test_begins_beyond_what_the_gateway_lets_in(self):
        assert apply_report(a.slot(100), a.use(10_000, 1)).outcome is Outcome.APPLIED

    @pytest.mark.parametrize("report", [a.use(LARGEST_REPORT + 1, 1), a.measured(LARGEST_REPORT + 1, 1)])
    def test_of_size_is_put_aside(self, report):
        decision = apply_report(a.slot(), report)

        assert (decision.outcome, decision.slot) == (Outcome.DEAD_LETTER, a.slot())

    @pytest.mark.parametrize(
        ("at", "believed"),
        [(0, 0), (-30, -30), (-365, -365), (1, 0), (3650, 0), (-3650, 0)],
    )
    def test_of_clocks_is_replaced_by_the_time_of_receipt(self, at, believed):
        assert plausible_use_time(a.START + at * a.DAY, a.START) == a.START + believed * a.DAY


class TestFollowedSlots:
    def test_say_every_change_of_level(self):
        slot = a.armed(100, at_level=0, shelf_and_on_order=1000, follow=True)

        told = [only(apply_report(slot, report).events, SlotLevelChanged) for report in (a.use(3, 1), a.use(0, 1))]

        assert [[event.level for event in events] for events in told] == [[97], []]

    def test_are_looked_at_by_look(self):
        slot = a.armed(100, at_level=0, shelf_and_on_order=1000, follow=True)

        [changed] = only(apply_report(slot, a.measured(40, 1, kind=ReadingKind.MEASURED)).events, SlotLevelChanged)

        assert changed.level == 40
