"""Formatting of amounts, rates and dates."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from replenish_contracts.events import BaseUnit
from services.portal.domain import formatting
from tests.unit.portal.builders import DAY, NOW

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("steps", "unit", "scale", "expected"),
    [
        (34, BaseUnit.EACH, 0, "34"),
        (820, BaseUnit.GRAM, 0, "820 g"),
        (1250, BaseUnit.GRAM, 0, "1.25 kg"),
        (75_000, BaseUnit.MILLILITRE, 2, "750 ml"),
        (150_000, BaseUnit.MILLILITRE, 2, "1.5 l"),
        (80, BaseUnit.PERCENT, 0, "80%"),
        (1500, BaseUnit.EACH, 0, "1500"),
    ],
)
def test_amount_uses_larger_unit_from_thousand(steps, unit, scale, expected):
    assert formatting.amount(steps, unit, scale) == expected


@pytest.mark.parametrize(
    ("quantity", "unit", "expected"), [("100", "C62", "100"), ("0.5", "GRM", "0.5 g"), ("80", "P1", "80%")]
)
def test_quantity_of_a_response_has_a_symbol(quantity, unit, expected):
    assert formatting.quantity({"quantity": quantity, "unit": unit}) == expected


@pytest.mark.parametrize(
    ("per_day", "unit", "expected"),
    [
        (2.44, BaseUnit.EACH, "2.4 a day"),
        (3.0, BaseUnit.EACH, "3 a day"),
        (38.2, BaseUnit.GRAM, "38 g a day"),
        (0.6, BaseUnit.PERCENT, "0.6% a day"),
        (0.01, BaseUnit.EACH, "hardly used"),
    ],
)
def test_rate_has_two_significant_digits(per_day, unit, expected):
    assert formatting.rate(per_day, unit, 0) == expected


class TestDay:
    @pytest.mark.parametrize(
        ("days", "expected"),
        [(0, "today"), (1, "tomorrow"), (-1, "yesterday"), (4, "Sat 14 Mar"), (300, "Mon 4 Jan 2027")],
    )
    def test_day_is_relative_to_today(self, days, expected):
        assert formatting.day(NOW + days * DAY, NOW, UTC) == expected

    @pytest.mark.parametrize(
        ("at", "expected"),
        [("9999-12-31T23:59:59Z", "Fri 31 Dec 9999"), ("0001-01-01T00:00:00Z", "Mon 1 Jan 1")],
    )
    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
    def test_day_handles_calendar_limits(self, at, expected, zone):
        assert formatting.day(datetime.fromisoformat(at), NOW, ZoneInfo(zone)) == expected

    def test_day_uses_customers_time_zone(self):
        late = NOW.replace(hour=23)

        assert formatting.day(late, NOW, ZoneInfo("Europe/Berlin")) == "tomorrow"
        assert formatting.day(late, NOW, UTC) == "today"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(5, "just now"), (-60, "just now"), (61, "a minute ago"), (7300, "2 hours ago"), (86_401, "a day ago")],
)
def test_ago_uses_largest_unit(seconds, expected):
    assert formatting.ago(NOW - timedelta(seconds=seconds), NOW) == expected


@pytest.mark.parametrize(
    ("level", "days", "expected"),
    [
        (0, 5, "empty"),
        (10, None, ""),
        (10, -1, "may be empty by now"),
        (10, 0.5, "less than a day left"),
        (10, 1.9, "about a day left"),
        (10, 9.2, "about 9 days left"),
    ],
)
def test_lasting(level, days, expected):
    assert formatting.lasting(level, None if days is None else NOW + days * DAY, NOW) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("paused", "Automatic reordering is paused."),
        ("some_new_reason", "Some new reason."),
        ("the shop is closed until Monday.", "The shop is closed until Monday."),
        ("", ""),
    ],
)
def test_reason_returns_sentence(reason, expected):
    assert formatting.reason(reason) == expected


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Los_Angeles", "Asia/Kolkata"])
def test_date_is_shown_as_it_is_in_every_time_zone(zone):
    now = datetime(2026, 12, 1, 12, tzinfo=UTC)

    assert formatting.day(date(2026, 12, 5), now, ZoneInfo(zone)) == "Sat 5 Dec"


@pytest.mark.parametrize(("zone", "shown"), [("Pacific/Kiritimati", "today"), ("America/Los_Angeles", "tomorrow")])
def test_date_is_today_where_the_customer_lives(zone, shown):
    now = datetime(2026, 12, 5, 1, tzinfo=UTC)

    assert formatting.day(date(2026, 12, 5), now, ZoneInfo(zone)) == shown
