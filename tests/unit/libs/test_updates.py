"""OrderUpdated with details that cannot be read, as providers send it on their topic."""

import json
from datetime import UTC, datetime

import pytest

from replenish_contracts.tolerant import MAX_NOTES, normalize_word
from replenish_contracts.wire import MalformedError, decoder

TOPIC = "provider-updates-acme"
PLAIN = {
    "provider_id": "acme",
    "order_id": "o1",
    "update_id": "u1",
    "status": "accepted",
    "occurred_at": "2026-01-05T09:00:00Z",
}


def written(data, **attributes):
    envelope = {"specversion": "1.0", "type": "OrderUpdated", "id": "e1", "source": "/acme"}
    envelope |= {"time": "2026-01-05T09:00:01Z", "data": data} | attributes
    return json.dumps(envelope).encode()


def read(value=None, **fields):
    return decoder(TOPIC)(written(PLAIN | fields) if value is None else value).data


def notes(update):
    return [(note.field, note.reason) for note in update.notes]


class TestWords:
    @pytest.mark.parametrize(
        ("word", "status"),
        [
            ("accepted", "accepted"),
            ("SHIPPED", "shipped"),
            ("Canceled", "cancelled"),
            ("CANCELLED", "cancelled"),
            (" delivered ", "delivered"),
            ("Not Found", "not_found"),
            ("not-found", "not_found"),
            ("notFound", "not_found"),
        ],
    )
    def test_words_are_read_in_any_spelling(self, word, status):
        update = read(status=word)

        assert (update.status, update.word, update.notes) == (status, None, ())

    @pytest.mark.parametrize(
        ("word", "kept"),
        [
            ("backordered", "backordered"),
            ("Out for Delivery", "Out for Delivery"),
            ("", ""),
            (7, "7"),
            (True, "true"),
            (["shipped"], '["shipped"]'),
            ({"a": 1}, '{"a": 1}'),
            ("x" * 300, "x" * 199 + "…"),
            ("a\x00b", "a\\0b"),
        ],
    )
    def test_unknown_word_is_unclear_and_kept(self, word, kept):
        update = read(status=word)

        assert (update.status, update.word) == ("unclear", kept)

    @pytest.mark.parametrize("fields", [{"status": None}, {}])
    def test_missing_word_is_unclear(self, fields):
        data = {name: value for name, value in PLAIN.items() if name != "status"} | fields
        update = read(written(data))

        assert (update.status, update.word, notes(update)) == ("unclear", None, [("status", "missing")])

    def test_unknown_word_of_a_line_is_unclear_for_that_line(self):
        update = read(lines=[{"line_id": "1", "status": "Shipped"}, {"line_id": "2", "status": "lost"}])

        assert [line.status for line in update.lines] == ["shipped", "unclear"]
        assert notes(update) == [("lines.1.status", "not one of the known words")]

    @pytest.mark.parametrize(
        ("word", "normal"), [("On-Hold", "on_hold"), ("onHold", "on_hold"), ("IN  TRANSIT", "in_transit")]
    )
    def test_normal_form_has_underscores(self, word, normal):
        assert normalize_word(word) == normal


class TestDetails:
    @pytest.mark.parametrize(
        ("fields", "dropped"),
        [
            ({"quantity": -3}, [("quantity", "less than 0")]),
            ({"quantity": "50"}, [("quantity", "not a whole number")]),
            ({"quantity": 50.5}, [("quantity", "not a whole number")]),
            ({"quantity": True}, [("quantity", "not a whole number")]),
            ({"quantity": [50]}, [("quantity", "not a whole number")]),
            ({"quantity": 10**30}, [("quantity", "more than 9007199254740992")]),
            ({"price": "17.90"}, [("price", "not a whole number")]),
            ({"expected_at": ""}, [("expected_at", "not a date or a time")]),
            ({"expected_at": "soon"}, [("expected_at", "not a date or a time")]),
            ({"expected_at": 5}, [("expected_at", "not a date or a time")]),
            ({"tracking": ["x"]}, [("tracking", "not a text")]),
            ({"tracking": {"number": "x"}}, [("tracking", "not a text")]),
            ({"reason": "x" * 3000}, [("reason", "cut to 2000 characters")]),
            ({"reason": "x\x00y"}, [("reason", "U+0000 removed")]),
            ({"shipment_id": ""}, [("shipment_id", "empty")]),
            ({"product_id": "x" * 300}, [("product_id", "longer than 200 characters")]),
            ({"lines": {"line_id": "1"}}, [("lines", "not a list")]),
            ({"lines": ["1"]}, [("lines.0", "not an object")]),
            ({"lines": [None, {"line_id": "1"}]}, [("lines.0", "not an object")]),
            ({"lines": [{"quantity": 3}]}, [("lines.0", "line_id is missing")]),
            ({"lines": [{"line_id": "1", "remaining": -1}]}, [("lines.0.remaining", "less than 0")]),
        ],
        ids=str,
    )
    def test_detail_is_left_out_with_a_note(self, fields, dropped):
        update = read(**fields)

        assert (update.status, update.update_id) == ("accepted", "u1")
        assert notes(update) == dropped

    @pytest.mark.parametrize(
        ("fields", "name", "value"),
        [
            ({"quantity": 50.0}, "quantity", 50),
            ({"price": 1790.0, "currency": "EUR"}, "price", 1790),
            ({"currency": "eur"}, "currency", "EUR"),
            ({"shipment_id": 4711}, "shipment_id", "4711"),
            ({"lines": None}, "lines", ()),
            ({"tracking": None, "lines": None}, "tracking", None),
            ({"colour": [1]}, "status", "accepted"),
        ],
        ids=str,
    )
    def test_equal_value_in_another_form_is_used(self, fields, name, value):
        update = read(**fields)

        assert (getattr(update, name), update.notes) == (value, ())

    @pytest.mark.parametrize("currency", ["EURO", "", "€", 978, ["EUR"]])
    def test_price_is_dropped_with_its_currency(self, currency):
        update = read(currency=currency, price=500, lines=[{"line_id": "1", "price": 500}])

        assert (update.currency, update.price, update.lines[0].price) == (None, None, None)
        assert [field for field, _ in notes(update)] == ["currency", "lines.0.price", "price"]

    def test_id_and_time_are_those_of_the_event_if_they_are_invalid(self):
        update = read(written(PLAIN | {"update_id": "", "occurred_at": "yesterday"}))

        assert (update.update_id, update.occurred_at) == ("e1", datetime(2026, 1, 5, 9, 0, 1, tzinfo=UTC))
        assert [field for field, _ in notes(update)] == ["update_id", "occurred_at"]

    def test_repetition_has_the_same_notes(self):
        assert read(quantity=-1) == read(quantity=-1)

    def test_number_of_notes_is_limited(self):
        assert len(read(lines=["x"] * 1000).notes) == MAX_NOTES

    @pytest.mark.parametrize(
        "value",
        [
            b"\xef\xbb\xbf" + written(PLAIN),
            written(PLAIN | {"reason": "@"}).replace(b"@", b"M\xfcller"),
            written(PLAIN | {"reason": "@"}).replace(b"@", b"\\ud800"),
        ],
        ids=["byte order mark", "Latin-1", "lone surrogate"],
    )
    def test_encoding_of_texts_spoils_nothing(self, value):
        assert read(value).status == "accepted"

    @pytest.mark.parametrize(
        "data",
        [
            {name: value for name, value in PLAIN.items() if name != "order_id"},
            PLAIN | {"order_id": ["o1"]},
            PLAIN | {"provider_id": "other"},
            [],
            "x",
        ],
        ids=str,
    )
    def test_update_without_its_order_is_malformed(self, data):
        with pytest.raises(MalformedError):
            read(written(data))

    def test_notes_of_the_sender_are_ignored(self):
        assert read(quantity=-1, notes="mine").notes[0].field == "quantity"
