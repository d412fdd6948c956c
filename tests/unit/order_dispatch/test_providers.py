"""Every protocol in the folder is asked what everybody is asked."""

from dataclasses import replace

import pytest

from libs.contracts.events import ShipTo
from services.order_dispatch.domain import Ask, Cancellation, State, Turn, ask_to_cancel, look, sent
from services.order_dispatch.providers import protocol, protocols, words
from tests.unit.order_dispatch import a

HOME = ShipTo(name="Ann", line1="Elm 1", postal_code="1", city="Ulm", country="DE")


SAYS = [name for name in sorted(protocols()) if not getattr(protocol(name), "CALLS", False)]


@pytest.mark.parametrize("name", SAYS)
class TestEveryProtocolThatSays:
    def test_asks_for_exactly_what_was_decided(self, name):
        said = words(sent(a.drafted(), a.PATIENCE, a.NOON), name, a.NOON, HOME)

        assert [(event.order_id, event.quantity, event.packs, event.ship_to) for event in said] == [("o1", 40, 2, HOME)]

    def test_asks_the_same_when_asked_twice(self, name):
        turn = sent(a.drafted(), a.PATIENCE, a.NOON)

        assert words(turn, name, a.NOON, HOME) == words(turn, name, a.NOON, HOME)

    def test_never_asks_for_goods_without_an_address(self, name):
        with pytest.raises(ValueError, match="address"):
            words(sent(a.drafted(), a.PATIENCE, a.NOON), name, a.NOON)

    def test_can_cancel_and_ask(self, name):
        wish = Cancellation("customer", "enough", a.NOON)
        cancel = words(ask_to_cancel(a.order(State.PLACED), wish), name, a.NOON)
        status = words(look(a.order(State.UNKNOWN), a.PATIENCE, a.NOON), name, a.NOON)

        assert [(event.order_id, event.reason) for event in cancel] == [("o1", "enough")]
        assert [event.order_id for event in status] == ["o1"]

    def test_speaks_only_to_its_own_provider(self, name):
        order = replace(a.drafted(), provider_id="globex")
        said = words(Turn(order, asks=(Ask.DELIVER, Ask.CANCEL, Ask.STATUS)), name, a.NOON, HOME)

        assert {event.provider_id for event in said} == {"globex"}

    def test_names_topics_that_exist_in_the_catalogue(self, name):
        assert all("acme" in topic.name for topic in protocol(name).topics("acme"))


def test_a_name_from_outside_never_imports_anything_else():
    with pytest.raises(LookupError, match="there is no protocol os"):
        protocol("os")


def test_kafka_asks_on_the_providers_own_topic_in_words_of_the_catalogue():
    (asked,) = words(sent(a.drafted(), a.PATIENCE, a.NOON), "kafka", a.NOON, HOME)

    assert type(asked).__name__ == "OrderRequested"
    assert (asked.unit, asked.scale, asked.needed_by) == ("C62", 0, a.NOON + a.days(7))
