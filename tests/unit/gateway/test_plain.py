import json

import pytest

from services.gateway.domain.bodies import deeper_than
from services.gateway.domain.drafts import Draft, Measured, Used
from services.gateway.domain.refusals import MalformedRequestError
from services.gateway.facades import plain
from tests.unit.gateway import a

GOOD = {"type": "SlotUsed", "slot": "1", "quantity": "2.5", "unit": "kg", "boot": "b1", "seq": 7}


def read(body):
    return plain.read(body if isinstance(body, bytes) else json.dumps(body).encode(), a.BOUNDS)


class TestOneReport:
    def test_is_read(self):
        (draft,) = read(GOOD)

        assert draft == Used(slot="1", quantity="2.5", unit="kg", boot="b1", seq=7)

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
    def test_is_refused_by_field_with_a_remedy(self, change, code, field):
        (refusal,) = read(GOOD | change)

        assert (refusal.code, refusal.field) == (code, field)
        assert refusal.remedy

    def test_says_which_field_was_probably_meant(self):
        (refusal,) = read({"type": "SlotMeasured", "slot": "1", "levl": 2})

        assert refusal.remedy == "did you mean level?"

    def test_lacking_its_amount_is_refused(self):
        (refusal,) = read({"type": "SlotMeasured", "slot": "1"})

        assert (refusal.code, refusal.field) == ("missing_field", "level")

    @pytest.mark.parametrize("value", [5, None, "text", True])
    def test_is_an_object(self, value):
        (refusal,) = read(value)

        assert refusal.code == "not_an_object"


class TestArray:
    def test_gives_each_report_its_place(self):
        good, misspelled, number, measured = read(
            [GOOD, GOOD | {"untit": "kg"}, 5, {"type": "SlotMeasured", "slot": "1", "level": 3}]
        )

        assert isinstance(good, Used)
        assert misspelled.code == "unknown_field"
        assert number.code == "not_an_object"
        assert isinstance(measured, Measured)

    def test_with_broken_text_in_one_report_keeps_the_others(self):
        broken, good = read(b'[{"type":"SlotUsed","slot":"\xff","quantity":1},' + json.dumps(GOOD).encode() + b"]")

        assert broken.code == "malformed_json"
        assert isinstance(good, Draft)


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
    def test_that_cannot_be_cut_into_reports_is_malformed_as_a_whole(self, body, code, status):
        with pytest.raises(MalformedRequestError) as malformed:
            read(body)

        assert (malformed.value.code, malformed.value.status) == (code, status)


class TestDeeperThan:
    @pytest.mark.parametrize(("body", "deep"), [(b"[[1]]", False), (b"[[[1]]]", True), (b'["[[[["]', False)])
    def test_counts_nested_brackets_outside_strings(self, body, deep):
        assert deeper_than(body, 2) is deep

    def test_knows_escaped_quotes(self):
        assert not deeper_than(rb'["\"[[[["]', 2)
