"""The sample hosted shop: the answers that it posts about orders of one line and of several, applied to the order."""

import json

import httpx
import pytest

from deploy.samples.hosted_shop import Shop, arguments
from replenish_contracts.events import UpdateLine
from services.order_dispatch.answers.answering import STATUSES, Step
from services.order_dispatch.answers.shops import AnswerBody, show_to_shop
from services.order_dispatch.domain import Cancellation, LineState, Responder, State, cancel, submit_to_person
from tests.support import orders as a

ORDERED, SHIPPED, DELIVERED = LineState.ORDERED, LineState.SHIPPED, LineState.DELIVERED
CANCELLED, REFUSED = LineState.CANCELLED, LineState.REFUSED


class Dispatch:
    """The API that a shop posts its answers to, for one order; it stands for the shop's HTTP client."""

    def __init__(self, order):
        self.order = submit_to_person(order, Responder.SHOP, a.TIMEOUTS, a.NOON).order
        self.posted, self.keys = [], []

    def post(self, url, json, headers):
        step = Step(url.rpartition("/")[2])
        self.posted.append((step, json))
        self.keys.append(headers["Idempotency-Key"])
        body = AnswerBody.model_validate(json)
        lines = tuple(UpdateLine(**line.model_dump()) for line in body.lines)  # pieces: a unit is a step
        more = {"reason": body.reason, "tracking": body.tracking, "shipment_id": body.shipment_id}
        update = a.update(STATUSES[step], update_id=self.keys[-1], lines=lines, **more)
        self.order = a.apply(self.order, update).order
        return httpx.Response(200, json={"state": self.order.state})


@pytest.fixture
def open_shop(tmp_path):
    def open_shop(order, *options):
        command = ["--portal", "none", "--dispatch", "none", "--provider", "acme", "--key", "k"]
        shop = Shop(arguments().parse_args([*command, "--log", str(tmp_path / "shop.jsonl"), *options]))
        shop.http.close()
        shop.http = Dispatch(order)
        return shop

    return open_shop


def poll(shop):
    """Let the shop take its next step; return the states of the lines."""
    shop.advance(json.loads(json.dumps(show_to_shop(shop.http.order), default=str)))
    return a.states(shop.http.order)


class TestOneLine:
    def test_answers_have_no_lines(self, open_shop):
        shop = open_shop(a.drafted(), "--delivers", "--part-shipments")
        for _ in range(3):
            poll(shop)

        assert shop.http.order.state is State.DELIVERED
        assert shop.http.posted == [("acknowledge", {}), ("ship", {"tracking": "T-o1"}), ("deliver", {})]
        assert shop.http.keys == ["acknowledge-o1", "ship-o1", "deliver-o1"]

    def test_cancelled_order_is_refused(self, open_shop):
        shop = open_shop(a.drafted())
        poll(shop)
        shop.http.order = cancel(shop.http.order, Cancellation("customer", "enough", a.NOON)).order

        assert poll(shop) == [CANCELLED]
        assert shop.http.posted[-1] == ("refuse", {"reason": "cancelled in time"})

    def test_large_order_is_refused(self, open_shop):
        shop = open_shop(a.drafted(), "--largest", "1")

        assert poll(shop) == [REFUSED]
        assert shop.http.order.state is State.REFUSED


class TestSeveralLines:
    def test_lines_leave_together(self, open_shop):
        shop = open_shop(a.basket(), "--delivers")

        assert [poll(shop) for _ in range(3)] == [[ORDERED, ORDERED], [SHIPPED, SHIPPED], [DELIVERED, DELIVERED]]

    def test_lines_leave_and_arrive_in_two_parcels(self, open_shop):
        shop = open_shop(a.basket(), "--delivers", "--part-shipments")

        assert [poll(shop) for _ in range(5)] == [
            [ORDERED, ORDERED],
            [ORDERED, SHIPPED],
            [SHIPPED, SHIPPED],
            [SHIPPED, DELIVERED],
            [DELIVERED, DELIVERED],
        ]
        assert shop.http.posted[1][1] == {
            "tracking": "T-o1-1",
            "shipment_id": "o1-1",
            "lines": [{"line_id": "2", "quantity": "100"}],
        }
        assert len(set(shop.http.keys)) == 5

    def test_line_that_is_too_large_is_refused(self, open_shop):
        shop = open_shop(a.basket(), "--largest", "1")

        assert [poll(shop) for _ in range(3)] == [[REFUSED, ORDERED], [REFUSED, ORDERED], [REFUSED, SHIPPED]]
        assert shop.http.posted[0][1]["lines"] == [{"line_id": "1"}]

    def test_cancelled_line_is_refused_and_the_other_leaves(self, open_shop):
        shop = open_shop(a.basket())
        poll(shop)
        shop.http.order = cancel(shop.http.order, Cancellation("customer", "enough", a.NOON), ["2"]).order

        assert [poll(shop) for _ in range(2)] == [[ORDERED, CANCELLED], [SHIPPED, CANCELLED]]
