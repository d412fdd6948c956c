"""Readings that jump: they wait for a second one or for their time, and change nothing meanwhile."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from replenish_contracts.events import Fill, FillCause, SlotAnomalyDetected, SlotCorrected, SlotFilled, ThresholdCrossed
from services.consumption.domain.apply import apply_delivery, apply_report
from services.consumption.domain.booking import Outcome
from services.consumption.domain.rate import TAU_DAYS, Rate
from services.consumption.domain.readings import count_due
from services.consumption.domain.report import Report
from services.consumption.domain.slot import carry_over
from tests.unit.consumption import builders as a

HOUR = 3600.0
#: The usual interval of a slot that is read hourly makes a jump wait this long.
HOURLY_WAIT = 1.5 * HOUR


def apply_all(slot, *reports):
    published = []
    for report in reports:
        decision = apply_report(slot, report)
        slot, published = decision.slot, [*published, *decision.events]
    return slot, published


def after(slot, *reports):
    return apply_all(slot, *reports)[0]


def only(events, kind):
    return [event for event in events if isinstance(event, kind)]


def hourly(*levels, first=1, start=a.START):
    """Return a sensor's counted readings, one an hour."""
    return [a.measured(level, first + n, at=start + (first + n) * HOUR) for n, level in enumerate(levels)]


def daily(*levels, start=a.START):
    return [a.measured(level, n, at=start + n * a.DAY) for n, level in enumerate(levels, 1)]


def learned(slot, per_day):
    """Return the slot with a rate that has been observed for long."""
    return replace(slot, rate=Rate(per_day * TAU_DAYS, TAU_DAYS, a.START))


def without_history_of_readings(slot):
    """Return a slot without the counters that know that one more reading arrived."""
    return replace(slot, read_at=0.0, interval=0.0, last_seq=0)


class TestOutliers:
    @pytest.mark.parametrize(
        ("capacity", "level", "outlier"),
        [
            (100, 90, 0),  # percent
            (100, 90, 40),
            (100, 20, 100),
            (100, 90, 110),
            (1000, 312, 3),  # grams
            (5000, 312, 3),
            (1500, 1400, 0),  # millilitres
            (60, 50, 0),  # pieces
            (5, 5, 0),
            (3, 1, 3),
        ],
    )
    def test_outlier_changes_nothing(self, capacity, level, outlier):
        slot = a.armed(level, capacity=capacity, at_level=level // 4)
        plain = after(slot, *hourly(level, level))

        jumped, during = apply_all(after(slot, *hourly(level)), *hourly(outlier, first=2))
        back, published = apply_all(jumped, *hourly(level, first=3))

        assert (jumped.level, jumped.pending.level, jumped.rate, jumped.trigger) == (
            level,
            outlier,
            after(slot, *hourly(level)).rate,
            slot.trigger,
        )
        assert (during, published, back.pending) == ([], [], None)
        assert (back.books, back.trigger) == (plain.books, plain.trigger)
        assert back.rate.per_day == pytest.approx(after(slot, *hourly(level, level, level)).rate.per_day, rel=0.01)

    def test_noisy_sensor_never_counts(self):
        slot, published = apply_all(a.armed(90, at_level=20, reports=3), *hourly(*[10, 90] * 20))

        assert (slot.level, slot.books.used, slot.books.received, published) == (90, 0, 0, [])

    def test_newer_jump_replaces_older_one(self):
        slot = after(a.slot(90), *hourly(40, 5))

        assert (slot.level, slot.pending.level, slot.pending.seq) == (90, 5, 2)
        assert after(slot, *hourly(88, first=3)).books.used == 2

    def test_repeated_pending_reading_is_duplicate(self):
        slot = after(a.slot(90), *hourly(0))

        decision = apply_report(slot, *hourly(0))

        assert decision.outcome is Outcome.DUPLICATE
        assert decision.slot == replace(slot, duplicates=1)

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def test_books_rate_and_trigger_are_those_without_outlier(self, data):
        capacity = data.draw(st.sampled_from([20, 100, 750, 5000]))
        start = data.draw(st.integers(capacity // 3, capacity))
        levels, level = [], start
        for _ in range(data.draw(st.integers(1, 8))):
            level = max(0, level - data.draw(st.integers(0, capacity // 12)))
            levels.append(level)
        place, outlier = data.draw(st.integers(0, len(levels) - 1)), data.draw(st.integers(0, capacity))
        hours = data.draw(st.sampled_from([1.0, 5.0, 24.0]))
        reports = data.draw(st.sampled_from([1, 3]))
        slot = a.armed(start, capacity=capacity, at_level=capacity // 4, reports=reports)
        readings = [
            replace(a.measured(value, None), used_at=a.START + n * hours * HOUR, received_at=a.START + n * hours * HOUR)
            for n, value in enumerate(levels, 1)
        ]
        wrong_at = a.START + (place + 0.5) * hours * HOUR
        wrong = replace(a.measured(outlier, None), used_at=wrong_at, received_at=wrong_at)

        before, without, expected = slot, slot, []
        for n, reading in enumerate(readings):
            before = without if n == place else before
            without, events = apply_all(without, reading)
            expected += events if n >= place else []
            assume(without.pending is None)

        disturbed, said = apply_all(before, wrong)
        assume(disturbed.pending is not None)
        with_it, events = apply_all(disturbed, *readings[place:])

        assert said == []
        assert without_history_of_readings(with_it) == without_history_of_readings(without)
        assert events == expected


class TestAgreement:
    def test_second_reading_confirms_drop_for_its_own_time(self):
        slot = learned(a.slot(90, capacity=100), 2.0)
        slot, published = apply_all(slot, *hourly(40, 39))

        assert (slot.level, slot.pending, slot.books.unreported, published) == (39, None, 51, [])
        expected = learned(a.slot(90), 2.0).rate.after(50, a.START + HOUR).after(1, a.START + 2 * HOUR)
        assert slot.rate == expected

    def test_second_reading_confirms_rise_once(self):
        slot, published = apply_all(a.slot(20), *hourly(95, 94))

        [filled] = only(published, SlotFilled)
        assert (filled.quantity, filled.level, filled.cause) == (75, 95, FillCause.MEASURED)
        assert (slot.level, slot.books.received, slot.books.unreported) == (94, 75, 1)

    def test_slightly_higher_second_reading_is_no_refill(self):
        slot, published = apply_all(a.slot(90), *hourly(40, 44))

        assert (slot.level, slot.books.unreported, slot.books.received, published) == (44, 46, 0, [])

    def test_waiting_reading_counts_as_one_report_of_trigger(self):
        slot = a.armed(90, at_level=50, reports=3)

        crossed = []
        for report in hourly(40, 40, 39, 38):
            decision = apply_report(slot, report)
            slot = decision.slot
            crossed.append([event.level for event in only(decision.events, ThresholdCrossed)])

        assert crossed == [[], [], [39], []]

    def test_outlier_below_trigger_counts_as_no_report(self):
        slot = a.armed(90, at_level=50, reports=2)

        slot, published = apply_all(slot, *hourly(10, 90, 10, 90))

        assert (slot.trigger.below, published) == (0, [])

    def test_sensor_stuck_at_zero_counts(self):
        slot, published = apply_all(a.armed(90, at_level=20), *hourly(0, 0))

        assert slot.level == 0
        assert [event.level for event in only(published, ThresholdCrossed)] == [0]


class TestOrdinaryUse:
    @pytest.mark.parametrize("per_day", [1, 5, 10, 20, 25, 30])
    def test_daily_jar_counts_at_once(self, per_day):
        slot = a.slot(100)
        levels = list(range(100 - per_day, -1, -per_day))[:5]
        for reading, level in zip(daily(*levels), levels, strict=True):
            slot = after(slot, reading)
            assert (slot.level, slot.pending) == (level, None)

    @pytest.mark.parametrize("per_day", [10, 20, 30])
    def test_daily_jar_with_learned_rate_counts_at_once(self, per_day):
        slot = after(learned(a.slot(100), per_day), *daily(100 - per_day))

        assert slot.level == 100 - per_day

    @pytest.mark.parametrize("readings", [hourly(96, 91, 89), hourly(93, 97, 92)])
    def test_noise_and_servings_count_at_once(self, readings):
        slot = a.slot(95)
        for reading in readings:
            slot = after(slot, reading)
            assert (slot.level, slot.pending) == (reading.level, None)

    def test_one_piece_is_never_a_jump(self):
        slot = a.slot(3, capacity=3)

        for report in hourly(2, 1, 0):
            slot = after(slot, report)
            assert slot.pending is None

    def test_collected_readings_are_judged_by_their_own_times(self):
        readings = [replace(one, received_at=a.START + 4 * a.DAY) for one in daily(80, 60, 40, 20)]

        assert after(a.slot(100), *readings).level == 20

    def test_clock_that_stands_still_does_not_make_use_a_jump(self):
        readings = [replace(one, used_at=a.START) for one in daily(75, 50, 25)]

        slot = after(a.slot(100), *readings)

        assert (slot.level, slot.pending) == (25, None)


class TestWakeUp:
    def test_reading_counts_after_a_day_if_interval_is_unknown(self):
        slot = after(a.armed(90, at_level=20), *hourly(0))
        due = a.START + HOUR + a.DAY

        assert count_due(slot, due - 1).slot == slot
        counted = count_due(slot, due)

        assert (counted.slot.level, counted.slot.pending, counted.slot.books.unreported) == (0, None, 90)
        [crossed] = only(counted.events, ThresholdCrossed)
        assert (crossed.level, crossed.occurred_at.timestamp()) == (0, due)
        assert counted.slot.rate.until == a.START + HOUR

    def test_reading_counts_after_usual_interval(self):
        slot = after(a.slot(90), *hourly(90, 90, 89, 0))

        assert slot.pending.due_at == a.START + 4 * HOUR + HOURLY_WAIT

    def test_wait_is_at_most_a_day(self):
        slot = after(
            a.slot(90),
            *[a.measured(90, n, at=a.START + 7 * n * a.DAY) for n in (1, 2, 3)],
            a.measured(0, 4, at=a.START + 28 * a.DAY),
        )

        assert slot.pending.due_at == a.START + 29 * a.DAY

    def test_wait_depends_on_receipt_not_on_device_clock(self):
        wrong = replace(hourly(0)[0], used_at=a.START - 300 * a.DAY)

        assert after(a.slot(90), wrong).pending.due_at == a.START + HOUR + a.DAY

    def test_wait_starts_when_reading_is_applied(self):
        backlog = replace(hourly(0)[0], applied_at=a.START + 5 * a.DAY)

        assert after(a.slot(90), backlog).pending.due_at == a.START + 6 * a.DAY

    def test_readings_sent_together_do_not_shorten_the_wait(self):
        batches = [
            replace(a.measured(90, 10 * day + n), received_at=a.START + day * a.DAY) for day in (1, 2) for n in range(9)
        ]

        slot = after(a.slot(90), *batches, replace(a.measured(0, 30), received_at=a.START + 3 * a.DAY))

        assert slot.pending.due_at == a.START + 4 * a.DAY

    def test_measured_refill_is_published_once(self):
        slot = after(a.slot(20), *hourly(95))

        counted = count_due(slot, slot.pending.due_at)
        later, published = apply_all(counted.slot, *hourly(94, 93, first=30))

        assert [(event.quantity, event.level) for event in only(counted.events, SlotFilled)] == [(75, 95)]
        assert (only(published, SlotFilled), later.level, later.books.received) == ([], 93, 75)

    def test_counted_once(self):
        slot = after(a.slot(90), *hourly(0))
        counted = count_due(slot, slot.pending.due_at)

        assert list(count_due(counted.slot, slot.pending.due_at + a.DAY).events) == []

    def test_late_reading_after_due_time_is_judged_first(self):
        slot = after(a.slot(90), *hourly(0))

        back, published = apply_all(slot, a.measured(89, 2, at=slot.pending.due_at + 5))

        assert (back.level, back.books.unreported, published) == (89, 1, [])

    def test_another_jump_after_due_time_lets_the_older_one_count(self):
        slot = after(a.slot(100), *hourly(50))

        later = after(slot, a.measured(10, 2, at=slot.pending.due_at + 5))

        assert (later.level, later.pending.level) == (50, 10)


class TestTakenBack:
    """A device that is read once a day: its jump counts after a day, and the next reading contradicts it."""

    @staticmethod
    def counted(slot, *levels):
        slot = after(slot, *daily(*levels))
        return count_due(slot, slot.pending.due_at).slot

    def test_drop_that_next_reading_takes_back_was_no_use(self):
        slot = self.counted(learned(a.slot(90), 2.0), 88, 0)
        at = a.START + 3 * a.DAY + 60

        back, published = apply_all(slot, a.measured(86, 3, at=at))

        assert (back.level, back.books.unreported, back.books.received) == (86, 4, 0)
        assert back.rate.per_day == pytest.approx(1.95, abs=0.1)
        assert [(event.difference, event.level) for event in only(published, SlotCorrected)] == [(0, 88)]
        assert only(published, SlotFilled) == []

    def test_rise_that_next_reading_takes_back_was_no_receipt(self):
        slot = self.counted(a.slot(30), 29, 100)

        back, published = apply_all(slot, a.measured(28, 3, at=a.START + 3 * a.DAY + 60))

        assert (back.level, back.books.received, back.books.unreported) == (28, 0, 2)
        assert [(event.difference, event.level) for event in only(published, SlotCorrected)] == [(-71, 29)]

    def test_uses_meanwhile_are_kept(self):
        slot = after(self.counted(a.slot(90), 88, 0), a.use(0, 3, at=a.START + 3 * a.DAY + 10))

        back = after(slot, a.measured(86, 4, at=a.START + 3 * a.DAY + 60))

        assert (back.level, back.books.unreported) == (86, 4)

    @pytest.mark.parametrize(
        "confirmation",
        [a.measured(0, 3, at=a.START + 3 * a.DAY + 30), a.refill(5, 3, at=a.START + 3 * a.DAY + 30), a.corrected(2)],
    )
    def test_confirmed_jump_is_not_taken_back(self, confirmation):
        slot = after(self.counted(a.slot(90), 88, 0), confirmation)

        later = after(slot, *[a.measured(88, n, at=a.START + 3 * a.DAY + n * 60) for n in (4, 5)])

        assert later.books.received > 80

    def test_refill_days_later_is_a_refill(self):
        slot = self.counted(a.slot(90), 88, 0)

        later, published = apply_all(slot, *[a.measured(88, n, at=a.START + 8 * a.DAY + n * HOUR) for n in (3, 4)])

        assert [event.quantity for event in only(published, SlotFilled)] == [88]
        assert later.books.unreported == 90


class TestReportsMeanwhile:
    def test_use_moves_books_and_reading(self):
        slot = after(a.slot(90), *hourly(40), a.use(3, 2, at=a.START + 2 * HOUR))

        assert (slot.level, slot.pending.moved) == (87, 37)
        assert after(slot, a.measured(37, 3, at=a.START + 3 * HOUR)).books.unreported == 50
        assert after(slot, a.measured(87, 3, at=a.START + 3 * HOUR)).books.unreported == 0

    def test_wake_up_after_use_counts_both(self):
        slot = after(a.slot(90), *hourly(40), a.use(3, 2, at=a.START + 2 * HOUR))

        counted = count_due(slot, slot.pending.due_at).slot

        assert (counted.level, counted.books.unreported, counted.books.used_total) == (37, 50, 3)

    def test_use_beyond_books_proves_rise(self):
        slot, published = apply_all(a.slot(5), *hourly(90), a.use(20, 2, at=a.START + 2 * HOUR))

        assert (slot.level, slot.pending) == (70, None)
        assert [(event.quantity, event.cause) for event in only(published, SlotFilled)] == [(85, FillCause.MEASURED)]
        assert only(published, SlotAnomalyDetected) == []

    @pytest.mark.parametrize("explanation", [a.refill(80, 2), a.refill(75, 2), a.filled(100, 2)])
    def test_reported_refill_explains_rise(self, explanation):
        slot, published = apply_all(a.slot(10), *hourly(90), explanation)

        assert slot.pending is None
        assert sum(event.quantity for event in only(published, SlotFilled)) == slot.level - 10

    def test_reported_use_explains_drop(self):
        slot = after(a.slot(90), *hourly(40), a.use(48, 2))

        assert (slot.level, slot.pending, slot.books.unreported) == (42, None, 0)

    def test_small_use_explains_no_drop(self):
        assert after(a.slot(90), *hourly(79), a.use(1, 2)).pending is not None

    def test_delivery_explains_rise(self):
        slot = after(a.slot(10, loading="direct"), *hourly(60))

        decision = apply_delivery(slot, Report(a.START, a.START, flow=50, cause=FillCause.ARRIVAL, order_id="o1"))

        assert (decision.slot.level, decision.slot.pending) == (60, None)

    def test_correction_by_person_ends_wait(self):
        slot = after(a.slot(90), *hourly(0), a.corrected(60))

        assert (slot.level, slot.pending) == (60, None)
        assert list(count_due(slot, a.START + 9 * a.DAY).events) == []

    @pytest.mark.parametrize("report", [a.corrected(0, 1), a.filled(100, 1), a.refill(70, 1), a.use(85, 1)])
    def test_only_readings_of_sensors_wait(self, report):
        slot = after(a.slot(90), report)

        assert (slot.level != 90, slot.pending) == (True, None)

    def test_replaced_device_takes_no_pending_reading_over(self):
        slot = after(a.slot(90), *hourly(0))

        heir = carry_over(replace(a.slot(100), device_id="brewer-2"), slot)

        assert (heir.level, heir.pending) == (90, None)

    def test_hot_path_leaves_slot_alone_while_reading_waits(self):
        slot = after(a.slot(90), *hourly(0))

        assert not slot.is_plain
        assert after(slot, *hourly(90, first=2)).is_plain


class TestLateReports:
    def test_late_use_before_reading_explains_it(self):
        slot = after(a.slot(90), a.measured(40, 2))
        assert slot.pending.level == 40

        slot = after(slot, a.use(47, 1))

        assert (slot.level, slot.pending, slot.books.unreported, slot.books.used_total) == (40, None, 3, 47)

    def test_late_use_after_reading_moves_it(self):
        slot = after(a.slot(90), a.measured(40, 1), a.use(1, 3), a.use(2, 2))

        assert (slot.level, slot.pending.moved) == (87, 37)

    def test_late_outlier_between_two_readings_is_ignored(self):
        slot, published = apply_all(a.slot(90), a.measured(90, 1), a.measured(89, 3), a.measured(0, 2))

        assert (slot.level, slot.books.unreported, slot.books.received, slot.gaps) == (89, 1, 0, ())
        assert published == []

    def test_late_reading_that_agrees_confirms(self):
        slot = after(a.slot(90), a.measured(40, 2), a.measured(41, 1))

        assert (slot.level, slot.pending, slot.books.unreported) == (40, None, 50)

    def test_late_reading_after_waiting_one_contradicts_it(self):
        slot = after(a.slot(90), a.measured(0, 1), a.use(0, 3), a.measured(90, 2))

        assert (slot.level, slot.pending, slot.gaps) == (90, None, ())

    def test_late_reading_after_waiting_one_confirms_it(self):
        slot = after(a.slot(90), a.measured(40, 1), a.use(2, 3), a.measured(39, 2))

        assert (slot.level, slot.pending, slot.books.unreported) == (37, None, 51)

    def test_late_jump_waits_at_its_place(self):
        slot = after(a.slot(90), a.use(5, 1), a.use(5, 3), a.measured(30, 2))
        assert (slot.level, slot.pending.level, slot.pending.moved) == (80, 30, 25)

        assert after(slot, a.measured(24, 4)).books.unreported == 56

    def test_counted_reading_becomes_next_reading_of_earlier_gaps_only(self):
        slot = after(a.slot(90), a.use(1, 1), a.measured(40, 3), a.use(1, 5))

        counted = count_due(slot, slot.pending.due_at).slot

        assert [(gap.first, gap.level, gap.next_reading and gap.next_reading.level) for gap in counted.gaps] == [
            (2, 89, 40),
            (4, 40, None),
        ]
        late = after(counted, a.use(10, 2), a.use(4, 4))
        assert (late.level, late.books.unreported, late.books.used_total) == (35, 39, 16)

    @settings(max_examples=60, deadline=None)
    @given(st.permutations(range(8)))
    def test_any_order_gives_level_of_last_reading_once_it_counts(self, order):
        story = [a.use(2, 1), a.use(1, 2), a.measured(40, 3), a.measured(40, 4), a.use(5, 5), a.refill(10, 6)]
        story += [a.use(34, 7), a.measured(12, 8)]

        slot = after(a.slot(10), *[story[n] for n in order])
        slot = count_due(slot, a.START + 9 * a.DAY).slot

        assert (slot.level, slot.books.used_total, slot.gaps) == (12, 42, ())


class TestRefusedLevels:
    @pytest.mark.parametrize(
        ("level", "outcome"), [(110, Outcome.APPLIED), (111, Outcome.DEAD_LETTER), (255, Outcome.DEAD_LETTER)]
    )
    @pytest.mark.parametrize("kind", [a.measured, a.corrected])
    def test_level_above_capacity_becomes_dead_letter(self, kind, level, outcome):
        slot = a.slot(100)

        decision = apply_report(slot, kind(level, 1))

        assert decision.outcome is outcome
        if outcome is Outcome.DEAD_LETTER:
            assert decision.reason == f"a level of {level} is above the capacity: the slot holds 100"
            assert decision.slot == slot

    def test_use_and_refill_above_capacity_count(self):
        assert after(a.slot(100), a.use(150, 1), a.refill(200, 2)).level == 150


def test_impossible_readings_buy_nothing():
    slot = a.armed(90, at_level=20, reports=3)

    slot, published = apply_all(slot, *daily(90, 255, 90, 0, 90))

    assert published == []
    assert slot.rate.per_day <= 3.4


@st.composite
def anything(draw):
    """Draw a report of any kind, in any order, or the passing of some hours."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.floats(0.1, 60.0))
    boot, seq = draw(st.sampled_from(["b1", "b1", "b2"])), draw(st.one_of(st.none(), st.integers(1, 12)))
    kind = draw(st.sampled_from(["use", "use", "refill", "measured", "measured", "measured", "corrected"]))
    if kind == "use":
        return a.use(draw(st.integers(0, 60)), seq, boot)
    if kind == "refill":
        return a.refill(draw(st.integers(1, 60)), seq, boot)
    return getattr(a, kind)(draw(st.integers(0, 110)), seq, boot)


class TestAnyReports:
    @settings(max_examples=120, deadline=None)
    @given(st.lists(anything(), max_size=30), st.sampled_from(list(Fill)))
    def test_events_tell_what_the_books_contain(self, story, fill):
        slot, published, now = a.slot(30, fill=fill), [], a.START
        for step in story:
            if isinstance(step, float):
                now += step * HOUR
                decision = count_due(slot, now)
            else:
                now += 60
                decision = apply_report(slot, replace(step, used_at=now, received_at=now))
            before, slot = slot, decision.slot
            published += decision.events

            told = sum(event.quantity for event in only(published, SlotFilled))
            told += sum(event.difference for event in only(published, SlotCorrected))
            assert told == slot.books.received + slot.books.unexplained + slot.inferred
            assert min(slot.books.unreported, slot.books.received, slot.rate.use, slot.variance) >= 0
            ranges = sorted((gap.boot_no, gap.first, gap.last or 99) for gap in slot.gaps)
            assert all(one[:1] != two[:1] or one[2] < two[1] for one, two in pairwise(ranges))
            if slot.pending and not before.pending:
                assert (slot.books, slot.rate, slot.trigger, list(decision.events)) == (
                    before.books,
                    before.rate,
                    before.trigger,
                    [],
                )

    @settings(max_examples=50, deadline=None)
    @given(st.lists(anything(), max_size=20), st.sampled_from(list(Fill)))
    def test_time_ends_every_wait(self, story, fill):
        slot, now = a.slot(30, fill=fill), a.START
        for step in story:
            now += 60 if not isinstance(step, float) else step * HOUR
            if not isinstance(step, float):
                slot = apply_report(slot, replace(step, used_at=now, received_at=now)).slot
        moved = slot.pending and slot.pending.moved

        slot = count_due(slot, now + a.DAY).slot

        assert (slot.pending, moved in {None, slot.level}) == (None, True)
