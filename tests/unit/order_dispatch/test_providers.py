"""What every provider protocol must do."""

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


CALLING = sorted(name for name in PROTOCOLS if fulfilment_plan(replace(a.ACME, protocol=name)).calls)
TELLING = sorted(PROTOCOLS.keys() - set(CALLING))


def words(decision, name, at, ship_to=None):
    return request_events(decision.requests, decision.order, get_protocol(name), at, ship_to)


@pytest.mark.parametrize("name", CALLING)
class TestHttpProtocol:
    @pytest.mark.parametrize("question", ["submit", "cancel", "status"])
    def test_answers_every_question_in_its_own_time(self, name, question):
        assert inspect.iscoroutinefunction(getattr(get_protocol(name).transport, question))


@pytest.mark.parametrize("name", TELLING)
class TestEventProtocol:
    def test_asks_for_exactly_what_was_decided(self, name):
        said = words(submit(a.drafted(), a.PATIENCE, a.NOON), name, a.NOON, HOME)

        assert [(event.order_id, event.quantity, event.packs) for event in said] == [("o1", 40, 2)]

    def test_passes_the_address_on_where_it_is_needed_and_nowhere_else(self, name):
        (said,) = words(submit(a.drafted(), a.PATIENCE, a.NOON), name, a.NOON, HOME)

        assert getattr(said, "ship_to", None) == (HOME if get_protocol(name).needs_address else None)
        assert ("Ulm" in said.model_dump_json()) == get_protocol(name).needs_address

    def test_asks_the_same_when_asked_twice(self, name):
        decision = submit(a.drafted(), a.PATIENCE, a.NOON)

        assert words(decision, name, a.NOON, HOME) == words(decision, name, a.NOON, HOME)

    def test_never_asks_for_goods_without_an_address_that_it_needs(self, name):
        decision = submit(a.drafted(), a.PATIENCE, a.NOON)

        if not get_protocol(name).needs_address:
            assert words(decision, name, a.NOON) == words(decision, name, a.NOON, HOME)
            return
        with pytest.raises(ValueError, match="address"):
            words(decision, name, a.NOON)

    def test_can_cancel_and_ask(self, name):
        wish = Cancellation("customer", "enough", a.NOON)
        cancelled = words(cancel(a.order(State.PLACED), wish), name, a.NOON)
        status = words(check_due_order(a.order(State.UNKNOWN), a.PATIENCE, a.NOON), name, a.NOON)

        assert [(event.order_id, event.reason) for event in cancelled] == [("o1", "enough")]
        assert [event.order_id for event in status] == ["o1"]

    def test_speaks_only_to_its_own_provider(self, name):
        order = replace(a.drafted(), provider_id="globex")
        said = words(
            Decision(order, requests=(ProviderRequest.SUBMIT, ProviderRequest.CANCEL, ProviderRequest.STATUS)),
            name,
            a.NOON,
            HOME,
        )

        assert {event.provider_id for event in said} == {"globex"}

    def test_names_topics_that_exist_in_the_catalogue(self, name):
        assert all("acme" in topic.name for topic in get_protocol(name).topics("acme"))

    def test_calls_nobody(self, name):
        assert not get_protocol(name).needs_url
        assert isinstance(get_protocol(name).transport, EventTransport)

    def test_tells_a_rehearsal_from_an_order(self, name):
        decision = submit(replace(a.drafted(), test=True), a.PATIENCE, a.NOON)

        assert [event.test for event in words(decision, name, a.NOON, HOME)] == [True]


def test_a_name_from_outside_never_imports_anything_else():
    with pytest.raises(LookupError, match="there is no protocol os"):
        get_protocol("os")


def test_kafka_needs_neither_stock_nor_payment_of_ours():
    assert fulfilment_plan(a.ACME) == FulfilmentPlan()
    assert fulfilment_plan(replace(a.ACME, payment="sandbox")) == FulfilmentPlan(pays=True)


def test_kafka_asks_on_the_providers_own_topic_in_words_of_the_catalogue():
    (asked,) = words(submit(a.drafted(), a.PATIENCE, a.NOON), "kafka", a.NOON, HOME)

    assert type(asked).__name__ == "OrderRequested"
    assert (asked.unit, asked.scale, asked.needed_by) == ("C62", 0, a.NOON + a.days(7))
