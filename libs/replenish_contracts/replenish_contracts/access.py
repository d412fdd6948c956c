"""Kafka ACLs of each service, provider and device maker, derived from the catalogue."""

from collections.abc import Iterator
from typing import Any

from replenish_contracts.asyncapi import ConsumedEvents
from replenish_contracts.catalogue import OUTSIDE
from replenish_contracts.topics import FRONT_DOOR, PATTERNS, PLACE, TOPICS, Topic

Rule = dict[str, str]


def acls(consumes: ConsumedEvents) -> dict[str, Any]:
    """Return the rules by principal; those of providers and device makers are templates."""
    return {
        "services": {
            f"User:replenish-{_hyphens(name)}": list(_of_service(name, consumes[name])) for name in sorted(consumes)
        },
        "provider": {f"User:provider-{PLACE}": list(_of_provider())},
        "device_maker": {"User:maker-{maker_id}": [_rule("Topic", FRONT_DOOR, does) for does in ("Describe", "Write")]},
    }


def _of_service(name: str, heard: frozenset[str]) -> Iterator[Rule]:
    yield _rule("Group", _hyphens(name), "Read")
    asks_providers = any(name in topic.publishers for topic in PATTERNS)
    for topic in TOPICS.values():
        says = name in topic.publishers
        consumes = bool(heard & {event.__name__ for event in topic.events})
        if topic in PATTERNS and asks_providers:
            yield _on(topic, "Create")
        if says or consumes:
            # A relay that takes over reads the end of its own topics to find what was acknowledged.
            yield from (_on(topic, "Describe"), _on(topic, "Read"))
        if says:
            yield _on(topic, "Write")


def _of_provider() -> Iterator[Rule]:
    # LITERAL, because one provider's name can be a prefix of another's.
    yield _rule("Group", f"provider-{PLACE}", "Read")
    for topic in PATTERNS:
        writes = OUTSIDE in topic.publishers
        for operation in ("Describe", "Write" if writes else "Read"):
            yield _rule("Topic", topic.name, operation)


def _on(topic: Topic, operation: str) -> Rule:
    if topic in PATTERNS:
        return {**_rule("Topic", topic.name.removesuffix(PLACE), operation), "pattern_type": "PREFIXED"}
    return _rule("Topic", topic.name, operation)


def _rule(kind: str, name: str, operation: str) -> Rule:
    return {
        "resource_type": kind,
        "name": name,
        "pattern_type": "LITERAL",
        "operation": operation,
        "permission": "Allow",
        "host": "*",
    }


def _hyphens(name: str) -> str:
    return name.replace("_", "-")
