import json
from datetime import datetime

import pytest

from services.gateway.domain.refusals import MalformedRequestError
from services.gateway.domain.reports import LevelReport, Report, UsageReport
from services.gateway.facades import plain_json
from services.gateway.facades.plain_json import is_deeper_than
from tests.unit.gateway import builders

GOOD = {"type": "SlotUsed", "slot": "1", "quantity": "2.5", "unit": "kg", "boot": "b1", "seq": 7}


def parse(body):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return plain_json.parse(body, builders.BODY_LIMITS)


class TestOneReport:
    def test_parse_returns_report(self):
        (report,) = parse(GOOD)

        assert report == UsageReport(slot="1", quantity="2.5", unit="kg", boot="b1", seq=7)

    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"quantty": 1}, "unknown_field", "quantty"),
            ({"type": "SlotExploded"}, "unknown_type", "type"),
            ({"type": "SlotUsedV9"}, "unknown_type", "type"),
            ({"type": 7}, "unknown_type", "type"),
            ({"quantity": True}, "invalid_field", "quantity"),
            ({"quantity": None}, "invalid_field", "quantity"),
            ({"quantity": [1]}, "invalid_field", "quantity"),
            ({"quantity": "9" * 65}, "invalid_field", "quantity"),
            ({"seq": 0}, "invalid_field", "seq"),
            ({"seq": 1.5}, "invalid_field", "seq"),
            ({"slot": ""}, "invalid_field", "slot"),
            ({"slot": 1}, "invalid_field", "slot"),
            ({"occurred_at": "yesterday"}, "invalid_field", "occurred_at"),
            ({"occurred_at": "2026-01-01T08:00:00"}, "invalid_field", "occurred_at"),
            ({"boot": "b" * 65}, "invalid_field", "boot"),
        ],
    )
    def test_parse_refuses_invalid_field_with_remedy(self, change, code, field):
        (refusal,) = parse(GOOD | change)

        assert (refusal.code, refusal.field) == (code, field)
        assert refusal.remedy

    @pytest.mark.parametrize(
        ("time", "at"),
        [
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999+00:00"),
            ("2016-12-31T23:59:60.9Z", "2016-12-31T23:59:59.999999+00:00"),
            ("2017-01-01T05:29:60+05:30", "2017-01-01T05:29:59.999999+05:30"),
            ("2026-01-31t08:00:00z", "2026-01-31T08:00:00+00:00"),
            ("2026-01-31T08:00:00+14:00", "2026-01-31T08:00:00+14:00"),
            ("2026-01-31T08:00:00-12:00", "2026-01-31T08:00:00-12:00"),
        ],
    )
    def test_parse_reads_time(self, time, at):
        (report,) = parse(GOOD | {"occurred_at": time})

        assert report.occurred_at == datetime.fromisoformat(at)
        assert (report.quantity, report.seq) == ("2.5", 7)

    @pytest.mark.parametrize(
        ("time", "words"),
        [
            (1767254400, "send 2026-01-01T08:00:00Z"),
            (1767254400.5, "send 2026-01-01T08:00:00Z"),
            (1767254400000, "send 2026-01-01T08:00:00Z"),
            ("1767254400", "send 2026-01-01T08:00:00Z"),
            ("2026-01-31T08:00:00", "send 2026-01-31T08:00:00Z if it is in UTC"),
            ("2026-01-31T24:00:00Z", "00:00:00 of the next day"),
            ("2026-01-31T12:59:60Z", "UTC offset"),
            ("2026-01-31T23:59:61Z", "UTC offset"),
            ("2026-01-31T08:00:00+25:00", "UTC offset"),
            ("-2026-01-31T08:00:00Z", "UTC offset"),
            ("2026-01-31", "UTC offset"),
            ("2026-01-31T08:00:00,5Z", "UTC offset"),
            ("31.01.2026 08:00", "UTC offset"),
            ("\N{ARABIC-INDIC DIGIT TWO}026-01-31T08:00:00Z", "UTC offset"),
            ("", "UTC offset"),
            (True, "UTC offset"),
            (10**18, "UTC offset"),
            ([], "UTC offset"),
        ],
    )
    def test_parse_refuses_time_with_remedy(self, time, words):
        (refusal,) = parse(GOOD | {"occurred_at": time})

        assert (refusal.code, refusal.field) == ("invalid_field", "occurred_at")
        assert words in refusal.remedy

    def test_parse_keeps_number_out_of_range_as_text(self):
        (report,) = parse(json.dumps(GOOD | {"quantity": 4}).replace("4", "1e400").encode())

        assert report.quantity == "1e400"  # validation refuses it as out of range

    @pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"01", b"2,5", b"\xd9\xa3"])
    def test_parse_raises_for_number_that_is_not_json(self, number):
        with pytest.raises(MalformedRequestError):
            parse(json.dumps(GOOD | {"quantity": "?"}).encode().replace(b'"?"', number))

    @pytest.mark.parametrize("text", [rb"\ud800", rb"\udc00\ud800", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf"])
    def test_parse_raises_for_id_that_is_not_unicode(self, text):
        with pytest.raises(MalformedRequestError):
            parse(json.dumps(GOOD | {"id": "?"}).encode().replace(b'"?"', b'"' + text + b'"'))

    def test_parse_suggests_similar_field(self):
        (refusal,) = parse({"type": "SlotMeasured", "slot": "1", "levl": 2})

        assert refusal.remedy == "did you mean level?"

    def test_parse_refuses_missing_amount(self):
        (refusal,) = parse({"type": "SlotMeasured", "slot": "1"})

        assert (refusal.code, refusal.field) == ("missing_field", "level")

    @pytest.mark.parametrize("value", [5, None, "text", True])
    def test_parse_refuses_value_that_is_not_an_object(self, value):
        (refusal,) = parse(value)

        assert refusal.code == "not_an_object"


class TestArray:
    def test_parse_keeps_order_of_reports(self):
        good, misspelled, number, level = parse(
            [GOOD, GOOD | {"untit": "kg"}, 5, {"type": "SlotMeasured", "slot": "1", "level": 3}]
        )

        assert isinstance(good, UsageReport)
        assert misspelled.code == "unknown_field"
        assert number.code == "not_an_object"
        assert isinstance(level, LevelReport)

    def test_parse_keeps_reports_next_to_invalid_utf8(self):
        broken, good = parse(b'[{"type":"SlotUsed","slot":"\xff","quantity":1},' + json.dumps(GOOD).encode() + b"]")

        assert broken.code == "malformed_json"
        assert isinstance(good, Report)


class TestBody:
    @pytest.mark.parametrize(
        ("body", "code", "status"),
        [
            (b"", "empty", 400),
            (b" \n", "empty", 400),
            (b"[]", "empty", 400),
            (b"{", "malformed_json", 400),
            (b"[{]", "malformed_json", 400),
            (b'{"type":"SlotUsed","quantity":NaN}', "malformed_json", 400),
            (b'{"type":"SlotUsed","slot":"\xff"}', "malformed_json", 400),
            (b"[1" + b",1" * 1000 + b"]", "too_many_reports", 413),
            (b"[" * 500_000, "too_deep", 400),
            (b'{"a":' * 500_000, "too_deep", 400),
            (b'{"a":' * 40 + b"1" + b"}" * 40, "too_deep", 400),
        ],
    )
    def test_parse_raises_for_malformed_body(self, body, code, status):
        with pytest.raises(MalformedRequestError) as malformed:
            parse(body)

        assert (malformed.value.code, malformed.value.status) == (code, status)


class TestIsDeeperThan:
    @pytest.mark.parametrize(("body", "deep"), [(b"[[1]]", False), (b"[[[1]]]", True), (b'["[[[["]', False)])
    def test_is_deeper_than_ignores_brackets_in_strings(self, body, deep):
        assert is_deeper_than(body, 2) is deep

    def test_is_deeper_than_handles_escaped_quotes(self):
        assert not is_deeper_than(rb'["\"[[[["]', 2)
