import base64
import json

import pytest

from services.gateway.domain.drafts import Used
from services.gateway.domain.refusals import MalformedRequestError
from services.gateway.facades import cloudevents
from tests.unit.gateway import a

DATA = {"slot": "1", "quantity": "2", "boot": "b", "seq": 3}


def event(**changes):
    around = {"specversion": "1.0", "id": "e-1", "source": "urn:maker", "type": "SlotUsed", "data": DATA}
    return {name: value for name, value in (around | changes).items() if value is not None}


def structured(**changes):
    (found,) = cloudevents.read_structured(json.dumps(event(**changes)).encode(), a.BOUNDS)
    return found


class TestStructured:
    def test_says_the_same_as_a_plain_report_and_has_its_id(self):
        assert structured() == Used(slot="1", quantity="2", boot="b", seq=3, id="e-1")

    def test_ignores_attributes_and_fields_nobody_knows(self):
        found = structured(dataschema="urn:x", comexampleext=1, data=DATA | {"colour": {"deep": [1]}})

        assert found == Used(slot="1", quantity="2", boot="b", seq=3, id="e-1")

    @pytest.mark.parametrize(
        ("subject", "device_id", "slot"), [("m-1", "m-1", "1"), ("m-1/1", "m-1", "1"), ("a/b/1", "a/b", "1")]
    )
    def test_may_say_device_and_slot_as_its_subject(self, subject, device_id, slot):
        found = structured(subject=subject)

        assert (found.device_id, found.slot) == (device_id, slot)

    def test_must_not_contradict_itself(self):
        assert structured(subject="m-1/2").code == "contradiction"

    def test_time_is_the_reports_time_unless_the_data_says_another(self):
        assert structured(time=a.NOW.isoformat()).occurred_at == a.NOW
        assert (
            structured(time="2020-01-01T00:00:00Z", data=DATA | {"occurred_at": a.NOW.isoformat()}).occurred_at == a.NOW
        )

    def test_may_carry_its_data_as_base64(self):
        encoded = base64.b64encode(json.dumps(DATA).encode()).decode()

        assert structured(data=None, data_base64=encoded).quantity == "2"

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
    def test_is_refused_with_a_code(self, changes, code):
        assert structured(**changes).code == code

    def test_that_is_no_json_is_malformed(self):
        with pytest.raises(MalformedRequestError):
            cloudevents.read_structured(b"{", a.BOUNDS)


class TestBatch:
    def test_reads_each_event(self):
        good, bad = cloudevents.read_batch(json.dumps([event(), event(type="X")]).encode(), a.BOUNDS)

        assert isinstance(good, Used)
        assert bad.code == "unknown_type"

    def test_is_an_array(self):
        with pytest.raises(MalformedRequestError):
            cloudevents.read_batch(json.dumps(event()).encode(), a.BOUNDS)


HEADERS = {"ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "urn:maker", "ce-type": "SlotUsed"}


class TestBinary:
    def read(self, body=None, **headers):
        body = json.dumps(DATA).encode() if body is None else body
        (found,) = cloudevents.read_binary(HEADERS | headers, body, a.BOUNDS)
        return found

    def test_has_its_attributes_in_headers(self):
        found = self.read(**{"ce-subject": "m%C3%BChle/1", "ce-time": a.NOW.isoformat()})

        assert found == Used(device_id="mühle", slot="1", quantity="2", boot="b", seq=3, id="e-1", occurred_at=a.NOW)

    def test_may_have_its_attributes_in_quotes(self):
        found = self.read(**{"ce-id": r'"the \"first\" %C3%A9"', "ce-subject": '"m-1/1"'})

        assert (found.id, found.device_id) == ('the "first" é', "m-1")

    def test_with_a_wrong_attribute_is_refused(self):
        assert self.read(**{"ce-time": "noon"}).code == "invalid_cloudevent"

    @pytest.mark.parametrize(
        ("body", "code"), [(b"{", "malformed_json"), (b"", "missing_field"), (b"5", "not_an_object")]
    )
    def test_with_wrong_data_is_refused(self, body, code):
        assert self.read(body).code == code

    def test_with_deep_data_is_malformed(self):
        with pytest.raises(MalformedRequestError):
            self.read(b"[" * 50 + b"]" * 50)
