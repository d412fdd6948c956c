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
    **dict.fromkeys(("FraudFlagged", "FraudCleared"), "external fraud monitoring"),
    **dict.fromkeys(
        ("PaymentAuthorized", "PaymentCaptured", "PaymentFailed", "PaymentVoided"), "accounting, the judge"
    ),
    "StockReleased": "external stock systems, the judge",
}


class TestEvents:
    def test_all_services_are_found(self):
        assert MISSING == []

    @EVENTS
    def test_event_has_one_publisher(self, event):
        speakers = [name for name, service in SERVICES.items() if event in service.publishes]

        assert speakers == ([] if event.owner == OUTSIDE else [event.owner])

    @SERVICE
    def test_service_publishes_only_its_events(self, service):
        assert [event.__name__ for event in service.publishes if event.owner != service.name] == []

    @SERVICE
    def test_consumed_events_are_published(self, service):
        said = {event.__name__ for other in SERVICES.values() for event in other.publishes}
        said |= {name for name, event in CATALOGUE.items() if event.owner == OUTSIDE}

        assert consumes(SERVICES)[service.name] - said == set()

    @EVENTS
    def test_event_without_consumer_has_external_reader(self, event):
        heard = set().union(*consumes(SERVICES).values())

        assert event.__name__ in heard or event.__name__ in FOR_OTHERS

    @SERVICE
    def test_handlers_match_topic_events(self, service):
        for topic, events in service.batch_events.items():
            assert topic in service.consumes_in_batches
            assert set(events) < set(TOPICS[topic].events)

    @SERVICE
    def test_topic_is_consumed_singly_or_in_batches(self, service):
        assert {event.topic for event in service.consumes} & set(service.consumes_in_batches) == set()
        assert set(service.consumes_in_batches) <= set(TOPICS)

    @EVENTS
    def test_key_is_required_field(self, event):
        field = event.model_fields[event.key_field]

        assert field.is_required()
        assert field.annotation is str

    @EVENTS
    def test_event_has_description(self, event):
        assert event.__doc__
        assert event.__doc__.strip().endswith(".")

    @EVENTS
    def test_optional_field_has_default(self, event):
        # encode omits nulls, so a missing field must be decoded as null.
        for name, field in event.model_fields.items():
            if type(None) in getattr(field.annotation, "__args__", ()):
                assert field.default is None, name

    def test_key_that_is_no_field_is_refused(self):
        with pytest.raises(TypeError, match="not one of its fields"):
            published_by("gateway", topic="usage", key="colour")(SlotUsed)

    def test_duplicate_event_name_is_refused(self):
        with pytest.raises(TypeError, match="twice"):
            published_by("gateway", topic="usage", key="device_id")(SlotUsed)


class TestOldMessages:
    @EVENTS
    def test_golden_example_is_decoded(self, event):
        value = (PUBLISHED / "golden" / f"{event.__name__}.json").read_bytes()

        told = read_example(event, value)

        for name, was in json.loads(value)["data"].items():
            assert json.loads(told.model_dump_json())[name] == was

    def test_golden_examples_have_events(self):
        assert {path.stem for path in (PUBLISHED / "golden").glob("*.json")} == set(CATALOGUE)

    @EVENTS
    def test_unknown_fields_are_ignored(self, event):
        document = json.loads(example_of(event))
        plain = decoder(event.topic)(json.dumps(document).encode())
        document["unheard"] = {"of": [1, None]}
        document["data"]["unheard"] = {"of": [1, None]}

        assert as_event(decoder(event.topic)(json.dumps(document).encode())) == as_event(plain)

    @pytest.mark.parametrize("topic", TOPICS)
    def test_unknown_type_differs_from_invalid_event(self, topic):
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
    def test_breaking_change_is_named(self, change, words):
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
    def test_optional_field_and_new_description_are_accepted(self, change):
        assert changes_that_break(SCHEMA, changed(change)) == []

    def test_enum_may_grow_but_not_shrink(self):
        assert changes_that_break({"enum": ["a"]}, {"enum": ["a", "b"]}) == []
        assert changes_that_break({"enum": ["a", "b"]}, {"enum": ["a"]}) == ["/enum: 'b' is gone"]

    def test_old_message_without_new_field_is_decoded(self):
        told = json.loads(example_of(SlotUsed))
        for optional in ("boot", "seq", "report_id"):
            del told["data"][optional]

        assert decoder("usage")(json.dumps(told).encode()).data.occurred_at == datetime(2026, 1, 1, 8, tzinfo=UTC)
