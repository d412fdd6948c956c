"""Words and details of ACP, of all published versions and as shops send them."""

import json
from pathlib import Path

import pytest

from libs.http_client.exchange import Reply
from replenish_contracts.events import ShipTo
from services.order_dispatch.domain import Outcome, State, decide_update
from services.order_dispatch.providers import acp
from services.order_dispatch.providers.acp import words
from services.order_dispatch.providers.acp.messages import Session
from services.order_dispatch.providers.acp.translation import obstacle, read_session
from services.order_dispatch.providers.parsing import UnreadableResponseError, read
from services.order_dispatch.providers.protocol import answer_as_update
from tests.support import orders as a
from tests.support.recording import RecordingClient

HOME = ShipTo(name="Ann Lee", line1="Elm 1", postal_code="89073", city="Ulm", country="DE")
LINE = {"id": "1", "title": "Pods", "quantity": {"ordered": 2, "current": 2, "fulfilled": 0}}


def event(**data):
    return json.dumps({"type": "order_update", "data": {"checkout_session_id": "cs_1", **data}}).encode()


def read_event(order=None, **data):
    return acp.parse_callback(event(**data), order or a.basket(State.PLACED, lines=1)).answer


def session(**changes):
    plain = {"id": "cs_1", "status": "ready_for_payment", "currency": "usd"}
    plain |= {"totals": [{"type": "total", "amount": 998}]}
    return read(Session, json.dumps(plain | changes).encode())


def decide(order, answer):
    return decide_update(order, answer_as_update(answer, order, "u1", a.NOON), a.ACME, a.TIMEOUTS, a.NOON)


class TestOrderWords:
    @pytest.mark.parametrize(
        ("word", "status"),
        [
            ("created", "accepted"),
            ("confirmed", "accepted"),
            ("manual_review", "resolving"),
            ("processing", "accepted"),
            ("shipped", "shipped"),
            ("shipping", "shipped"),
            ("delivered", "delivered"),
            ("fulfilled", "delivered"),
            ("completed", "delivered"),
            ("canceled", "cancelled"),
            ("cancelled", "cancelled"),
            # WooCommerce
            ("pending", "accepted"),
            ("on-hold", "resolving"),
            ("failed", "cancelled"),
            # other spellings
            ("Fulfilled", "delivered"),
            ("CANCELED", "cancelled"),
            ("manualReview", "resolving"),
        ],
    )
    def test_word_has_its_meaning(self, word, status):
        assert read_event(status=word).status == status

    @pytest.mark.parametrize("word", ["refunded", "backordered", "partially_shipped", "lost", "checkout-draft", "", 7])
    def test_other_word_changes_nothing_and_asks(self, word):
        order = a.basket(State.PLACED, lines=1)
        answer = read_event(order, status=word, line_items=[LINE | {"quantity": {"ordered": 2, "fulfilled": 2}}])
        decided = decide(order, answer)

        assert (answer.status, answer.word) == ("unclear", str(word))
        assert (decided.outcome, decided.decision, decided.asks) == (Outcome.UNCLEAR, None, True)

    def test_order_of_a_shop_that_never_says_shipped_is_delivered(self):
        order = a.basket(State.PLACING, lines=1)
        for word in ("confirmed", "fulfilled"):
            order = decide(order, read_event(order, status=word)).decision.order

        assert order.state is State.DELIVERED

    @pytest.mark.parametrize(
        ("refunds", "status"),
        [
            ([{"type": "original_payment", "amount": 998}], "unclear"),
            ([{"type": "store_credit", "amount": 500}, {"type": "original_payment", "amount": 498}], "unclear"),
            ([{"type": "original_payment", "amount": 100}], "delivered"),
            ([], "delivered"),
        ],
    )
    def test_refund_of_the_whole_price_is_no_delivery(self, refunds, status):
        assert read_event(status="fulfilled", refunds=refunds).status == status

    def test_refund_after_the_shipment_leaves_the_delivery(self):
        shipped = decide(a.basket(State.PLACED, lines=1), read_event(status="shipped")).decision.order

        assert read_event(shipped, status="fulfilled", refunds=[{"amount": 998}]).status == "delivered"


@pytest.mark.parametrize(
    "table", [words.ORDER, words.FULFILLMENT, words.SESSION], ids=["order", "fulfillment", "session"]
)
def test_documentation_has_every_word(table):
    page = (Path(__file__).parents[3] / "docs/providers/acp.md").read_text()

    assert [word for word in table if f"`{word}`" not in page] == []


class TestFulfillmentWords:
    @pytest.mark.parametrize(
        ("word", "status"),
        [
            ("pending", "accepted"),
            ("processing", "accepted"),
            ("shipped", "shipped"),
            ("in_transit", "shipped"),
            ("Out for delivery", "shipped"),
            ("ready_for_pickup", "shipped"),
            ("failed_attempt", "shipped"),
            ("delivered", "delivered"),
            ("failed", "accepted"),
            ("canceled", "accepted"),
            ("cancelled", "accepted"),
            ("returned_to_sender", "accepted"),
            ("undeliverable", "accepted"),
        ],
    )
    def test_word_has_its_meaning(self, word, status):
        answer = read_event(status="confirmed", fulfillments=[{"id": "f1", "status": word}])

        assert (answer.status, answer.notes) == (status, ())

    def test_unknown_word_counts_as_waiting_and_asks(self):
        order = a.basket(State.PLACED, lines=1)
        answer = read_event(order, status="confirmed", fulfillments=[{"status": "beamed"}])

        assert (answer.status, [(note.field, note.value) for note in answer.notes]) == (
            "accepted",
            [("fulfillments.0.status", "beamed")],
        )
        assert decide(order, answer).asks


class TestSessionWords:
    @pytest.mark.parametrize(
        ("word", "status"),
        [
            ("incomplete", "not_found"),
            ("not_ready_for_payment", "not_found"),
            ("requires_escalation", "not_found"),
            ("authentication_required", "not_found"),
            ("ready_for_payment", "not_found"),
            ("Ready_For_Payment", "not_found"),
            ("pending_approval", "resolving"),
            ("complete_in_progress", None),
            ("in_progress", None),
            ("canceled", "not_found"),
            ("cancelled", "not_found"),
            ("expired", "not_found"),
            ("pending_payment", "unclear"),
            ("", "unclear"),
            (3, "unclear"),
        ],
    )
    def test_word_has_its_meaning(self, word, status):
        assert read_session(session(status=word), a.drafted()).status == status

    async def test_session_with_an_unknown_word_is_neither_completed_nor_closed(self):
        client = RecordingClient({"id": "cs_1", "status": "thinking", "currency": "usd"})

        answer = await acp.submit(a.drafted(), HOME, client)

        assert (answer.status, answer.word, answer.reference) == ("unclear", "thinking", "cs_1")
        assert len(client.bodies) == 1


class TestDetails:
    def test_null_arrays_and_missing_objects_are_absent(self):
        answer = read_event(
            status="shipped",
            line_items=None,
            fulfillments=None,
            refunds=None,
            estimated_delivery=None,
            adjustments=None,
        )

        assert (answer.status, answer.notes) == ("shipped", ())

    def test_session_may_have_null_arrays(self):
        order = {"id": "o", "line_items": None, "fulfillments": None, "status": None}
        found = session(
            status="completed", line_items=None, messages=None, fulfillment_options=None, order=order, links=None
        )
        answer = read_session(found, a.drafted())

        assert (answer.status, answer.price, answer.notes) == ("accepted", 998, ())

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            ({"line_items": {"id": "1"}}, "line_items"),
            ({"line_items": [7]}, "line_items.0"),
            ({"line_items": [{"id": "1"}]}, "line_items.0"),
            (
                {"line_items": [LINE | {"quantity": {"ordered": 2, "fulfilled": "two"}}]},
                "line_items.0.quantity.fulfilled",
            ),
            (
                {"fulfillments": [{"status": "shipped", "line_items": [{"id": "1", "quantity": -1}]}]},
                "fulfillments.0.line_items.0.quantity",
            ),
            ({"fulfillments": [{"status": "shipped", "tracking_number": ["x"]}]}, "fulfillments.0.tracking_number"),
            (
                {"fulfillments": [{"status": "shipped", "estimated_delivery": {"latest": "soon"}}]},
                "fulfillments.0.estimated_delivery.latest",
            ),
            ({"estimated_delivery": "tomorrow"}, "estimated_delivery"),
            ({"refunds": [{"type": "original_payment", "amount": "1.00"}]}, "refunds.0.amount"),
        ],
        ids=str,
    )
    def test_word_of_the_order_counts_without_the_detail(self, data, field):
        answer = read_event(status="shipped", **data)

        assert answer.status == "shipped"
        assert field in [note.field for note in answer.notes]

    def test_quantities_may_be_floats(self):
        answer = read_event(status="shipped", line_items=[LINE | {"quantity": {"ordered": 2.0, "fulfilled": 1.0}}])

        assert (answer.quantity, answer.notes) == (20, ())

    def test_event_needs_no_type(self):
        assert acp.subject(json.dumps({"data": {"checkout_session_id": "cs_1"}}).encode()).reference == "cs_1"

    def test_price_without_its_currency_is_not_used(self):
        answer = read_session(session(status="completed", currency=None, order={"id": "o"}), a.drafted())

        assert (answer.status, answer.price, answer.currency) == ("accepted", None, None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"totals": [{"type": "total", "amount": "9.98"}]},
            {"totals": "9.98"},
            {"currency": ["usd"]},
            {"currency": "$"},
        ],
        ids=str,
    )
    def test_session_with_an_unreadable_price_is_not_completed(self, changes):
        assert "cannot be read" in (obstacle(session(**changes), a.drafted()) or "")

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"status": "completed"}'], ids=str)
    async def test_response_that_is_no_session_says_what_is_wrong(self, body):
        client = RecordingClient({})
        client._reply = Reply(200, {}, body)

        with pytest.raises(UnreadableResponseError, match="the response is invalid: "):
            await acp.submit(a.drafted(), HOME, client)
