"""Decoding of records with headers, and how headers are stored."""

import json

from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from libs.kit.records import Record, Undecodable, decode_headers, decoder_for, encode_headers, read_id

DATA = {"device_id": "m", "slot": "1", "quantity": 2, "boot": "b", "seq": 3}
TIMES = {"occurred_at": "2026-01-31T08:00:00Z", "received_at": "2026-01-31T08:00:01Z"}
BINARY = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e-1"),
    ("ce_source", b"urn:maker"),
    ("ce_type", b"SlotUsed"),
    ("ce_time", b"2026-01-31T08:00:02Z"),
)


def raw(headers, value, topic="usage"):
    return ConsumerRecord(topic, 0, 7, 0, 0, b"m", value, None, 1, len(value), headers)


def test_decoder_reads_binary_mode_and_keeps_value_and_headers():
    value = json.dumps(DATA | TIMES).encode()

    record = decoder_for("usage")(raw(BINARY, value))

    assert isinstance(record, Record)
    assert (record.id, record.source, record.key, record.data.quantity) == ("e-1", "urn:maker", "m", 2)
    assert (record.value, record.headers) == (value, BINARY)
    assert read_id(raw(BINARY, value)) == "e-1"


def test_decoder_keeps_headers_of_undecodable_record():
    headers = (*BINARY[:1], ("ce_id", b"r\xff"), ("ce_id", None))

    record = decoder_for("usage")(raw(headers, b"{}"))

    assert isinstance(record, Undecodable)
    assert record.reason.startswith("ce_id: not UTF-8")
    assert (record.headers, record.id) == (headers, None)


def test_decoder_ignores_headers_on_our_own_topics():
    value = b'{"type":"CustomerErased","specversion":"1.0","id":"x","source":"s","time":"2026-01-31T08:00:02Z"}'

    record = decoder_for("accounts")(raw(BINARY, value, "accounts"))

    assert record.id == "x"


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.binary() | st.none())).map(tuple))
def test_headers_are_stored_exactly(headers):
    assert decode_headers(encode_headers(headers)) == headers
