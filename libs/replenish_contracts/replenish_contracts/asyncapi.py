"""The AsyncAPI 3.0 document of all events."""

from collections.abc import Mapping
from typing import Any

from replenish_contracts.catalogue import CATALOGUE, OUTSIDE, Event
from replenish_contracts.topics import PLACE, TOPICS, Topic

BINDING = "0.5.0"
#: By service name, the events it consumes.
ConsumedEvents = Mapping[str, frozenset[str]]


def asyncapi(version: str, consumes: ConsumedEvents) -> dict[str, Any]:
    """Return the document; payloads refer to the published schemas in the same folder."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "replenish",
            "version": version,
            "description": "Events between services, devices and providers: CloudEvents 1.0 as JSON over Kafka. "
            "The record's key is the event's subject. Fields are only ever added.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {"kafka": {"host": "localhost:9092", "protocol": "kafka"}},
        "channels": {_id(topic): _channel(topic) for topic in TOPICS.values()},
        "operations": _operations(consumes),
        "components": {"messages": {name: _message(event) for name, event in CATALOGUE.items()}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    parameters = (
        {"parameters": {"provider_id": {"description": "The provider that the topic belongs to."}}}
        if PLACE in topic.name
        else {}
    )
    reasons = "; ".join(f"{name}: {setting.reason}" for name, setting in topic.settings.items())
    return {
        "address": topic.name,
        "description": f"Reasons for the settings: {reasons}.",
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"} for event in topic.events},
        **parameters,
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.config["cleanup.policy"]],
                    "retention.ms": int(topic.config["retention.ms"]),
                    "message.timestamp.type": topic.config["message.timestamp.type"],
                },
                "bindingVersion": BINDING,
            }
        },
    }


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.__name__,
        "title": event.__name__,
        "summary": " ".join((event.__doc__ or "").split()),
        "contentType": "application/cloudevents+json",
        "payload": {"$ref": f"schemas/{event.__name__}.json"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"data.{event.key_field}"},
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(consumes: ConsumedEvents) -> dict[str, Any]:
    operations = {}
    for topic in TOPICS.values():
        for publisher in sorted(topic.publishers):
            published = [event.__name__ for event in topic.events if event.owner == publisher]
            operations[f"{publisher}_publishes_{_id(topic)}"] = _operation("send", publisher, topic, published)
        for service, consumed in sorted(consumes.items()):
            names = [event.__name__ for event in topic.events if event.__name__ in consumed]
            if names:
                operations[f"{service}_consumes_{_id(topic)}"] = _operation("receive", service, topic, names)
    return operations


def _operation(action: str, service: str, topic: Topic, messages: list[str]) -> dict[str, Any]:
    channel = f"#/channels/{_id(topic)}"
    who = "a provider" if service == OUTSIDE else service.replace("_", "-")
    return {
        "action": action,
        "channel": {"$ref": channel},
        "title": f"{who} {'says' if action == 'send' else 'hears'} {topic.name}",
        "tags": [{"name": who}],
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in messages],
    }


def _id(topic: Topic) -> str:
    return topic.name.replace(f"-{PLACE}", "").replace("-", "_")
