"""Promised dates and times of providers."""

from datetime import UTC, date, datetime

import pytest

from services.order_dispatch.providers.parsing import parse_promise

DAY = date(2026, 12, 5)


class TestParsePromise:
    @pytest.mark.parametrize(
        "text",
        [
            "2026-12-05",
            " 2026-12-05\n",
            "20261205",
            "2026-W49-6",
            "2026-12-05Z",
            "2026-12-05+14:00",
            "2026-12-05-0800",
        ],
    )
    def test_a_date_is_a_date(self, text):
        assert parse_promise(text) == DAY
        assert not isinstance(parse_promise(text), datetime)

    @pytest.mark.parametrize(
        "text",
        [
            "2026-12-05T00:00:00Z",
            "2026-12-05T00:00:00.000Z",
            "2026-12-05T00:00Z",
            "2026-12-05 00:00:00+00:00",
            "2026-12-05T00:00:00-08:00",
            "2026-12-05T00:00:00+14:00",
            "2026-12-05T00:00:00+0530",
            "2026-12-05T00:00:00",
        ],
    )
    def test_midnight_is_the_date_that_it_is_written_with(self, text):
        assert parse_promise(text) == DAY
        assert not isinstance(parse_promise(text), datetime)

    @pytest.mark.parametrize(
        "text",
        [
            "2026-12-05T23:59:59Z",
            "2026-12-05T23:59:59.999Z",
            "2026-12-05T23:59:59.999999999Z",
            "2026-12-05T23:59:59-08:00",
            "2026-12-05T23:59:60Z",
            "2026-12-05T24:00:00Z",
            "2026-12-05T24:00:00.000+05:30",
            "2026-12-05 24:00",
        ],
    )
    def test_end_of_a_day_is_that_date(self, text):
        assert parse_promise(text) == DAY
        assert not isinstance(parse_promise(text), datetime)

    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2026-12-05T10:00:00Z", datetime(2026, 12, 5, 10, tzinfo=UTC)),
            ("2026-12-05T10:00:00+02:00", datetime(2026, 12, 5, 8, tzinfo=UTC)),
            ("2026-12-04T16:00:00-08:00", datetime(2026, 12, 5, tzinfo=UTC)),
            ("2026-12-05T00:00:01Z", datetime(2026, 12, 5, 0, 0, 1, tzinfo=UTC)),
            ("2026-12-05T00:30:00+14:00", datetime(2026, 12, 4, 10, 30, tzinfo=UTC)),
            ("2017-01-05T07:59:59.000Z", datetime(2017, 1, 5, 7, 59, 59, tzinfo=UTC)),
            ("2026-12-05T07:59:59", datetime(2026, 12, 5, 7, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_a_time_with_an_offset_is_a_time_in_utc(self, text, moment):
        assert parse_promise(text) == moment

    @pytest.mark.parametrize(
        "text",
        [
            *("", " ", "soon", "in a week", "05/12/2026", "2026-12", "2026-W49", "2026-02-30", "2026-13-01T00:00:00Z"),
            *(
                "2026-12-05T25:00:00Z",
                "\N{DEVANAGARI DIGIT TWO}026-12-05",
                "2026-12-05T10:00:00+99:00",
                "0001-01-01T00:30:00+14:00",
            ),
            *("9999-12-31T23:00:00-12:00", "x" * 100_000, "2026-12-05\x00", "-" * 5000),
            *(None, True, False, [], {}, ["2026-12-05"], b"2026-12-05", 1796428800, 1.5, float("nan")),
        ],
    )
    def test_what_is_neither_is_none(self, text):
        assert parse_promise(text) is None
