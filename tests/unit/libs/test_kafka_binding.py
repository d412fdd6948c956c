"""Records in CloudEvents' binary mode, as SDKs write them."""

import json

import pytest

from replenish_contracts.kafka_binding import as_structured
from replenish_contracts.validation import MalformedError
from replenish_contracts.wire import decoder

DATA = {
    "device_id": "mühle",
    "slot": "1",
    "quantity": 2,
    "boot": "b",
    "seq": 3,
    "occurred_at": "2026-01-31T08:00:00Z",
    "received_at": "2026-01-31T08:00:01Z",
}
VALUE = json.dumps(DATA, ensure_ascii=False).encode()
#: In the order in which the Python SDK writes them.
HEADERS = [
    ("content-type", b"application/json"),
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e-1"),
    ("ce_source", b"urn:maker"),
    ("ce_type", b"SlotUsed"),
    ("ce_time", b"2026-01-31T08:00:02Z"),
    ("ce_subject", "mühle".encode()),
]


def with_headers(*changed, without=()):
    names = {name for name, _ in changed} | set(without)
    return [pair for pair in HEADERS if pair[0] not in names] + list(changed)


def read(headers=HEADERS, value=VALUE):
    return decoder("usage")(as_structured(headers, value))


class TestBinary:
    def test_attributes_are_in_headers_and_data_in_value(self):
        event = read()

        assert (event.type, event.id, event.source, event.subject) == ("SlotUsed", "e-1", "urn:maker", "mühle")
        assert event.time.isoformat() == "2026-01-31T08:00:02+00:00"
        assert (event.data.device_id, event.data.quantity, event.data.seq) == ("mühle", 2, 3)

    @pytest.mark.parametrize(
        "content_type",
        [b"application/json; charset=utf-8", b"Application/JSON", b"application/maker+json", b"text/json", b""],
    )
    def test_reads_json_of_every_media_type(self, content_type):
        assert read(with_headers(("content-type", content_type))).id == "e-1"

    def test_reads_names_in_any_case(self):
        assert read([(name.upper(), value) for name, value in HEADERS]).id == "e-1"

    def test_value_is_not_percent_decoded(self):
        assert read(with_headers(("ce_id", b"r%FF+1"))).id == "r%FF+1"

    def test_time_defaults_to_that_of_the_data(self):
        assert read(with_headers(without=["ce_time"])).time.isoformat() == "2026-01-31T08:00:01+00:00"

    def test_ignores_sequence_and_other_extensions(self):
        more = [
            ("ce_sequence", b"0001"),
            ("ce_comexample", b"\xff"),
            ("trace", b"\xff"),
            ("ce_data", b"1"),
            ("x", None),
        ]

        assert read([*HEADERS, *more]).sequence is None

    def test_leap_second_is_the_last_microsecond_before_it(self):
        event = read(with_headers(("ce_time", b"2016-12-31T23:59:60Z")))

        assert event.time.isoformat() == "2016-12-31T23:59:59.999999+00:00"

    @pytest.mark.parametrize(
        ("header", "words"),
        [
            (("ce_id", b"r\xff"), "ce_id: not UTF-8"),
            (("ce_id", b"\xed\xa0\x80"), "ce_id: not UTF-8"),
            (("ce_id", b"\xc0\xaf"), "ce_id: not UTF-8"),
            (("ce_id", b"a\x00b"), "id: "),
            (("ce_id", None), "id: "),
            (("ce_id", b""), "id: "),
            (("ce_source", b""), "source: "),
            (("ce_specversion", b"0.3"), "specversion: "),
            (("ce_time", b"noon"), "time: "),
            (("ce_type", b"SlotDrained\xff"), "ce_type: not UTF-8"),
            (("content-type", b"avro/binary"), "send application/json"),
            (("content-type", b"\xff"), "content-type: not UTF-8"),
        ],
    )
    def test_refuses_header_that_cannot_be_read_exactly(self, header, words):
        with pytest.raises(MalformedError, match=words):
            read(with_headers(header))

    @pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_source"])
    def test_refuses_missing_attribute(self, name):
        with pytest.raises(MalformedError, match=f"{name.removeprefix('ce_')}: "):
            read(with_headers(without=[name]))

    def test_refuses_header_with_two_values(self):
        with pytest.raises(MalformedError, match="ce_id: the header is there twice"):
            read([*HEADERS, ("ce_id", b"e-2")])

        assert read([*HEADERS, ("ce_id", b"e-1")]).id == "e-1"

    @pytest.mark.parametrize(
        "value",
        [b"", b"{", b"5", b'{}},"id":"other"', VALUE + b',"id":"other"', VALUE.replace(b"b", b"\xff"), b"[" * 99_999],
    )
    def test_refuses_value_that_is_not_the_data(self, value):
        with pytest.raises(MalformedError):
            read(value=value)


class TestStructured:
    @pytest.mark.parametrize(
        "headers",
        [
            [],
            [("content-type", b"application/cloudevents+json")],
            [("content-type", b"application/cloudevents+json; charset=UTF-8"), ("ce_id", b"other")],
            [("content-type", b"application/json"), ("traceparent", b"00-1")],
            [("ce_subject", b"m")],
        ],
    )
    def test_value_contains_everything(self, headers):
        value = b'{"type":"SlotUsed"}'

        assert as_structured(headers, value) is value
