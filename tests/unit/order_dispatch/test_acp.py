"""Parsing of ACP sessions and order events."""

import json
from datetime import UTC, date, datetime

import pytest

from services.order_dispatch.providers import acp
from services.order_dispatch.providers.acp.messages import Session
from services.order_dispatch.providers.acp.translation import obstacle, read_session
from services.order_dispatch.providers.parsing import UnreadableAnswerError, read
from tests.support import orders as a


def event(**data):
    order = {"type": "order", "checkout_session_id": "cs_1", "permalink_url": "https://shop.example/1", **data}
    return json.dumps({"type": "order_update", "data": order}).encode()


def read_answer(**data):
    return acp.parse_callback(event(**data), a.drafted()).answer


def line(**quantity):
    return {"id": "li_1", "title": "Pods", "quantity": quantity}


def fulfillment(status):
    return {"id": "f1", "type": "shipping", "status": status}


def session(**changes):
    plain = {"id": "cs_1", "status": "ready_for_payment", "currency": "usd", "totals": [total(998)]}
    return read(Session, json.dumps(plain | changes).encode())


def total(amount, kind="total"):
    return {"type": kind, "display_text": kind, "amount": amount}


class TestOrderEvent:
    def test_order_event_requires_only_the_schemas_fields(self):
        assert acp.subject(event(status="processing")).reference == "cs_1"
        assert read_answer(status="processing").status == "accepted"

    def test_order_event_without_session_is_unreadable(self):
        with pytest.raises(UnreadableAnswerError, match="checkout_session_id"):
            acp.subject(json.dumps({"type": "order_update", "data": {"id": "o"}}).encode())

    @pytest.mark.parametrize(
        ("data", "status", "quantity"),
        [
            ({"line_items": [line(ordered=2, current=2, fulfilled=2)]}, "shipped", 40),
            ({"line_items": [line(ordered=2, shipped=2)]}, "shipped", 40),
            ({"line_items": [line(ordered=2, current=2)]}, "shipped", None),
            ({"line_items": [line(ordered=2, current=2, fulfilled=1)]}, "shipped", 20),
            ({"line_items": [line(ordered=2, current=1, fulfilled=1)]}, "shipped", 20),
            ({}, "shipped", None),
        ],
    )
    def test_order_event_counts_shipped_quantity_in_all_fields(self, data, status, quantity):
        answer = read_answer(status="shipped", **data)

        assert (answer.status, answer.quantity) == (status, quantity)

    @pytest.mark.parametrize(
        ("statuses", "status"),
        [
            (["in_transit"], "shipped"),
            (["in_transit", "pending"], "accepted"),
            (["delivered", "canceled"], "delivered"),
            (["delivered", "processing"], "accepted"),
        ],
    )
    def test_order_event_without_line_quantities_uses_all_fulfillments(self, statuses, status):
        answer = read_answer(
            status="processing", line_items=[line(ordered=2, current=2)], fulfillments=fulfillments(statuses)
        )

        assert answer.status == status

    @pytest.mark.parametrize(
        ("latest", "read"),
        [
            ("2026-03-05T10:00:00", datetime(2026, 3, 5, 10, tzinfo=UTC)),
            ("2026-03-05T10:00:00+02:00", datetime(2026, 3, 5, 8, tzinfo=UTC)),
            ("soon", None),
            (5, None),
        ],
    )
    def test_order_event_reads_dates_or_ignores_them(self, latest, read):
        answer = read_answer(status="confirmed", estimated_delivery={"earliest": latest, "latest": latest})

        assert (answer.status, answer.expected_at, answer.expected_date) == ("accepted", read, None)

    @pytest.mark.parametrize(
        "window",
        [
            {"earliest": "2026-03-03", "latest": "2026-03-05"},
            {"earliest": "2026-03-03T00:00:00Z", "latest": "2026-03-05T00:00:00Z"},
            {"earliest": "2026-03-03T00:00:00-08:00", "latest": "2026-03-05T23:59:59-08:00"},
            {"earliest": "2026-03-05"},
            {"earliest": "2026-03-05", "latest": "soon"},
        ],
    )
    def test_window_of_dates_ends_with_a_date(self, window):
        answer = read_answer(status="confirmed", estimated_delivery=window)

        assert (answer.status, answer.expected_at, answer.expected_date) == ("accepted", None, date(2026, 3, 5))


def fulfillments(statuses):
    return [fulfillment(status) for status in statuses]


class TestSession:
    def test_session_may_contain_a_discount(self):
        assert obstacle(session(totals=[total(-100, "items_discount"), total(898)]), a.drafted()) is None

    def test_session_above_the_price_is_not_completed(self):
        assert "999" in (obstacle(session(totals=[total(999)]), a.drafted()) or "")

    def test_session_contains_the_order(self):
        answer = read_session(
            session(status="completed", order={"permalink_url": "https://shop.example/1"}), a.drafted()
        )

        assert (answer.status, answer.reference, answer.price, answer.currency) == ("accepted", "cs_1", 998, "USD")
