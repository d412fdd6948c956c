"""Requirements on every provider protocol."""

import inspect
from dataclasses import replace

import pytest

from replenish_contracts.events import ShipTo
from services.order_dispatch.domain import (
    Cancellation,
    Decision,
    FulfilmentPlan,
    ProviderRequest,
    State,
    cancel,
    check_due_order,
    submit,
)
from services.order_dispatch.orders.decisions import request_events
from services.order_dispatch.providers.protocol import EventTransport
from services.order_dispatch.providers.registry import PROTOCOLS, fulfilment_plan, get_protocol
from tests.support import orders as a

HOME = ShipTo(name="Ann", line1="Elm 1", postal_code="1", city="Ulm", country="DE")


HTTP_PROTOCOLS = sorted(name for name in PROTOCOLS if fulfilment_plan(replace(a.ACME, protocol=name)).calls)
EVENT_PROTOCOLS = sorted(PROTOCOLS.keys() - set(HTTP_PROTOCOLS))


def events_of(decision, name, at, ship_to=None):
    return request_events(decision.requests, decision.order, get_protocol(name), at, ship_to)


@pytest.mark.parametrize("name", HTTP_PROTOCOLS)
class TestHttpProtocol:
    @pytest.mark.parametrize("kind", ["submit", "cancel", "status"])
    def test_requests_are_coroutines(self, name, kind):
        assert inspect.iscoroutinefunction(getattr(get_protocol(name).transport, kind))


@pytest.mark.parametrize("name", EVENT_PROTOCOLS)
class TestEventProtocol:
    def test_submit_contains_the_decided_quantity(self, name):
        events = events_of(submit(a.drafted(), a.TIMEOUTS, a.NOON), name, a.NOON, HOME)

        assert [(event.order_id, event.quantity, event.packs) for event in events] == [("o1", 40, 2)]

    def test_submit_contains_address_only_if_needed(self, name):
        (event,) = events_of(submit(a.drafted(), a.TIMEOUTS, a.NOON), name, a.NOON, HOME)

        assert getattr(event, "ship_to", None) == (HOME if get_protocol(name).needs_address else None)
        assert ("Ulm" in event.model_dump_json()) == get_protocol(name).needs_address

    def test_request_events_are_deterministic(self, name):
        decision = submit(a.drafted(), a.TIMEOUTS, a.NOON)

        assert events_of(decision, name, a.NOON, HOME) == events_of(decision, name, a.NOON, HOME)

    def test_submit_without_needed_address_raises(self, name):
        decision = submit(a.drafted(), a.TIMEOUTS, a.NOON)

        if not get_protocol(name).needs_address:
            assert events_of(decision, name, a.NOON) == events_of(decision, name, a.NOON, HOME)
            return
        with pytest.raises(ValueError, match="address"):
            events_of(decision, name, a.NOON)

    def test_cancel_and_status_name_the_order(self, name):
        cancellation = Cancellation("customer", "enough", a.NOON)
        cancelled = events_of(cancel(a.order(State.PLACED), cancellation), name, a.NOON)
        status = events_of(check_due_order(a.order(State.UNKNOWN), a.TIMEOUTS, a.NOON), name, a.NOON)

        assert [(event.order_id, event.reason) for event in cancelled] == [("o1", "enough")]
        assert [event.order_id for event in status] == ["o1"]

    def test_request_events_name_only_their_provider(self, name):
        order = replace(a.drafted(), provider_id="globex")
        events = events_of(
            Decision(order, requests=(ProviderRequest.SUBMIT, ProviderRequest.CANCEL, ProviderRequest.STATUS)),
            name,
            a.NOON,
            HOME,
        )

        assert {event.provider_id for event in events} == {"globex"}

    def test_topics_are_in_the_catalogue(self, name):
        assert all("acme" in topic.name for topic in get_protocol(name).topics("acme"))

    def test_needs_no_url(self, name):
        assert not get_protocol(name).needs_url
        assert isinstance(get_protocol(name).transport, EventTransport)

    def test_submit_marks_test_orders(self, name):
        decision = submit(replace(a.drafted(), test=True), a.TIMEOUTS, a.NOON)

        assert [event.test for event in events_of(decision, name, a.NOON, HOME)] == [True]


def test_get_protocol_rejects_unknown_name():
    with pytest.raises(LookupError, match="there is no protocol os"):
        get_protocol("os")


def test_kafka_needs_neither_stock_nor_payment():
    assert fulfilment_plan(a.ACME) == FulfilmentPlan()
    assert fulfilment_plan(replace(a.ACME, payment="sandbox")) == FulfilmentPlan(pays=True)


def test_kafka_submits_order_requested():
    (event,) = events_of(submit(a.drafted(), a.TIMEOUTS, a.NOON), "kafka", a.NOON, HOME)

    assert type(event).__name__ == "OrderRequested"
    assert (event.unit, event.scale, event.needed_by) == ("C62", 0, a.NOON + a.days(7))
