"""The rules of report identity, with figures computed by hand."""

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
from services.consumption.domain.apply import apply_delivery, apply_report
from services.consumption.domain.booking import MOST_GAPS, Outcome
from services.consumption.domain.rate import Rate
from services.consumption.domain.report import LARGEST_REPORT, ReadingKind, Report, plausible_use_time
from tests.unit.consumption import builders as a


def after(slot, *reports):
    for report in reports:
        slot = apply_report(slot, report).slot
    return slot


def only(events, kind):
    return [event for event in events if isinstance(event, kind)]


class TestCountedReports:
    def test_reports_apply_in_order(self):
        slot = after(a.slot(100), a.use(3, 1), a.use(4, 2))

        assert (slot.level, slot.last_seq, slot.gaps) == (93, 2, ())

    def test_repeated_report_applies_once(self):
        slot = after(a.slot(100), a.use(3, 1), a.use(4, 2), a.use(3, 1), a.use(4, 2))

        assert (slot.level, slot.books.used_total, slot.duplicates) == (93, 7, 2)

    def test_jump_leaves_gap(self):
        slot = after(a.slot(100), a.use(3, 1), a.use(4, 5))

        assert [(gap.first, gap.last, gap.level) for gap in slot.gaps] == [(2, 4, 97)]

    def test_late_report_fills_gap_once(self):
        slot = after(a.slot(100), a.use(3, 1), a.use(4, 5), a.use(10, 3), a.use(10, 3))

        assert slot.level == 83
        assert [(gap.first, gap.last, gap.level) for gap in slot.gaps] == [(2, 2, 97), (4, 4, 87)]

    def test_late_use_before_newer_level_counts_only_as_used(self):
        slot = after(a.slot(100, capacity=a.WIDE), a.measured(60, 3), a.use(30, 2))

        assert slot.level == 60
        assert (slot.books.used_total, slot.books.unreported) == (30, 10)

    def test_late_level_is_set_with_later_uses(self):
        slot = after(a.slot(100, capacity=a.WIDE), a.use(5, 1), a.use(5, 3), a.use(5, 4), a.measured(50, 2))

        assert slot.level == 40

    def test_late_older_level_keeps_newest(self):
        slot = after(a.slot(100, capacity=a.WIDE), a.measured(70, 3), a.measured(20, 2))

        assert slot.level == 70
        assert (slot.books.unreported, slot.books.received) == (80, 50)


class TestBoots:
    def test_new_boot_closes_previous_boot(self):
        slot = after(a.slot(100), a.use(3, 1, "b1"), a.use(4, 2, "b1"), a.use(5, 1, "b2"))

        assert (slot.level, slot.boot, slot.boot_no, slot.last_seq) == (88, "b2", 2, 1)
        assert [(gap.boot, gap.first, gap.last) for gap in slot.gaps] == [("b1", 3, None)]

    def test_late_reports_of_previous_boot_apply(self):
        slot = after(a.slot(100), a.use(3, 1, "b1"), a.use(5, 1, "b2"), a.use(7, 4, "b1"))

        assert slot.level == 85
        assert [(gap.first, gap.last) for gap in slot.gaps] == [(2, 3), (5, None)]

    def test_boots_are_ordered_by_first_report(self):
        slot = after(a.slot(100, capacity=a.WIDE), a.use(3, 1, "b1"), a.use(5, 1, "b2"), a.measured(50, 2, "b1"))

        assert slot.level == 45

    def test_boot_starting_late_has_gap(self):
        slot = after(a.slot(100), a.use(3, 4, "b1"), a.use(2, 2, "b1"))

        assert slot.level == 95
        assert [(gap.first, gap.last) for gap in slot.gaps] == [(1, 1), (3, 3)]


class TestUncountedReports:
    def test_uncounted_report_follows_received_reports(self):
        slot = after(a.slot(100), a.use(3, 1), a.use(4, 3), a.corrected(50), a.use(10, 2), a.use(1, 4))

        assert slot.level == 49

    def test_uncounted_fill_survives_late_level(self):
        slot = after(a.slot(100), a.use(10, 1), a.use(10, 3), a.refill(30), a.measured(80, 2))

        assert slot.level == 100


class TestLevels:
    def test_higher_level_is_inferred_fill(self):
        decision = apply_report(a.slot(40, capacity=a.WIDE), a.measured(90, 1))

        [filled] = decision.events
        assert (filled.quantity, filled.level, filled.cause) == (50, 90, FillCause.MEASURED)
        assert decision.slot.books.received == 50

    def test_lower_level_is_unreported_use(self):
        decision = apply_report(a.slot(40, capacity=a.WIDE), a.measured(25, 1))

        assert list(decision.events) == []
        assert (decision.slot.books.unreported, decision.slot.books.unexplained) == (15, 0)

    def test_correction_by_person_is_unexplained(self):
        decision = apply_report(a.slot(40), a.corrected(25))

        [corrected] = only(decision.events, SlotCorrected)
        assert (corrected.difference, corrected.level) == (-15, 25)
        assert decision.slot.books.unexplained == -15

    def test_late_use_before_rise_increases_fill(self):
        slot = apply_report(a.slot(40, capacity=a.WIDE), a.measured(90, 2)).slot

        decision = apply_report(slot, a.use(5, 1))

        [filled] = only(decision.events, SlotFilled)
        assert (filled.quantity, filled.level, filled.cause) == (5, 90, FillCause.MEASURED)
        assert decision.slot.books.received == 55

    def test_late_refill_before_rise_is_published_once(self):
        slot = apply_report(a.slot(40, capacity=a.WIDE), a.measured(90, 2)).slot

        decision = apply_report(slot, a.refill(50, 1))

        assert only(decision.events, SlotFilled) == []
        assert (decision.slot.level, decision.slot.books.received) == (90, 50)


class TestRefills:
    def test_refill_raises_level(self):
        [filled] = apply_report(a.slot(40), a.refill(50)).events

        assert (filled.quantity, filled.level, filled.cause, filled.by) == (50, 90, FillCause.REPORTED, Reporter.PERSON)

    def test_full_refill_adds_missing_quantity(self):
        [filled] = apply_report(a.slot(40), a.filled(100)).events

        assert (filled.quantity, filled.level) == (60, 100)

    def test_full_refill_of_full_slot_is_published(self):
        [filled] = apply_report(a.slot(100), a.filled(100)).events

        assert (filled.quantity, filled.level) == (0, 100)

    def test_arrival_fills_quarantined_slot(self):
        slot = replace(a.armed(10, at_level=90), quarantined=True)

        decision = apply_delivery(
            slot, Report(a.START + 5, a.START + 5, flow=50, cause=FillCause.ARRIVAL, order_id="o1")
        )

        [filled] = decision.events
        assert (filled.quantity, filled.order_id, filled.cause) == (50, "o1", FillCause.ARRIVAL)
        assert decision.slot.trigger == slot.trigger
        assert decision.slot.received_at == slot.received_at


class TestBelowZero:
    def test_negative_level_holds_nothing_and_is_unexplained(self):
        decision = apply_report(a.slot(2), a.use(5, 1))

        slot = decision.slot
        assert (slot.level, slot.held, slot.unexplained) == (-3, 0, 3)
        assert slot.held == slot.books.opening + slot.books.received - slot.books.used + slot.unexplained
        assert [event.level for event in only(decision.events, SlotAnomalyDetected)] == [0]

    def test_anomaly_is_published_once(self):
        slot = apply_report(a.slot(2), a.use(5, 1)).slot

        assert only(apply_report(slot, a.use(5, 2)).events, SlotAnomalyDetected) == []

    def test_level_report_ends_negative_level(self):
        slot = apply_report(a.slot(2, capacity=a.WIDE), a.use(5, 1)).slot

        decision = apply_report(slot, a.measured(40, 2))

        [filled] = only(decision.events, SlotFilled)
        assert filled.quantity == 40
        assert (decision.slot.level, decision.slot.unexplained) == (40, 3)


class TestUseBeyondLevel:
    """In a slot loaded by hand, use beyond the level proves an unreported refill."""

    @staticmethod
    def fills(slot, *reports):
        told = []
        for report in reports:
            decision = apply_report(slot, report)
            slot = decision.slot
            told += [(event.cause.value, event.quantity, event.level) for event in only(decision.events, SlotFilled)]
        return slot, told

    def test_use_beyond_level_is_inferred_fill(self):
        _, told = self.fills(a.slot(2), a.use(5, 1), a.use(4, 2))

        assert told == [("inferred", 3, 0), ("inferred", 4, 0)]

    def test_use_beyond_level_of_direct_slot_is_no_fill(self):
        _, told = self.fills(a.slot(2, loading="direct"), a.use(5, 1), a.use(4, 2))

        assert told == []

    def test_use_beyond_level_raises_uncertainty_until_level_report(self):
        full = a.slot(100, capacity=a.WIDE, variance=0.0, rate=Rate(0.0, 14.0, a.START))

        overdrawn = after(full, a.use(103, 1))
        seen = after(overdrawn, a.measured(40, 2))

        assert overdrawn.uncertainty_at(a.START) > 100 / 12**0.5
        assert seen.uncertainty_at(a.START) < 1

    def test_later_refill_report_is_reduced_by_inferred_fill(self):
        slot, told = self.fills(a.slot(2), a.use(5, 1), a.refill(50, 2))

        assert told == [("inferred", 3, 0), ("reported", 47, 47)]
        assert (slot.level, slot.unexplained) == (47, 0)

    def test_late_refill_report_is_reduced_by_inferred_fill(self):
        slot, told = self.fills(a.slot(2), a.use(5, 2), a.refill(50, 1))

        assert told == [("inferred", 3, 0), ("reported", 47, 47)]
        assert slot.level == 47

    def test_late_use_beyond_level_is_published_besides_measured_fill(self):
        slot, told = self.fills(a.slot(5, capacity=a.WIDE), a.measured(40, 2), a.use(8, 1))

        assert told == [("measured", 35, 40), ("measured", 8, 40)]
        assert (slot.level, slot.unexplained) == (40, 3)

    def test_use_beyond_cartridge_is_new_full_one(self):
        slot, told = self.fills(a.slot(2, fill="replace"), a.use(5, 1), a.use(4, 2), a.use(94, 3))

        assert told == [("inferred", 100, 97), ("inferred", 100, 99)]
        assert (slot.held, slot.level, slot.unexplained) == (99, -101, 200)

    def test_trigger_uses_level_of_inferred_cartridge(self):
        slot = a.armed(5, at_level=3, reports=2, fill="replace")

        decision = apply_report(after(slot, a.use(3, 1), a.use(5, 2)), a.use(1, 3))

        assert only(decision.events, ThresholdCrossed) == []
        assert decision.slot.days_so_far()[-1].level == 96

    def test_inferred_cartridge_equals_one_reported_soon(self):
        decision = apply_report(after(a.slot(2, fill="replace"), a.use(5, 1)), a.filled(100, 2))

        assert only(decision.events, SlotFilled) == []
        assert [(event.difference, event.level) for event in only(decision.events, SlotCorrected)] == [(3, 100)]

    def test_inferred_cartridge_differs_from_one_reported_after_use(self):
        decision = apply_report(after(a.slot(2, fill="replace"), a.use(5, 1), a.use(90, 2)), a.filled(100, 3))

        assert [(event.quantity, event.level) for event in only(decision.events, SlotFilled)] == [(93, 100)]


class TestTooManyGaps:
    @staticmethod
    def quarantined():
        slot, said = a.slot(10**6, capacity=10**6), []
        for number in range(MOST_GAPS + 1):
            decision = apply_report(slot, a.use(1, 2 * number + 2))
            slot, said = decision.slot, [*said, *decision.events]
        return slot, said

    def test_too_many_gaps_quarantine_slot(self):
        slot, said = self.quarantined()

        assert slot.quarantined
        assert slot.state == "quarantined"
        assert ["gaps" in event.reason for event in said] == [True]

    def test_quarantined_reports_have_reason(self):
        slot, _ = self.quarantined()

        decision = apply_report(slot, a.use(1, slot.last_seq + 1))

        assert decision.outcome is Outcome.DEAD_LETTER
        assert "quarantined" in decision.reason
        assert decision.slot == slot

    def test_correction_ends_quarantine(self):
        slot, _ = self.quarantined()
        last = slot.last_seq

        slot = after(slot, a.corrected(500), a.use(1, last + 10))

        assert (slot.quarantined, slot.level, slot.last_seq) == (False, 499, last + 10)

    def test_quarantined_reports_stay_dead_letters(self):
        slot, _ = self.quarantined()
        last = slot.last_seq
        slot = after(slot, a.corrected(500), a.use(1, last + 10))

        fates = [apply_report(slot, a.use(1, seq)).outcome for seq in (1, last + 5, last + 10)]

        assert fates == [Outcome.DEAD_LETTER, Outcome.DEAD_LETTER, Outcome.DUPLICATE]

    def test_counting_restarts_without_gap(self):
        slot, _ = self.quarantined()
        last = slot.last_seq

        slot = after(slot, a.corrected(500), a.use(1, last + 1), a.use(1, last + 3))

        assert [(gap.first, gap.last) for gap in slot.gaps if not gap.given_up] == [(last + 2, last + 2)]

    def test_new_boot_after_quarantine(self):
        slot, _ = self.quarantined()

        slot = after(slot, a.corrected(500), a.use(1, 1, "b2"), a.use(1, 2, "b2"))

        assert (slot.level, slot.boot_no, slot.last_seq, slot.is_plain) == (498, 2, 2, True)


class TestImplausibleValues:
    @pytest.mark.parametrize("report", [a.use(100_001, 1), a.refill(100_001), a.measured(100_001, 1)])
    def test_thousandfold_capacity_is_rejected_with_reason(self, report):
        decision = apply_report(a.slot(100), report)

        assert decision.outcome is Outcome.DEAD_LETTER
        assert "100001 steps in one report are implausible: the slot holds 100" in decision.reason
        assert decision.slot == a.slot(100)

    def test_limit_is_above_limit_of_gateway(self):
        assert apply_report(a.slot(100), a.use(10_000, 1)).outcome is Outcome.APPLIED

    @pytest.mark.parametrize("report", [a.use(LARGEST_REPORT + 1, 1), a.measured(LARGEST_REPORT + 1, 1)])
    def test_too_large_value_is_rejected(self, report):
        decision = apply_report(a.slot(), report)

        assert (decision.outcome, decision.slot) == (Outcome.DEAD_LETTER, a.slot())

    @pytest.mark.parametrize(
        ("at", "believed"),
        [(0, 0), (-30, -30), (-365, -365), (1, 0), (3650, 0), (-3650, 0)],
    )
    def test_implausible_time_is_replaced_by_receipt_time(self, at, believed):
        assert plausible_use_time(a.START + at * a.DAY, a.START) == a.START + believed * a.DAY


class TestFollowedSlots:
    def test_followed_slot_publishes_each_change(self):
        slot = a.armed(100, at_level=0, shelf_and_on_order=1000, follow=True)

        told = [only(apply_report(slot, report).events, SlotLevelChanged) for report in (a.use(3, 1), a.use(0, 1))]

        assert [[event.level for event in events] for events in told] == [[97], []]

    def test_followed_slot_publishes_level_reports(self):
        slot = a.armed(100, at_level=0, shelf_and_on_order=1000, follow=True, capacity=a.WIDE)

        [changed] = only(apply_report(slot, a.measured(40, 1, kind=ReadingKind.MEASURED)).events, SlotLevelChanged)

        assert changed.level == 40
