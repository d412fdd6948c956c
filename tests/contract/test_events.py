"""Every event has one publisher and a consumer, and old messages stay readable."""

import copy
import json
from datetime import UTC, datetime

import pytest

from deploy.reference.contracts import PUBLISHED, consumes, services
from replenish_contracts.catalogue import CATALOGUE, OUTSIDE, published_by
from replenish_contracts.events import SlotUsed
from replenish_contracts.golden import example_of, read_example
from replenish_contracts.schemas import changes_that_break, schema_of
from replenish_contracts.topics import TOPICS
from replenish_contracts.wire import UnknownTypeError, as_event, decoder

SERVICES, MISSING = services()
EVENTS = pytest.mark.parametrize("event", CATALOGUE.values(), ids=CATALOGUE)
SERVICE = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)

#: Events that no service consumes, and their readers.
FOR_OTHERS = {
    **dict.fromkeys(("OrderRequested", "CancelRequested", "OrderStatusRequested"), "the provider"),
    **dict.fromkeys(("CustomerJoined", "CustomerChanged"), "external customer systems"),
    **dict.fromkeys(("FraudFlagged", "FraudCleared"), "external fraud monitoring"),
    **dict.fromkeys(("LinkCreated", "LinkEnded", "ProviderSubscriptionChanged"), "external systems that follow links"),
    **dict.fromkeys(
        ("PaymentAuthorized", "PaymentCaptured", "PaymentFailed", "PaymentVoided"), "accounting, the judge"
    ),
    "StockReleased": "external stock systems, the judge",
}


class TestConversation:
    def test_has_all_its_services(self):
        assert MISSING == []

    @EVENTS
    def test_every_event_has_its_one_speaker(self, event):
        speakers = [name for name, service in SERVICES.items() if event in service.publishes]

        assert speakers == ([] if event.owner == OUTSIDE else [event.owner])

    @SERVICE
    def test_nobody_says_what_he_does_not_own(self, service):
        assert [event.__name__ for event in service.publishes if event.owner != service.name] == []

    @SERVICE
    def test_nobody_hears_what_nobody_says(self, service):
        said = {event.__name__ for other in SERVICES.values() for event in other.publishes}
        said |= {name for name, event in CATALOGUE.items() if event.owner == OUTSIDE}

        assert consumes(SERVICES)[service.name] - said == set()

    @EVENTS
    def test_what_no_service_hears_is_for_others(self, event):
        heard = set().union(*consumes(SERVICES).values())

        assert event.__name__ in heard or event.__name__ in FOR_OTHERS

    @SERVICE
    def test_is_given_of_a_topic_only_what_is_on_it(self, service):
        for topic, events in service.batch_events.items():
            assert topic in service.consumes_in_batches
            assert set(events) < set(TOPICS[topic].events)

    @SERVICE
    def test_a_topic_is_heard_one_by_one_or_in_batches(self, service):
        assert {event.topic for event in service.consumes} & set(service.consumes_in_batches) == set()
        assert set(service.consumes_in_batches) <= set(TOPICS)

    @EVENTS
    def test_the_key_is_a_field_that_is_always_there(self, event):
        field = event.model_fields[event.key_field]

        assert field.is_required()
        assert field.annotation is str

    @EVENTS
    def test_a_fact_is_in_words(self, event):
        assert event.__doc__
        assert event.__doc__.strip().endswith(".")

    @EVENTS
    def test_a_field_without_a_value_may_be_left_out(self, event):
        # encode writes no nulls, so null must be what is read when a field is missing.
        for name, field in event.model_fields.items():
            if type(None) in getattr(field.annotation, "__args__", ()):
                assert field.default is None, name

    def test_refuses_a_key_that_is_no_field(self):
        with pytest.raises(TypeError, match="not one of its fields"):
            published_by("gateway", topic="usage", key="colour")(SlotUsed)

    def test_refuses_a_second_event_of_a_name(self):
        with pytest.raises(TypeError, match="twice"):
            published_by("gateway", topic="usage", key="device_id")(SlotUsed)


class TestOldMessages:
    @EVENTS
    def test_golden_examples_are_still_read(self, event):
        value = (PUBLISHED / "golden" / f"{event.__name__}.json").read_bytes()

        told = read_example(event, value)

        for name, was in json.loads(value)["data"].items():
            assert json.loads(told.model_dump_json())[name] == was

    def test_golden_examples_belong_to_events(self):
        assert {path.stem for path in (PUBLISHED / "golden").iterdir()} == set(CATALOGUE)

    @EVENTS
    def test_unknown_fields_are_ignored(self, event):
        document = json.loads(example_of(event))
        plain = decoder(event.topic)(json.dumps(document).encode())
        document["unheard"] = {"of": [1, None]}
        document["data"]["unheard"] = {"of": [1, None]}

        assert as_event(decoder(event.topic)(json.dumps(document).encode())) == as_event(plain)

    @pytest.mark.parametrize("topic", TOPICS)
    def test_unknown_types_are_told_apart_from_broken_ones(self, topic):
        document = json.loads(example_of(TOPICS[topic].events[0]))
        document["type"] += "V2"

        with pytest.raises(UnknownTypeError):
            decoder(topic)(json.dumps(document).encode())


SCHEMA = schema_of(SlotUsed)


def changed(change):
    schema = copy.deepcopy(SCHEMA)
    change(schema["$defs"]["SlotUsed"])
    return schema


class TestAdditiveOnly:
    @EVENTS
    def test_published_schemas_only_grow(self, event):
        published = json.loads((PUBLISHED / "schemas" / f"{event.__name__}.json").read_text())

        assert changes_that_break(published, schema_of(event)) == []

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda data: data["properties"].pop("seq"), "/properties/seq is gone"),
            (lambda data: data["properties"]["quantity"].update(type="number"), "/quantity/type: was 'integer'"),
            (lambda data: data["properties"]["quantity"].update(minimum=1), "/quantity/minimum: was 0, is 1"),
            (lambda data: data["properties"]["quantity"].pop("maximum"), "/quantity/maximum: was 9007"),
            (lambda data: data["properties"]["boot"]["anyOf"].pop(), "/boot/anyOf: was"),
            (lambda data: data["required"].remove("slot"), "slot became optional"),
            (lambda data: data["required"].append("seq"), "seq became required"),
            (
                lambda data: data["properties"]["occurred_at"].update(format="date"),
                "/occurred_at/format: was 'date-time'",
            ),
        ],
    )
    def test_names_what_breaks(self, change, words):
        broken = changes_that_break(SCHEMA, changed(change))

        assert len(broken) == 1
        assert words in broken[0]

    @pytest.mark.parametrize(
        "change",
        [
            lambda data: data["properties"].update(colour={"type": "string", "default": ""}),
            lambda data: data["properties"]["slot"].update(description="Which one."),
            lambda data: data.update(description="Something was used."),
        ],
    )
    def test_lets_optional_fields_and_better_words_in(self, change):
        assert changes_that_break(SCHEMA, changed(change)) == []

    def test_lets_choices_grow_but_not_go(self):
        assert changes_that_break({"enum": ["a"]}, {"enum": ["a", "b"]}) == []
        assert changes_that_break({"enum": ["a", "b"]}, {"enum": ["a"]}) == ["/enum: 'b' is gone"]

    def test_reads_yesterdays_messages_that_lack_a_new_field(self):
        told = json.loads(example_of(SlotUsed))
        for optional in ("boot", "seq", "report_id"):
            del told["data"][optional]

        assert decoder("usage")(json.dumps(told).encode()).data.occurred_at == datetime(2026, 1, 1, 8, tzinfo=UTC)
