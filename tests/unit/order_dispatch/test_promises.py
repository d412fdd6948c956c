"""Dates that providers promise without a time: when they end, and what follows a customer to another time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replenish_contracts.events import Evidence
from services.order_dispatch.domain import State, check_due_order, decide_update
from services.order_dispatch.domain.promises import end_of_day, follow_zone, promise_fields
from tests.support import orders as a

DAY = date(2026, 3, 5)
ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Los_Angeles", "Asia/Kolkata", "Europe/Berlin", "UTC")
SECOND = timedelta(seconds=1)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC) - timedelta(microseconds=1)


class TestEndOfDay:
    @pytest.mark.parametrize(
        ("time_zone", "end"),
        [
            ("Pacific/Kiritimati", utc(2026, 3, 5, 10)),
            ("Asia/Kolkata", utc(2026, 3, 5, 18, 30)),
            ("UTC", utc(2026, 3, 6)),
            ("America/Los_Angeles", utc(2026, 3, 6, 8)),
            ("Pacific/Pago_Pago", utc(2026, 3, 6, 11)),
            ("no/such_zone", utc(2026, 3, 6)),
            ("../../etc/passwd", utc(2026, 3, 6)),
        ],
    )
    def test_day_ends_at_the_next_midnight_of_the_zone(self, time_zone, end):
        assert end_of_day(DAY, time_zone) == end

    @pytest.mark.parametrize(
        ("day", "time_zone", "end"),
        [
            # Days of 23 and 25 hours.
            (date(2026, 3, 8), "America/Los_Angeles", utc(2026, 3, 9, 7)),
            (date(2026, 11, 1), "America/Los_Angeles", utc(2026, 11, 2, 8)),
            # The clocks go from 24:00 to 1:00, so the next day has no midnight.
            (date(2026, 4, 23), "Africa/Cairo", utc(2026, 4, 23, 22)),
            # The clocks go back from 24:00 to 23:00, so the last hour is repeated.
            (date(2026, 10, 29), "Africa/Cairo", utc(2026, 10, 29, 22)),
            # They went back from 0:01 to 23:01, so midnight came twice.
            (date(2006, 10, 28), "America/St_Johns", utc(2006, 10, 29, 3, 30)),
            # 30 December 2011 was left out.
            (date(2011, 12, 29), "Pacific/Apia", utc(2011, 12, 30, 10)),
        ],
    )
    def test_days_on_which_the_clocks_change(self, day, time_zone, end):
        assert end_of_day(day, time_zone) == end

    @pytest.mark.parametrize("day", [date.max, date(1, 1, 1)])
    def test_ends_of_the_calendar_do_not_fail(self, day):
        assert all(end_of_day(day, zone) is None or end_of_day(day, zone).year in (1, 9999) for zone in ZONES)

    @given(st.dates(date(1980, 1, 1), date(2100, 1, 1)), st.sampled_from(ZONES))
    def test_end_is_on_the_day_and_the_next_moment_is_not(self, day, time_zone):
        end, zone = end_of_day(day, time_zone), ZoneInfo(time_zone)

        assert end.astimezone(zone).date() == day or time_zone == "Pacific/Kiritimati"  # it left out a day in 1994
        assert (end + SECOND).astimezone(zone).date() > day


def placed(time_zone, status="accepted", **changes):
    update = a.update(status, expected_date=DAY, **changes)
    decided = decide_update(a.order(State.PLACING), update, a.ACME, a.TIMEOUTS, a.NOON, time_zone=time_zone)
    return decided.decision


class TestUpdates:
    @pytest.mark.parametrize("time_zone", ZONES)
    @pytest.mark.parametrize("status", ["accepted", "shipped"])
    def test_date_is_kept_and_ends_where_the_customer_lives(self, time_zone, status):
        decision = placed(time_zone, status)

        order, event = decision.order, decision.events[-1]
        assert (order.expected_date, order.expected_at) == (DAY, end_of_day(DAY, time_zone))
        assert order.expected_at.astimezone(ZoneInfo(time_zone)).date() == DAY
        assert (event.expected_date, event.expected_at) == (DAY, order.expected_at)
        assert order.promised_at == order.check_at == order.expected_at

    def test_date_counts_rather_than_a_time(self):
        decision = placed("UTC", expected_at=a.NOON + a.days(1))

        assert (decision.order.expected_date, decision.order.expected_at) == (DAY, end_of_day(DAY, "UTC"))

    def test_later_time_replaces_a_date(self):
        order = placed("America/Los_Angeles").order

        order = a.apply(order, a.update("accepted", update_id="u2", expected_at=a.NOON + a.days(2))).order

        assert (order.expected_date, order.expected_at) == (None, a.NOON + a.days(2))

    @pytest.mark.parametrize("day", [date.min, date(2026, 2, 20), date(2029, 1, 1), date.max])
    def test_implausible_date_is_replaced_by_the_usual_one(self, day):
        order = a.apply(a.order(State.PLACING), a.update("accepted", expected_date=day)).order

        assert (order.expected_date, order.expected_at) == (None, a.NOON + a.days(3))

    @pytest.mark.parametrize("time_zone", ZONES)
    def test_goods_are_credited_at_the_end_of_the_day_and_not_before(self, time_zone):
        order, end = placed(time_zone, "shipped").order, end_of_day(DAY, time_zone)

        early = check_due_order(order, a.TIMEOUTS, end - SECOND)
        delivered = check_due_order(order, a.TIMEOUTS, end)

        assert (early.order.state, early.events) == (State.SHIPPED, ())
        assert (delivered.order.state, delivered.events[0].evidence) == (State.DELIVERED, Evidence.ESTIMATED)

    @pytest.mark.parametrize("time_zone", ZONES)
    def test_order_that_has_not_left_is_late_after_the_day(self, time_zone):
        order, end = placed(time_zone).order, end_of_day(DAY, time_zone)

        assert not check_due_order(order, a.TIMEOUTS, end - SECOND).requests
        assert check_due_order(order, a.TIMEOUTS, end).requests

    def test_lines_have_dates_of_their_own(self):
        order = a.apply(a.basket(State.PLACED), a.update("accepted", lines=(a.about("1"),), expected_date=DAY)).order
        later = DAY + timedelta(days=2)
        order = a.apply(order, a.update("accepted", update_id="u2", lines=(a.about("2"),), expected_date=later)).order

        assert [line.expected_date for line in order.lines] == [DAY, later]
        assert order.expected_date == later


class TestFollowZone:
    def test_open_order_follows_the_customer(self):
        order = placed("America/Los_Angeles", "shipped").order

        moved = follow_zone(order, "Pacific/Kiritimati", a.TIMEOUTS, a.NOON)

        end = end_of_day(DAY, "Pacific/Kiritimati")
        assert (moved.expected_date, moved.expected_at, moved.promised_at, moved.check_at) == (DAY, end, end, end)
        assert a.only(moved).expected_at == end

    def test_promise_with_a_time_stays(self):
        order = a.apply(a.order(State.PLACING), a.update("accepted", expected_at=a.NOON + a.days(2))).order

        assert follow_zone(order, "Pacific/Kiritimati", a.TIMEOUTS, a.NOON) == order

    def test_only_lines_with_a_date_move(self):
        order = a.apply(a.basket(State.PLACED), a.update("accepted", lines=(a.about("1"),), expected_date=DAY)).order

        moved = follow_zone(order, "America/Los_Angeles", a.TIMEOUTS, a.NOON)

        assert moved.lines[0].expected_at == end_of_day(DAY, "America/Los_Angeles")
        assert moved.lines[1] == order.lines[1]

    @given(st.sampled_from(ZONES), st.sampled_from(ZONES))
    def test_result_is_that_of_an_order_placed_in_the_new_zone(self, before, after):
        moved = follow_zone(placed(before, "shipped").order, after, a.TIMEOUTS, a.NOON)

        assert moved == placed(after, "shipped").order


@pytest.mark.parametrize("promise", [None, DAY, datetime(2026, 3, 5, 10, tzinfo=UTC)])
def test_promise_is_a_time_or_a_date(promise):
    fields = promise_fields(promise)

    assert promise in fields.values()
    assert len([value for value in fields.values() if value is not None]) == (promise is not None)
