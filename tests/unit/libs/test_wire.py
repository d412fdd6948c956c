"""Encoding and decoding: msgspec and pydantic agree, and rejected values are explained."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from replenish_contracts import wire
from replenish_contracts.catalogue import CATALOGUE, topic_of
from replenish_contracts.events import OrderUpdated, SlotMeasured, SlotUsed, UpdateStatus
from replenish_contracts.topics import find_topic
from replenish_contracts.validation import validate
from replenish_contracts.wire import MalformedError, UnknownTypeError, as_event, decoder, encode, explain, parse
from tests.unit.libs.arbitrary import MOMENTS, TEXT, events

NOW = datetime(2026, 1, 1, 8, tzinfo=UTC)
EVENTS = st.sampled_from(list(CATALOGUE.values())).flatmap(events)
IDS = st.text(TEXT, min_size=1, max_size=20)


def slot_used(**fields):
    told = {
        "device_id": "d1",
        "slot": "1",
        "quantity": 3,
        "boot": "b1",
        "seq": 7,
        "occurred_at": NOW,
        "received_at": NOW,
    }
    return SlotUsed(**(told | fields))


def order_updated(**fields):
    told = {
        "provider_id": "acme",
        "update_id": "u1",
        "order_id": "o1",
        "status": UpdateStatus.ACCEPTED,
        "occurred_at": NOW,
    }
    return OrderUpdated(**(told | fields))


def written(event, **around):
    return encode(event, **({"id": "e1", "source": "/replenish/test", "time": NOW} | around))


def document(**changes):
    told = json.loads(written(slot_used()))
    told["data"] |= changes.pop("data", {})
    return json.dumps(told | changes).encode()


def plainly(value):
    """Turn structs and models alike into dicts, so that they can be compared."""
    if isinstance(value, msgspec.Struct):
        fields = {name: plainly(getattr(value, name)) for name in value.__struct_fields__}
        return fields | ({"type": (str, value.type)} if hasattr(value, "type") else {})
    if isinstance(value, BaseModel):
        return {name: plainly(getattr(value, name)) for name in type(value).model_fields}
    return tuple(map(plainly, value)) if isinstance(value, tuple) else (type(value), value)


class TestEncode:
    @given(EVENTS, IDS, MOMENTS, st.integers(1, 10**18) | st.none(), IDS | st.none())
    def test_is_read_again_as_the_same_event(self, event, event_id, time, sequence, cause):
        value = encode(event, id=event_id, source="/replenish/x", time=time, sequence=sequence, cause=cause)

        # Arbitrary provider ids cannot name topics; the pattern reads them all.
        told = decoder(event.topic)(value)

        assert as_event(told) == event
        assert (told.type, told.id, told.time, told.cause) == (type(event).__name__, event_id, time, cause)
        assert told.sequence == (None if sequence is None else str(sequence))
        assert told.subject == event.key
        assert explain(event.topic, value) is None

    @given(EVENTS)
    def test_gives_the_same_bytes_again(self, event):
        again = type(event)(**dict(event))

        assert written(event) == written(again) == written(as_event(decoder(event.topic)(written(event))))

    def test_says_times_in_utc_with_a_z(self):
        india = datetime(2026, 1, 1, 13, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))

        told = json.loads(written(slot_used(occurred_at=india), time=india))

        assert told["time"] == told["data"]["occurred_at"] == "2026-01-01T08:00:00Z"

    def test_leaves_out_what_has_no_value(self):
        told = json.loads(written(slot_used(boot=None, seq=None, report_id="r1")))

        assert told == {
            "type": "SlotUsed",
            "specversion": "1.0",
            "id": "e1",
            "source": "/replenish/test",
            "subject": "d1",
            "time": "2026-01-01T08:00:00Z",
            "datacontenttype": "application/json",
            "data": {
                "device_id": "d1",
                "slot": "1",
                "quantity": 3,
                "report_id": "r1",
                "occurred_at": "2026-01-01T08:00:00Z",
                "received_at": "2026-01-01T08:00:00Z",
            },
        }

    def test_writes_the_sequence_as_a_decimal_string(self):
        told = json.loads(written(slot_used(), sequence=17, cause="c", traceparent="00-ab-cd-01"))

        assert (told["sequence"], told["cause"], told["traceparent"]) == ("17", "c", "00-ab-cd-01")


#: Spellings and values that two readers may well judge differently.
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    IDS,
    st.sampled_from(
        [
            "2026-01-01T08:00:00.5Z",
            "2026-01-01T08:00:00,5Z",
            "2026-01-01t08:00:00z",
            "2026-01-01 08:00:00+02:00",
            "2026-01-01T08:00:00+0200",
            "2026-01-01T08:00Z",
            "2026-01-01T08:00:00",
            "2026-01-01",
            "2026-02-30T08:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T08:00:60Z",
            "2026-01-01T08:00:00-23:60",
            "0001-01-01T00:00:00+02:00",
            "0001-01-01T00:00+02:00",
            "9999-12-31T23:59-02:00",
            "1767254400",
            1767254400,
            1.0,
            1e2,
            -0.0,
            "",
            " ",
            "a\0b",
            "EUR\n",
            "eur",
            "x" * 201,
            "x" * 2001,
            "0" * 64 + "\n",
            "1\n",
            "01",
            "1.0",
            "C62",
            [],
            {},
            [[]],
            [{}],
            {"a": []},
        ]
    ),
)


def paths(value, at=()):
    """Return every place in a JSON document."""
    if isinstance(value, dict):
        return [at, *(path for key, inner in value.items() for path in paths(inner, (*at, key)))]
    if isinstance(value, list):
        return [at, *(path for index, inner in enumerate(value) for path in paths(inner, (*at, index)))]
    return [at]


@st.composite
def spoiled(draw):
    """Draw a valid document with one to three places deleted, replaced or added to."""
    event = draw(EVENTS)
    told = json.loads(written(event, sequence=draw(st.none() | st.just(5))))
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from([path for path in paths(told) if path]))
        place = told
        for step in parents:
            place = place[step]
        if draw(st.booleans()) or isinstance(place, list):
            place[last] = deepcopy(draw(ODD))
        elif draw(st.booleans()):
            del place[last]
        else:
            place[draw(st.sampled_from(["unknown", "quantity", "reason", "level", "type"]))] = deepcopy(draw(ODD))
        if not paths(told)[1:]:
            break
    return event.topic, json.dumps(told, ensure_ascii=draw(st.booleans())).encode()


def judged(topic, value):
    try:
        return validate(topic, value)
    except (MalformedError, UnknownTypeError) as error:
        return type(error), str(error)


class TestDecoder:
    @settings(max_examples=600)
    @given(spoiled())
    def test_msgspec_accepts_only_what_pydantic_accepts_with_equal_values(self, message):
        topic, value = message

        try:
            told = wire._reader(find_topic(topic))(value)
        except wire.REFUSALS:
            return
        if b"\\u0000" in value:
            return  # the decoder falls back to pydantic

        assert plainly(told) == plainly(validate(topic, value))

    @settings(max_examples=300)
    @given(spoiled())
    def test_reads_exactly_what_pydantic_accepts(self, message):
        topic, value = message
        verdict = judged(topic, value)

        if isinstance(verdict, tuple):
            refusal, words = verdict
            with pytest.raises(refusal):
                decoder(topic)(value)
            assert explain(topic, value) == words
        else:
            told = decoder(topic)(value)
            assert as_event(told) == verdict.data
            assert (told.id, told.time, told.sequence) == (verdict.id, verdict.time, verdict.sequence)

    @settings(max_examples=500)
    @given(st.binary(max_size=200))
    def test_refuses_garbage_in_words(self, value):
        with pytest.raises(MalformedError):
            decoder("usage")(value)
        assert explain("usage", value)

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (document(data={"quantity": -1}), "data.quantity: Input should be greater than or equal to 0 (got '-1')"),
            (document(data={"quantity": "3"}), "data.quantity: Input should be a valid integer (got '3')"),
            (
                document(data={"occurred_at": "2026-01-01T08:00:00"}),
                "data.occurred_at: Input should have timezone info",
            ),
            (document(data={"slot": "a\0"}), "data.slot: String should match pattern"),
            (document(data={"unheard": "of"}), None),
            (document(data={"occurred_at": "2026-01-01T08:00Z"}), None),
            (document(specversion="0.3"), "specversion: Input should be '1.0'"),
            (
                document(type="OrderPlaced"),
                "type: OrderPlaced does not belong on usage; this topic carries SlotUsed, SlotMeasured",
            ),
            (document(type=None), "type: missing; send a CloudEvents 1.0 object whose type is one of SlotUsed"),
            (b'{"a":' + b"[" * 100_000, "value: not JSON"),
            (b"[" * 100_000, "value: not JSON"),
            (document().replace(b'"d1"', b'"\xff"'), "value: not JSON"),
            (document()[:-1] + b',"unknown":"\xff"}', "value: not JSON"),
            (document()[:-1], "value: not JSON"),
            (b"", "value: not JSON"),
            (b"3", "type: missing"),
        ],
    )
    def test_explains_what_would_be_right(self, value, words):
        told = explain("usage", value)

        assert told is None if words is None else (told or "").startswith(words)
        if words is None:
            assert as_event(decoder("usage")(value)).device_id == "d1"
        else:
            with pytest.raises(MalformedError) as refusal:
                decoder("usage")(value)
            assert str(refusal.value) == told

    def test_names_an_unknown_type_apart(self):
        with pytest.raises(UnknownTypeError) as unknown:
            decoder("usage")(document(type="SlotUsedV2"))

        assert unknown.value.type == "SlotUsedV2"

    def test_asks_for_the_type_even_where_there_is_one_only(self):
        value = written(order_updated()).replace(b'"type":"OrderUpdated",', b"")

        with pytest.raises(MalformedError, match="type: missing"):
            decoder("provider-updates-acme")(value)

    def test_lets_nul_in_fields_that_nobody_keeps(self):
        assert decoder("usage")(document(unheard="a\0b")).data.device_id == "d1"

    def test_keeps_a_provider_to_its_own_topic(self):
        value = written(order_updated(provider_id="globex"))

        assert decoder("provider-updates-globex")(value).data.order_id == "o1"
        with pytest.raises(MalformedError, match=r"data\.provider_id: 'globex' has a topic of its own"):
            decoder("provider-updates-acme")(value)
        assert "must be 'acme'" in (explain("provider-updates-acme", value) or "")

    def test_knows_only_topics_of_the_catalogue(self):
        with pytest.raises(KeyError):
            decoder("gossip")

    def test_tells_at_most_ten_problems(self):
        value = written(order_updated()).replace(b'"acme"', b"[" + b",".join([b"{}"] * 500) + b"]")

        assert len(explain("provider-updates-acme", value) or "") < 1000


class TestParse:
    def test_takes_bytes_and_dicts_alike(self):
        data = json.loads(document())["data"]

        assert parse("SlotUsed", data) == parse("SlotUsed", json.dumps(data).encode()) == slot_used()

    def test_says_which_field_is_wrong(self):
        with pytest.raises(MalformedError, match=r"quantity: Input should be a valid integer .*; seq: Input should be"):
            parse("SlotUsed", json.loads(document(data={"quantity": 1.5, "seq": 0}))["data"])

    def test_names_an_unknown_type(self):
        with pytest.raises(UnknownTypeError):
            parse("SlotUsedV2", {})


class TestTopicOf:
    def test_fills_in_the_provider(self):
        assert topic_of(order_updated()) == "provider-updates-acme"
        assert topic_of(SlotMeasured(device_id="d", slot="1", level=1, occurred_at=NOW, received_at=NOW)) == "usage"
