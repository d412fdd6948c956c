"""Orders of several lines in the demo: what is open at a provider, what is shown, and what is counted."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from deploy.demo.event_feed import EventFeed
from deploy.demo.flows.customers import LINE_ENDS, Outcome
from deploy.demo.order_lines import PROTOCOLS
from deploy.demo.parcels import ProviderLog
from deploy.demo.result import DemoResult
from services.order_dispatch.providers.registry import PROTOCOLS as REGISTERED

NOON = datetime(2021, 1, 5, 12, tzinfo=UTC)
TOMORROW = NOON + timedelta(days=1)
LINES = [{"line_id": line_id, "product_id": product} for line_id, product in (("1", "tea"), ("2", "coffee"))]


def log(tmp_path, *updates):
    path = tmp_path / "shop.jsonl"
    written = []
    for number, (op, lines) in enumerate(updates):
        update = {"update_id": f"u{number}", "status": op, "lines": lines, "occurred_at": NOON.isoformat()}
        update["expected_at"] = TOMORROW.isoformat()
        written += [
            {"op": op, "order_id": "o1", "update": update},
            {"op": "said", "order_id": "o1", "update_id": f"u{number}"},
        ]
    path.write_text("".join(json.dumps(line) + "\n" for line in written))
    read = ProviderLog(path, reports_delivery=True, part_shipments=True)
    read.catch_up()
    return read


def accepted(**first):
    return "accepted", [{"line_id": "1", "quantity": 5, **first}, {"line_id": "2", "quantity": 7}]


SECOND_SHIPPED = "shipped", [{"line_id": "2", "quantity": 7}]


class TestProviderLog:
    def test_cancelled_line_does_not_end_order(self, tmp_path):
        story = [accepted(), SECOND_SHIPPED, ("cancelled", [{"line_id": "1"}])]

        assert log(tmp_path, *story).is_idle(NOON)
        assert not log(tmp_path, *story).is_idle(TOMORROW)  # the other line is to be delivered
        assert log(tmp_path, *story, ("delivered", [{"line_id": "2"}])).is_idle(TOMORROW)

    def test_refused_line_is_not_awaited(self, tmp_path):
        story = [accepted(status="refused"), SECOND_SHIPPED]

        assert log(tmp_path, *story).is_idle(NOON)
        assert not log(tmp_path, *story).is_idle(TOMORROW)
        assert log(tmp_path, *story, ("delivered", [{"line_id": "2"}])).is_idle(TOMORROW)


class Lines:
    """A view that keeps what it is told to show."""

    def __init__(self):
        self.shown = []

    def show_event(self, text, *, loud=False):
        self.shown.append(text)


def fact(kind, number, **data):
    data = {"customer_id": "c1", "provider_id": "acme", "order_id": "o1", "product_id": "tea", "lines": LINES} | data
    return {"id": f"e{number}", "type": kind, "time": NOON.isoformat(), "data": data}


class TestEventFeed:
    @pytest.mark.parametrize(
        ("event", "text"),
        [
            (fact("OrderPlaced", 1), "acme accepted the order for tea and coffee"),
            (fact("OrderPlaced", 1, lines=[]), "acme accepted the order for tea"),
            (fact("OrderLinesRefused", 1, lines=LINES[1:], reason="sold out"), "acme refused coffee: sold out"),
            (fact("OrderLinesCancelled", 1, lines=LINES[:1], reason="enough"), "tea cancelled: enough"),
        ],
        ids=["lines", "without lines", "refused line", "cancelled line"],
    )
    def test_text_names_products_of_event(self, event, text):
        feed = EventFeed("", Lines())

        feed.add(event)

        assert feed.view.shown == [f"2021-01-05  {'c1':16} {text}"]

    def test_order_in_two_parcels_is_delivered_once(self):
        feed = EventFeed("", Lines())

        for number, complete in enumerate((False, True)):
            feed.add(fact("OrderDelivered", number, evidence="reported", complete=complete))

        assert feed.figures["delivered"] == 1

    def test_each_line_has_its_slot(self):
        feed = EventFeed("", Lines())
        slots = [line | {"device_id": f"hub-{line['line_id']}", "slot": "1", "quantity": 1000} for line in LINES]

        feed.add(fact("ReorderApproved", 1, device_id="hub-1", slot="1", lines=slots, quantity=1000))

        assert [feed.slot_of["o1", line_id] for line_id in ("1", "2", None)] == [
            ("hub-1", "1"),
            ("hub-2", "1"),
            ("hub-1", "1"),
        ]


class TestCounts:
    def test_protocols_are_those_that_carry_several_lines(self):
        assert set(PROTOCOLS) == {name for name, one in REGISTERED.items() if one.lines.max_lines != 1}

    def test_outcome_of_one_line_has_one_product(self):
        assert {outcome.products for outcome in LINE_ENDS} == {2}
        assert Outcome.DELIVERED.products == 1

    def test_figures_by_flow_have_a_row_each(self):
        console = Console(width=100, file=io.StringIO())
        flows = {"app_focus": {"placed": 3, "unknown_resolved": 1}, "assisted": {"placed": 1}}
        figures = {"lost": 0, "doubled": 0, "books_balanced": True, "flows": flows, "lines": {"kafka": 2, "acp": 1}}

        DemoResult(figures, []).show(console)

        rows = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
        assert "flows: app focus 3 placed, 1 unknown resolved" in rows
        assert "flows: assisted 1 placed" in rows
        assert "lines 2 kafka, 1 acp" in rows
