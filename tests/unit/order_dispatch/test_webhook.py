"""Requests and answers of the webhook protocol about the lines of an order."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from libs.http_client.exchange import Reply
from replenish_contracts.events import ShipTo
from services.order_dispatch.domain import Cancellation, LineState, Outcome, State, decide_update
from services.order_dispatch.providers import webhook
from services.order_dispatch.providers.parsing import UnreadableResponseError
from services.order_dispatch.providers.protocol import answer_as_update
from tests.support import orders as a
from tests.support.recording import RecordingClient

HOME = ShipTo(name="Ann Lee", line1="Elm 1", postal_code="89073", city="Ulm", country="DE")
CANCELLATION = Cancellation("customer", "enough", a.NOON)
#: The lines of a.basket(): 2 packs of 20 pods for 998, 1 pack of 100 filters for 350.
PODS, FILTERS = "1", "2"


def recording_client(**standing):
    return RecordingClient({"order_id": "o1", **standing})


def callback(**data):
    return json.dumps({"type": "order.updated", "data": {"order_id": "o1", **data}}).encode()


def read_callback(order=None, **data):
    return webhook.parse_callback(callback(**data), order or a.basket(State.PLACED)).answer


def decide(order, answer, number=1):
    update = answer_as_update(answer, order, f"u{number}", a.NOON)
    return decide_update(order, update, a.ACME, a.TIMEOUTS, a.NOON)


def lines_of(answer):
    return [(line.line_id, line.status, line.quantity) for line in answer.lines]


class TestRequest:
    async def test_request_has_each_line_with_its_terms(self):
        client = recording_client(status="accepted")

        await webhook.submit(a.basket(fee=100), HOME, client)

        (body,) = client.bodies
        pods = {"product_id": "pods", "packs": 2, "pack_size": 20, "quantity": 40, "unit": "C62", "scale": 0}
        filters = {"product_id": "filters", "packs": 1, "pack_size": 100, "quantity": 100, "unit": "C62", "scale": 0}
        assert body["lines"] == [
            {"line_id": PODS, **pods, "unit_price": 499},
            {"line_id": FILTERS, **filters, "unit_price": 350},
        ]
        # A provider that reads orders of one line must not send the first line only.
        assert not pods.keys() & body.keys()
        assert (body["token"]["max_amount"], body["token"]["currency"]) == (1448, "USD")

    async def test_request_of_one_line_has_its_fields_and_the_line(self):
        client = recording_client(status="accepted")

        await webhook.submit(a.drafted(), HOME, client)

        (body,) = client.bodies
        assert [line["line_id"] for line in body["lines"]] == ["1"]
        assert (body["product_id"], body["packs"], body["quantity"]) == ("pods", 2, 40)

    async def test_request_omits_a_line_that_ended_before(self):
        client = recording_client(status="accepted")

        await webhook.submit(a.with_line(a.basket(), PODS, state=LineState.CANCELLED), HOME, client)

        (body,) = client.bodies
        assert ([line["line_id"] for line in body["lines"]], body["product_id"]) == ([FILTERS], "filters")

    async def test_request_is_identical_when_repeated(self):
        client = recording_client(status="accepted")

        for _ in range(2):
            await webhook.submit(a.basket(), HOME, client)

        assert client.bodies[0] == client.bodies[1]
        assert client.keys == ["o1-deliver", "o1-deliver"]


class TestCancel:
    async def test_cancellation_of_lines_names_them_under_a_key_of_its_own(self):
        client = recording_client(status="accepted", lines=[{"line_id": FILTERS, "status": "cancelled"}])
        order = a.with_line(a.basket(State.PLACED), FILTERS, cancellation=CANCELLATION)

        answer = await webhook.cancel(order, client)

        assert client.bodies == [{"type": "order.cancel", "order_id": "o1", "reason": "enough", "line_ids": [FILTERS]}]
        (key,) = client.keys
        assert re.fullmatch("o1-cancel-[0-9a-f]{16}", key)
        assert lines_of(answer) == [(FILTERS, "cancelled", None)]

    async def test_cancellation_of_the_order_names_no_lines(self):
        client = recording_client(status="cancelled")

        await webhook.cancel(replace(a.basket(State.PLACED), cancellation=CANCELLATION), client)

        assert client.bodies == [{"type": "order.cancel", "order_id": "o1", "reason": "enough"}]
        assert client.keys == ["o1-cancel"]

    async def test_each_set_of_lines_has_its_own_key(self):
        client = recording_client(status="accepted")
        one = a.with_line(a.basket(State.PLACED, lines=3), FILTERS, cancellation=CANCELLATION)
        two = a.with_line(one, "3", cancellation=CANCELLATION)

        for order in (one, two, two):
            await webhook.cancel(order, client)

        one, two, again = client.keys
        assert one != two == again

    async def test_confirmed_cancellation_ends_the_line_only(self):
        client = recording_client(status="accepted", lines=[{"line_id": FILTERS, "status": "cancelled"}])
        order = a.with_line(a.basket(State.PLACED), FILTERS, cancellation=CANCELLATION)

        decided = decide(order, await webhook.cancel(order, client)).decision

        assert a.states(decided.order) == [LineState.ORDERED, LineState.CANCELLED]
        assert [type(event).__name__ for event in decided.events] == ["OrderLinesCancelled"]
        assert decided.events[0].by == "customer"


class TestAnswer:
    async def test_response_has_status_quantity_and_price_of_each_line(self):
        client = recording_client(
            status="accepted",
            amount=1340,
            currency="usd",
            lines=[
                {"line_id": PODS, "amount": 998},
                {"line_id": FILTERS, "status": "refused", "reason": "sold out", "amount": 342},
            ],
        )
        answer = await webhook.submit(a.basket(), HOME, client)

        assert (answer.status, answer.price, answer.currency) == ("accepted", 1340, "USD")
        assert lines_of(answer) == [(PODS, None, None), (FILTERS, "refused", None)]
        assert [(line.price, line.reason) for line in answer.lines] == [(998, None), (342, "sold out")]

    @pytest.mark.parametrize(
        ("status", "lines", "read", "named"),
        [
            ("accepted", [("1", "pending"), ("2", None)], "accepted", ["2"]),
            ("pending", [("1", "accepted"), ("2", None)], "accepted", ["1"]),
            ("accepted", [("1", "pending"), ("2", "pending")], None, []),
            ("pending", [("1", None)], None, []),
            ("pending", [], None, []),
        ],
    )
    def test_pending_line_has_no_result_yet(self, status, lines, read, named):
        data = [{"line_id": line_id, **({"status": own} if own else {})} for line_id, own in lines]
        answer = read_callback(status=status, lines=data)

        assert (answer.status, [line.line_id for line in answer.lines]) == (read, named)

    def test_unknown_line_is_refused_by_name(self):
        decided = decide(a.basket(State.PLACED), read_callback(status="shipped", lines=[{"line_id": "9"}]))

        assert (decided.outcome, decided.decision) == (Outcome.REFUSED, None)
        assert "there is no line 9" in decided.reason

    @pytest.mark.parametrize(
        "line", [{}, {"line_id": ""}, {"line_id": "1", "status": "lost"}, {"line_id": "1", "quantity": -1}, "1"]
    )
    def test_invalid_line_has_a_note(self, line):
        answer = read_callback(status="accepted", lines=[line, {"line_id": "2"}])

        assert {note.field.rsplit(".", 1)[0] for note in answer.notes} <= {"lines", "lines.0"}
        assert answer.notes
        assert answer.status == "accepted"


DETAILS = [
    ({"expected_at": ""}, [("expected_at", "not a date or a time")]),
    ({"expected_at": "next week"}, [("expected_at", "not a date or a time")]),
    ({"quantity": "50"}, [("quantity", "not a whole number")]),
    ({"quantity": -1}, [("quantity", "less than 0")]),
    ({"amount": "17.90", "currency": "EUR"}, [("amount", "not a whole number")]),
    ({"reference": ""}, [("reference", "empty")]),
    ({"reference": {"id": 1}}, [("reference", "not a text")]),
    ({"reference": "a\x00b"}, [("reference", "not of the expected form")]),
    ({"tracking": ["JD1"]}, [("tracking", "not a text")]),
    ({"tracking": {"number": "JD1"}}, [("tracking", "not a text")]),
    ({"reason": "x" * 501}, [("reason", "cut to 500 characters")]),
    ({"reason": "a\x00b"}, [("reason", "U+0000 removed")]),
    ({"shipment_id": []}, [("shipment_id", "not a text")]),
    ({"currency": "EURO"}, [("currency", "not a currency code such as EUR")]),
    ({"lines": "1"}, [("lines", "not a list")]),
]


class TestDetails:
    @pytest.mark.parametrize(("details", "dropped"), DETAILS, ids=str)
    async def test_status_counts_without_the_detail(self, details, dropped):
        client = recording_client(status="accepted", **details)

        answer = await webhook.submit(a.drafted(), HOME, client)

        assert (answer.status, [(note.field, note.reason) for note in answer.notes]) == ("accepted", dropped)
        decided = decide(a.basket(State.PLACING), answer)
        assert (decided.outcome, decided.decision.order.state) == (Outcome.APPLIED, State.PLACED)
        assert decided.notes == answer.notes

    @pytest.mark.parametrize(("details", "dropped"), DETAILS, ids=str)
    def test_status_of_a_callback_counts_without_the_detail(self, details, dropped):
        answer = read_callback(status="accepted", **details)

        assert (answer.status, [(note.field, note.reason) for note in answer.notes]) == ("accepted", dropped)

    @pytest.mark.parametrize(
        ("details", "name", "value"),
        [
            ({"quantity": 50.0}, "quantity", 50),
            ({"amount": 1790.0, "currency": "eur"}, "price", 1790),
            ({"reference": 4711}, "reference", "4711"),
            ({"lines": None}, "lines", ()),
            ({"expected_at": "2026-12-05"}, "expected_date", date(2026, 12, 5)),
            ({"unknown": [1]}, "status", "accepted"),
        ],
        ids=str,
    )
    async def test_equal_value_in_another_form_is_used(self, details, name, value):
        answer = await webhook.submit(a.drafted(), HOME, recording_client(status="accepted", **details))

        assert (answer.status, getattr(answer, name), answer.notes) == ("accepted", value, ())

    async def test_response_need_not_name_the_order(self):
        answer = await webhook.submit(a.drafted(), HOME, RecordingClient({"status": "accepted"}))

        assert answer.status == "accepted"

    async def test_price_without_its_currency_is_not_used(self):
        answer = await webhook.submit(
            a.drafted(), HOME, recording_client(status="accepted", amount=998, currency="dollars")
        )

        assert (answer.price, answer.currency, [note.field for note in answer.notes]) == (
            *(None, None),
            ["currency", "amount"],
        )

    def test_unreadable_quantity_ships_what_was_ordered_and_asks(self):
        decided = decide(
            a.basket(State.PLACED, lines=1),
            read_callback(a.basket(State.PLACED, lines=1), status="shipped", quantity="many"),
        )

        assert decided.decision.order.lines[0].shipped_quantity == 40
        assert decided.asks

    def test_unreadable_tracking_asks_no_operator(self):
        assert not decide(
            a.basket(State.PLACED, lines=1),
            read_callback(a.basket(State.PLACED, lines=1), status="shipped", tracking=[]),
        ).asks

    def test_unreadable_lines_of_several_ship_nothing(self):
        decided = decide(a.basket(State.PLACED), read_callback(status="shipped", lines=[{"line_id": []}]))

        assert (decided.outcome, decided.decision, decided.asks) == (Outcome.REFUSED, None, True)
        assert decided.reason == "the lines that the update is about cannot be read"

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            (b"", "the body is empty"),
            (b" \n", "the body is empty"),
            (b"<html>502</html>", "the body is HTML or XML, not JSON"),
            (b"OK", "the body is not valid JSON"),
            (b"[]", "the body is no object"),
            (b"null", "the body is no object"),
            (b'{"order_id": "o2", "status": "accepted"}', "the response is for another order: o2"),
        ],
        ids=str,
    )
    async def test_response_that_is_no_answer_says_what_is_wrong(self, body, problem):
        client = RecordingClient({})
        client._reply = Reply(200, {}, body)

        with pytest.raises(UnreadableResponseError, match=problem):
            await webhook.submit(a.drafted(), HOME, client)

    @pytest.mark.parametrize(
        "body",
        [
            b'\xef\xbb\xbf{"status": "accepted"}',
            b'{"status": "accepted", "reason": "M\xfcller"}',
            b'{"status": "accepted", "reason": "\\ud800"}',
        ],
        ids=["byte order mark", "Latin-1", "lone surrogate"],
    )
    async def test_encoding_spoils_nothing(self, body):
        client = RecordingClient({})
        client._reply = Reply(200, {"content-type": "text/html"}, body)

        assert (await webhook.submit(a.drafted(), HOME, client)).status == "accepted"

    async def test_error_body_with_an_unknown_status_is_no_answer(self):
        client = RecordingClient({})
        client._reply = Reply(404, {}, b'{"order_id": "o1", "status": "gone", "code": "no_such_order"}')

        assert (await webhook.status(a.basket(State.PLACED, lines=1), client)).status == "not_found"


class TestWords:
    @pytest.mark.parametrize(
        ("word", "status"),
        [
            ("Accepted", "accepted"),
            ("SHIPPED", "shipped"),
            ("Canceled", "cancelled"),
            ("cancelled", "cancelled"),
            (" Delivered", "delivered"),
            ("PENDING", None),
        ],
    )
    def test_words_are_read_in_any_spelling(self, word, status):
        assert (read_callback(status=word).status, read_callback(status=word).notes) == (status, ())

    @pytest.mark.parametrize(("word", "kept"), [("backordered", "backordered"), (5, "5"), (["shipped"], '["shipped"]')])
    def test_unknown_word_changes_nothing_and_asks(self, word, kept):
        order = a.basket(State.PLACED)
        answer = read_callback(status=word, reference="r1")
        decided = decide(order, answer)

        assert (answer.status, answer.word) == ("unclear", kept)
        assert (decided.outcome, decided.decision, decided.asks) == (Outcome.UNCLEAR, None, True)
        assert kept in decided.reason

    def test_missing_word_is_unclear(self):
        decided = decide(a.basket(State.PLACED), read_callback(reference="r1"))

        assert (decided.outcome, decided.reason) == (Outcome.UNCLEAR, "acme reported no status")

    def test_unknown_word_of_a_line_leaves_the_others(self):
        answer = read_callback(status="shipped", lines=[{"line_id": PODS}, {"line_id": FILTERS, "status": "lost"}])
        decided = decide(a.basket(State.PLACED), answer)

        assert a.states(decided.decision.order) == [LineState.SHIPPED, LineState.ORDERED]
        assert (decided.outcome, decided.asks) == (Outcome.APPLIED, True)
        assert [(note.field, note.value) for note in decided.notes] == [("lines.1.status", "lost")]


class TestCallback:
    def test_parcel_ships_its_lines_once(self):
        parcel = read_callback(status="shipped", shipment_id="P1", lines=[{"line_id": PODS, "quantity": 20}])
        order = a.basket(State.PLACED)
        for number in range(2):
            decided = decide(order, parcel, number)
            order = decided.decision.order if decided.decision else order

        line = order.find_line(PODS)
        assert (line.shipped_quantity, line.remaining_quantity) == (20, 20)
        assert a.states(order) == [LineState.SHIPPED, LineState.ORDERED]

    def test_line_is_complete_with_its_last_parcel(self):
        order = a.basket(State.PLACED)
        for number in (1, 2):
            parcel = read_callback(
                status="shipped", shipment_id=f"P{number}", lines=[{"line_id": PODS, "quantity": 20}]
            )
            order = decide(order, parcel, number).decision.order

        line = order.find_line(PODS)
        assert (line.shipped_quantity, line.remaining_quantity) == (40, 0)

    def test_rest_that_is_not_sent_is_named(self):
        parcel = read_callback(
            status="shipped", shipment_id="P1", lines=[{"line_id": PODS, "quantity": 20, "remaining": 0}]
        )

        line = decide(a.basket(State.PLACED), parcel).decision.order.find_line(PODS)

        assert (line.shipped_quantity, line.remaining_quantity) == (20, 0)

    def test_callback_without_lines_counts_for_all_once(self):
        first = decide(a.basket(State.PLACED), read_callback(status="shipped"))
        again = decide(first.decision.order, read_callback(status="shipped"), 2)

        assert a.states(first.decision.order) == [LineState.SHIPPED, LineState.SHIPPED]
        assert again.decision is None or again.decision.events == ()

    def test_substitute_is_that_of_its_line(self):
        answer = read_callback(status="shipped", lines=[{"line_id": FILTERS, "product_id": "paper-filters"}])

        assert [(line.line_id, line.product_id) for line in answer.lines] == [(FILTERS, "paper-filters")]


class TestPromises:
    @pytest.mark.parametrize(
        "promise",
        [
            {"expected_at": "2026-03-05"},
            {"expected_at": "2026-03-05T00:00:00.000Z"},
            {"expected_at": "2026-03-05T23:59:59-08:00"},
            {"expected_date": "2026-03-05"},
            {"expected_date": "2026-03-05", "expected_at": "2026-03-06T10:00:00Z"},
        ],
    )
    def test_date_without_a_time_is_a_date(self, promise):
        answer = read_callback(status="accepted", **promise)

        assert (answer.expected_at, answer.expected_date) == (None, date(2026, 3, 5))

    def test_time_is_a_time(self):
        answer = read_callback(status="accepted", expected_at="2026-03-05T10:00:00+02:00")

        assert (answer.expected_at, answer.expected_date) == (datetime(2026, 3, 5, 8, tzinfo=UTC), None)
