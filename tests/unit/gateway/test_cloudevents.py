import base64
import json
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest
from starlette.datastructures import Headers

from replenish_contracts.identity import event_identity
from services.gateway.domain.refusals import MalformedRequestError
from services.gateway.domain.reports import UsageReport
from services.gateway.facades import cloudevents
from tests.unit.gateway import builders

E_1 = str(uuid5(UUID("0f4b7d0e-6a0c-4a55-9f0d-2f4c0a7d5b61"), "urn:maker\0e-1"))
DATA = {"slot": "1", "quantity": "2", "boot": "b", "seq": 3}


LEAP = datetime(2016, 12, 31, 23, 59, 59, 999_999, UTC)


def event(**changes):
    attributes = {"specversion": "1.0", "id": "e-1", "source": "urn:maker", "type": "SlotUsed", "data": DATA}
    return {name: value for name, value in (attributes | changes).items() if value is not None}


def parse_event(**changes):
    (parsed,) = cloudevents.parse_structured(json.dumps(event(**changes)).encode(), builders.BODY_LIMITS)
    return parsed


class TestParseStructured:
    def test_returns_report_with_id_of_event(self):
        assert parse_event() == UsageReport(slot="1", quantity="2", boot="b", seq=3, id=E_1)

    def test_ignores_unknown_attributes_and_fields(self):
        parsed = parse_event(dataschema="urn:x", comexampleext=1, data=DATA | {"colour": {"deep": [1]}})

        assert parsed == UsageReport(slot="1", quantity="2", boot="b", seq=3, id=E_1)

    @pytest.mark.parametrize(
        ("subject", "device_id", "slot"), [("m-1", "m-1", "1"), ("m-1/1", "m-1", "1"), ("a/b/1", "a/b", "1")]
    )
    def test_reads_device_and_slot_from_subject(self, subject, device_id, slot):
        parsed = parse_event(subject=subject)

        assert (parsed.device_id, parsed.slot) == (device_id, slot)

    def test_refuses_subject_that_contradicts_data(self):
        assert parse_event(subject="m-1/2").code == "contradiction"

    def test_occurred_at_in_data_takes_precedence_over_time(self):
        assert parse_event(time=builders.NOW.isoformat()).occurred_at == builders.NOW
        assert (
            parse_event(time="2020-01-01T00:00:00Z", data=DATA | {"occurred_at": builders.NOW.isoformat()}).occurred_at
            == builders.NOW
        )

    def test_reads_data_base64(self):
        encoded = base64.b64encode(json.dumps(DATA).encode()).decode()

        assert parse_event(data=None, data_base64=encoded).quantity == "2"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"specversion": "0.3"}, "invalid_cloudevent"),
            ({"id": None}, "invalid_cloudevent"),
            ({"source": None}, "invalid_cloudevent"),
            ({"type": "SlotExploded"}, "unknown_type"),
            ({"data": None}, "missing_field"),
            ({"data": None, "data_base64": "%%%"}, "invalid_cloudevent"),
            ({"data": None, "data_base64": "é"}, "invalid_cloudevent"),
            ({"data": {"slot": "1"}}, "missing_field"),
            ({"data": [1]}, "not_an_object"),
            ({"data": DATA | {"seq": "x"}}, "invalid_field"),
        ],
    )
    def test_refuses_with_code(self, changes, code):
        assert parse_event(**changes).code == code

    def test_identity_is_source_and_id(self):
        pairs = [("a", "1"), ("b", "1"), ("a", "2"), ("a1", "1"), ("a", "11")]

        ids = {parse_event(source=source, id=id_).id for source, id_ in pairs}

        assert parse_event(source="a", id="1").id == parse_event(source="a", id="1").id
        assert len(ids) == len(pairs)

    @pytest.mark.parametrize(
        "time",
        [
            "2016-12-31T23:59:60Z",
            "2016-12-31t23:59:60.25z",
            "2016-12-31T15:59:60-08:00",
            "2017-01-01T13:59:60+14:00",
        ],
    )
    def test_leap_second_is_the_last_microsecond_before_it(self, time):
        assert parse_event(time=time).occurred_at == LEAP
        assert parse_event(data=DATA | {"occurred_at": time}).occurred_at == LEAP
        assert parse_event(time=time).quantity == "2"

    @pytest.mark.parametrize(
        ("changes", "field", "words"),
        [
            ({"id": ""}, "id", "1 to 200"),
            ({"source": ""}, "source", "1 to 200"),
            ({"source": None}, "source", "1 to 200"),
            ({"id": 5}, "id", "1 to 200"),
            ({"id": "a\0b"}, "id", "printable"),
            ({"subject": "m\n/1"}, "subject", "device/slot"),
            ({"specversion": "0.3"}, "specversion", "1.0"),
            ({"time": 1767254400}, "time", "send 2026-01-01T08:00:00Z"),
            ({"time": "1767254400000"}, "time", "send 2026-01-01T08:00:00Z"),
            ({"time": "2026-01-31T08:00:00"}, "time", "08:00:00Z if it is in UTC"),
        ],
    )
    def test_invalid_attribute_has_field_and_remedy(self, changes, field, words):
        refusal = parse_event(**changes)

        assert (refusal.code, refusal.field) == ("invalid_cloudevent", field)
        assert words in refusal.remedy

    def test_number_out_of_range_is_left_to_validation(self):
        body = json.dumps(event(data=DATA | {"quantity": 4})).replace('"quantity": 4', '"quantity": 1e400').encode()

        (parsed,) = cloudevents.parse_structured(body, builders.BODY_LIMITS)

        assert parsed.quantity == "1e400"

    @pytest.mark.parametrize("id_", [rb"\ud800", rb"\udc00\ud800", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf"])
    def test_raises_for_id_that_is_not_unicode(self, id_):
        body = json.dumps(event(id="?")).encode().replace(b'"?"', b'"' + id_ + b'"')

        with pytest.raises(MalformedRequestError):
            cloudevents.parse_structured(body, builders.BODY_LIMITS)

    def test_raises_for_invalid_json(self):
        with pytest.raises(MalformedRequestError):
            cloudevents.parse_structured(b"{", builders.BODY_LIMITS)


class TestParseBatch:
    def test_returns_each_report_or_error(self):
        good, bad = cloudevents.parse_batch(json.dumps([event(), event(type="X")]).encode(), builders.BODY_LIMITS)

        assert isinstance(good, UsageReport)
        assert bad.code == "unknown_type"

    def test_raises_for_single_event(self):
        with pytest.raises(MalformedRequestError):
            cloudevents.parse_batch(json.dumps(event()).encode(), builders.BODY_LIMITS)


HEADERS = {"ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "urn:maker", "ce-type": "SlotUsed"}


class TestParseBinary:
    def parse(self, body=None, **headers):
        body = json.dumps(DATA).encode() if body is None else body
        (parsed,) = cloudevents.parse_binary(HEADERS | headers, body, builders.BODY_LIMITS)
        return parsed

    def test_reads_attributes_from_headers(self):
        parsed = self.parse(**{"ce-subject": "m%C3%BChle/1", "ce-time": builders.NOW.isoformat()})

        assert parsed == UsageReport(
            device_id="mühle", slot="1", quantity="2", boot="b", seq=3, id=E_1, occurred_at=builders.NOW
        )

    def test_reads_quoted_headers(self):
        parsed = self.parse(**{"ce-id": r'"the \"first\" %C3%A9"', "ce-subject": '"m-1/1"'})

        assert (parsed.id, parsed.device_id) == (event_identity("urn:maker", 'the "first" é'), "m-1")

    @pytest.mark.parametrize(
        ("value", "subject"),
        [
            ("mühle".encode(), "mühle"),
            (b"m%c3%BChle", "mühle"),
            (b'"m\xc3\xbchle"', "mühle"),
            (b"m+1%2B", "m+1+"),
            (b"100%25", "100%"),
            (b"\xf0\x9f\x8d\xb5", "\N{TEACUP WITHOUT HANDLE}"),
        ],
    )
    def test_reads_percent_encoding_and_raw_utf8(self, value, subject):
        assert self.parse_raw((b"ce-subject", value)).device_id == subject

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (b"r%FF", "not UTF-8"),
            (b"r%FE", "not UTF-8"),
            (b"r\xff", "not UTF-8"),
            (b"m\xfchle", "not UTF-8"),
            (b"%C0%AF", "not UTF-8"),
            (b"%ED%A0%80", "not UTF-8"),
            (b"%F5%80%80%80", "not UTF-8"),
            (b"%C3", "not UTF-8"),
            (b"50%", "two hexadecimal digits"),
            (b"%G1", "two hexadecimal digits"),
            (b"%2", "two hexadecimal digits"),
            (b"a%00b", "control characters"),
            (b"a%0Ab", "control characters"),
            (b"a%C2%85b", "control characters"),
            (b"%20" * 201, "length"),
            (b"", "length"),
        ],
    )
    @pytest.mark.parametrize("name", ["id", "source"])
    def test_refuses_value_that_cannot_be_read_exactly(self, name, value, words):
        refusal = self.parse_raw((f"ce-{name}".encode(), value))

        assert (refusal.code, refusal.field) == ("invalid_cloudevent", f"ce-{name}")
        assert words in refusal.problem
        assert refusal.remedy

    def test_refuses_header_that_is_sent_twice(self):
        assert self.parse_raw((b"ce-id", b"a"), (b"ce-id", b"b")).field == "ce-id"
        assert self.parse_raw((b"ce-id", b"a"), (b"ce-id", b"%61")).id == event_identity("urn:maker", "a")

    def test_reads_headers_in_any_case(self):
        assert self.parse(**{"CE-Subject": "m-1/1"}).device_id == "m-1"

    def test_ignores_extensions_that_cannot_be_read(self):
        assert isinstance(self.parse_raw((b"ce-comexample", b"%FF"), (b"ce-data", b"x")), UsageReport)

    def test_leap_second_is_the_last_microsecond_before_it(self):
        assert self.parse(**{"ce-time": "2016-12-31T23:59:60Z"}).occurred_at == LEAP

    def parse_raw(self, *pairs):
        replaced = {name for name, _ in pairs}
        others = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in replaced]
        body = json.dumps(DATA).encode()
        (parsed,) = cloudevents.parse_binary(Headers(raw=[*others, *pairs]), body, builders.BODY_LIMITS)
        return parsed

    def test_refuses_invalid_attribute(self):
        assert self.parse(**{"ce-time": "noon"}).code == "invalid_cloudevent"

    @pytest.mark.parametrize(
        ("body", "code"), [(b"{", "malformed_json"), (b"", "missing_field"), (b"5", "not_an_object")]
    )
    def test_refuses_invalid_data(self, body, code):
        assert self.parse(body).code == code

    def test_raises_for_deeply_nested_data(self):
        with pytest.raises(MalformedRequestError):
            self.parse(b"[" * 50 + b"]" * 50)
