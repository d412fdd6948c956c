"""The sample providers for Kafka: their updates about orders of one line and of several, applied to the order."""

import json
from contextlib import ExitStack
from datetime import timedelta

import pytest

from deploy.samples.provider import Integration, arguments, envelope
from deploy.samples.smallest_provider import answers
from deploy.samples.unruly_provider import UnrulyIntegration
from replenish_contracts.events import OrderUpdated, ShipTo
from replenish_contracts.wire import as_event, decoder, encode
from services.order_dispatch.domain import Cancellation, LineState, Outcome, State, cancel, decide_update, submit
from services.order_dispatch.providers import kafka
from tests.support import orders as a

HOME = ShipTo(name="Ann", line1="Elm 1", postal_code="89073", city="Ulm", country="DE")
ORDERED, SHIPPED, DELIVERED = LineState.ORDERED, LineState.SHIPPED, LineState.DELIVERED
CANCELLED, REFUSED, SHORT = LineState.CANCELLED, LineState.REFUSED, LineState.SHORT


class Exchange:
    """A sample provider and the order at order_dispatch, without a broker between them."""

    def __init__(self, folder, order, *options, integration=Integration, **faults):
        command = ["--kafka", "none", "--provider", "acme", "--log", str(folder / "acme.jsonl"), *options]
        parsed = arguments().parse_args(command)
        for name, value in ({"refuse_every": 0, "short_every": 0, "silent": False, "reorder": False} | faults).items():
            setattr(parsed, name, value)
        parsed.forgetful = False
        self.order, self.at, self.outcomes = order, a.NOON, []
        self._open = lambda: integration(parsed)
        self.open()

    def open(self):
        self.provider = self._open()
        self.provider.now = lambda: self.at

    def close(self):
        self.provider.log.file.close()

    def send(self, *events):
        for number, event in enumerate(events):
            value = encode(event, id=f"{type(event).__name__}-{number}-{self.at}", source="/test", time=self.at)
            self.provider.handle(json.loads(value))
        self.receive()

    def pass_days(self, days):
        self.at += timedelta(days=days)
        self.provider.advance_orders()
        self.receive()

    def receive(self):
        """Apply the provider's updates to the order."""
        for update in self.provider.outgoing():
            value = json.dumps(envelope(update)).encode()
            event = as_event(decoder("provider-updates-acme")(value))
            decided = decide_update(self.order, event, a.ACME, a.TIMEOUTS, self.at)
            self.outcomes.append(decided.outcome)
            self.order = decided.decision.order if decided.decision else self.order
            self.provider.log.write("said", order_id=update["order_id"], update_id=update["update_id"])

    def updates(self):
        lines = [json.loads(line) for line in self.provider.options.log.read_text().splitlines()]
        return [line["update"] for line in lines if "update" in line]


def submitted(order):
    return submit(order, a.TIMEOUTS, a.NOON).order


@pytest.fixture
def start(tmp_path):
    with ExitStack() as stack:

        def start(order, *options, **more):
            exchange = Exchange(tmp_path, submitted(order), *options, **more)
            stack.callback(exchange.close)
            exchange.send(*kafka.submit(order, HOME, a.NOON))
            return exchange

        yield start


class TestOneLine:
    def test_updates_have_no_lines(self, start):
        exchange = start(a.drafted(), "--delivers", "--part-shipments")
        exchange.pass_days(0)
        exchange.pass_days(2)

        assert exchange.order.state is State.DELIVERED
        assert [(update["update_id"], update.get("quantity")) for update in exchange.updates()] == [
            ("o1-accepted", 40),
            ("o1-shipped", 40),
            ("o1-delivered", 40),
        ]
        assert not any("lines" in update or "shipment_id" in update for update in exchange.updates())

    def test_request_from_before_orders_had_lines_is_accepted(self, start):
        exchange = start(a.drafted(), "--handling-days", "1")
        (request,) = kafka.submit(a.drafted(order_id="o2"), HOME, a.NOON)
        exchange.send(request.model_copy(update={"lines": ()}))

        assert exchange.updates()[1] == exchange.updates()[0] | {"order_id": "o2", "update_id": "o2-accepted"}

    def test_cancellation_before_shipment_is_confirmed(self, start):
        exchange = start(a.drafted(), "--handling-days", "1")
        decision = cancel(exchange.order, Cancellation("customer", "enough", a.NOON))
        exchange.order = decision.order
        exchange.send(*kafka.cancel(decision.order, a.NOON))

        assert exchange.order.state is State.CANCELLED
        assert exchange.provider.log.open == {}


class TestSeveralLines:
    def test_lines_leave_and_arrive_together(self, start):
        exchange = start(a.basket(), "--delivers")
        assert exchange.order.state is State.PLACED
        exchange.pass_days(0)
        assert a.states(exchange.order) == [SHIPPED, SHIPPED]
        exchange.pass_days(2)

        assert a.states(exchange.order) == [DELIVERED, DELIVERED]
        assert set(exchange.outcomes) == {Outcome.APPLIED}
        assert exchange.provider.log.open == {}

    def test_accepted_lines_have_their_price(self, start):
        exchange = start(a.basket(), "--handling-days", "1")

        assert [line.billed for line in exchange.order.lines] == [998, 350]

    def test_first_line_leaves_a_day_later_in_its_own_parcel(self, start):
        exchange = start(a.basket(lines=3), "--delivers", "--part-shipments")
        seen = []
        for days in (0, 1, 1, 1):
            exchange.pass_days(days)
            seen.append(a.states(exchange.order))

        assert seen == [
            [ORDERED, SHIPPED, SHIPPED],
            [SHIPPED, SHIPPED, SHIPPED],
            [SHIPPED, DELIVERED, DELIVERED],
            [DELIVERED, DELIVERED, DELIVERED],
        ]
        assert [parcel.shipment_id for parcel in exchange.order.shipments] == ["o1-1", "o1-2"]

    def test_killed_provider_continues_with_the_second_parcel(self, start):
        exchange = start(a.basket(), "--delivers", "--part-shipments")
        exchange.pass_days(0)
        exchange.close()
        exchange.open()
        exchange.send(*kafka.submit(a.basket(), HOME, a.NOON))
        exchange.pass_days(1)

        assert a.states(exchange.order) == [SHIPPED, SHIPPED]
        assert len({update["update_id"] for update in exchange.updates()}) == len(exchange.updates())

    def test_sold_out_line_is_refused_and_the_other_goes_on(self, start):
        exchange = start(a.basket(), "--sold-out", "filters")
        assert a.states(exchange.order) == [ORDERED, REFUSED]
        exchange.pass_days(0)

        assert a.states(exchange.order) == [SHIPPED, REFUSED]

    def test_order_is_refused_if_all_lines_are_sold_out(self, start):
        exchange = start(a.basket(), "--sold-out", "filters", "--sold-out", "pods")

        assert exchange.order.state is State.REFUSED
        assert exchange.provider.log.open == {}

    def test_cancelled_line_does_not_leave(self, start):
        exchange = start(a.basket(), "--handling-days", "1")
        decision = cancel(exchange.order, Cancellation("customer", "enough", a.NOON), ["1"])
        exchange.order = decision.order
        exchange.send(*kafka.cancel(decision.order, a.NOON))
        assert a.states(exchange.order) == [CANCELLED, ORDERED]
        exchange.pass_days(1)

        assert a.states(exchange.order) == [CANCELLED, SHIPPED]

    def test_cancellation_between_parcels_ends_the_line_that_waits(self, start):
        exchange = start(a.basket(), "--part-shipments")
        exchange.pass_days(0)
        exchange.send(*kafka.cancel(cancelled_order(exchange.order), a.NOON))
        exchange.pass_days(2)

        assert a.states(exchange.order) == [CANCELLED, SHIPPED]

    def test_status_request_repeats_the_state_of_each_line(self, start):
        exchange = start(a.basket(), "--part-shipments")
        exchange.pass_days(0)
        before = exchange.order
        exchange.order = submitted(a.basket())  # every update was lost
        exchange.send(*kafka.status(before, a.NOON))

        assert a.states(exchange.order) == [ORDERED, SHIPPED]
        assert exchange.order.find_line("2").shipped_quantity == 100
        assert exchange.order.shipments == ()

    def test_unruly_provider_ships_half_of_the_first_line(self, start):
        exchange = start(a.basket(), "--delivers", integration=UnrulyIntegration, short_every=1)
        exchange.pass_days(0)
        exchange.pass_days(2)

        assert a.states(exchange.order) == [SHORT, DELIVERED]
        assert exchange.order.find_line("1").shipped_quantity == 20

    def test_unruly_provider_sends_no_rest_of_a_short_line_in_a_parcel(self, start):
        exchange = start(a.basket(), "--part-shipments", integration=UnrulyIntegration, short_every=1)
        exchange.pass_days(0)
        exchange.pass_days(1)

        assert [(line.shipped_quantity, line.remaining_quantity) for line in exchange.order.lines] == [(20, 0), (50, 0)]


def cancelled_order(order):
    return cancel(order, Cancellation("customer", "enough", a.NOON)).order


def test_smallest_provider_counts_for_all_lines():
    order = submitted(a.basket())
    (request,) = kafka.submit(order, HOME, a.NOON)
    event = {"type": "OrderRequested", "id": "e1", "data": json.loads(request.model_dump_json())}
    for update in answers(event, set()):
        order = a.apply(order, OrderUpdated(**update)).order

    assert a.states(order) == [SHIPPED, SHIPPED]
