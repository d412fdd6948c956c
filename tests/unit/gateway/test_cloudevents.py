import base64
import json

import pytest

from services.gateway.domain.refusals import MalformedRequestError
from services.gateway.domain.reports import UsageReport
from services.gateway.facades import cloudevents
from tests.unit.gateway import builders

DATA = {"slot": "1", "quantity": "2", "boot": "b", "seq": 3}


def event(**changes):
    attributes = {"specversion": "1.0", "id": "e-1", "source": "urn:maker", "type": "SlotUsed", "data": DATA}
    return {name: value for name, value in (attributes | changes).items() if value is not None}


def parse_event(**changes):
    (parsed,) = cloudevents.parse_structured(json.dumps(event(**changes)).encode(), builders.BODY_LIMITS)
    return parsed


class TestParseStructured:
    def test_returns_report_with_id_of_event(self):
        assert parse_event() == UsageReport(slot="1", quantity="2", boot="b", seq=3, id="e-1")

    def test_ignores_unknown_attributes_and_fields(self):
        parsed = parse_event(dataschema="urn:x", comexampleext=1, data=DATA | {"colour": {"deep": [1]}})

        assert parsed == UsageReport(slot="1", quantity="2", boot="b", seq=3, id="e-1")

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
            device_id="mühle", slot="1", quantity="2", boot="b", seq=3, id="e-1", occurred_at=builders.NOW
        )

    def test_reads_quoted_headers(self):
        parsed = self.parse(**{"ce-id": r'"the \"first\" %C3%A9"', "ce-subject": '"m-1/1"'})

        assert (parsed.id, parsed.device_id) == ('the "first" é', "m-1")

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
