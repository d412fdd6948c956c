"""Validates messages with the pydantic classes; errors state the field, the problem and the expected value."""

from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from replenish_contracts.catalogue import CATALOGUE, Event
from replenish_contracts.envelope import Envelope, envelope_of
from replenish_contracts.events.providers import OrderUpdated
from replenish_contracts.moments import settle_leap_second
from replenish_contracts.topics import Topic, find_topic
from replenish_contracts.updates import read_update

#: Limits error texts: a hostile message could have a million problems.
MAX_PROBLEMS = 10

Model = TypeVar("Model", bound=BaseModel)


class MalformedError(ValueError):
    """A message does not match its topic; the text names the field, the problem and the expected value."""


class UnknownTypeError(Exception):
    """An event type that is not in the catalogue, perhaps of a newer version; it is counted and skipped."""

    def __init__(self, event_type: str) -> None:
        super().__init__(f"no event is called {event_type[:200]!r}")
        self.type = event_type


def parse(event_type: str, data: bytes | dict[str, Any]) -> Event:
    """Return the event with this `data`; raises UnknownTypeError, or MalformedError with pydantic's errors.

    Types are strict: "1" is no number and 1767254400 is no time.
    """
    event = CATALOGUE.get(event_type)
    if event is None:
        raise UnknownTypeError(event_type)
    return _validate(event, data if isinstance(data, bytes) else orjson.dumps(data))


def validate(topic: str, value: bytes) -> Envelope:
    """Return the validated envelope with its pydantic event; raises UnknownTypeError or MalformedError.

    Of an OrderUpdated, invalid details are left out, with notes about them.
    """
    place = find_topic(topic)
    try:
        envelope = _validate(envelope_of(_event_of(place, value)), value)
    except MalformedError:
        repaired = _read_update(value) if OrderUpdated in place.events else None
        if repaired is None:
            raise
        envelope = repaired
    if problem := find_wrong_provider(place, envelope.data):
        raise MalformedError(problem)
    return envelope


def _read_update(value: bytes) -> Envelope | None:
    try:
        return read_update(value)
    except (ValueError, RecursionError):
        return None


def explain(topic: str, value: bytes) -> str | None:
    """Return why this value is invalid on this topic, or None if it is valid."""
    try:
        validate(topic, value)
    except (MalformedError, UnknownTypeError) as error:
        return str(error)
    return None


def find_wrong_provider(topic: Topic, event: Any) -> str | None:
    """Return the problem if the event belongs to another provider's topic, else None."""
    if topic.provider_id is None or topic.provider_id == event.provider_id:
        return None
    return f"data.provider_id: {event.provider_id!r} has a topic of its own; here it must be {topic.provider_id!r}"


def _event_of(topic: Topic, value: bytes) -> type[Event]:
    try:
        document = from_json(value)
    except ValueError as error:
        raise MalformedError(f"value: not JSON ({error}); send one CloudEvents 1.0 object in UTF-8") from None
    known = {event.__name__: event for event in topic.events}
    event_type = document.get("type") if isinstance(document, dict) else None
    if not isinstance(event_type, str):
        raise MalformedError(f"type: missing; send a CloudEvents 1.0 object whose type is one of {', '.join(known)}")
    if event_type not in CATALOGUE:
        raise UnknownTypeError(event_type)
    if event_type not in known:
        raise MalformedError(
            f"type: {event_type} does not belong on {topic.name}; this topic carries {', '.join(known)}"
        )
    return known[event_type]


def _validate(model: type[Model], value: bytes) -> Model:
    try:
        return model.model_validate_json(value, strict=True)
    except ValidationError as error:
        settled = _settle_leap_seconds(value, error)
        if settled is None or settled == value:
            raise MalformedError("; ".join(_messages(error))) from None
    return _validate(model, settled)


def _settle_leap_seconds(value: bytes, error: ValidationError) -> bytes | None:
    """Return the value with the last microsecond before each leap second that pydantic refused, None without any."""
    document: Any = None
    for problem in error.errors(include_url=False, include_context=False):
        if not problem["type"].startswith("datetime") or not isinstance(problem["input"], str):
            continue
        if (settled := settle_leap_second(problem["input"])) is None:
            continue
        document = document or from_json(value)
        *path, last = problem["loc"]
        parent: Any = document
        for part in path:
            parent = parent[part]
        parent[last] = settled
    return None if document is None else orjson.dumps(document)


def _messages(error: ValidationError) -> list[str]:
    problems = error.errors(include_url=False, include_context=False)
    messages = [
        f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}{_received_value(problem['input'])}"
        for problem in problems[:MAX_PROBLEMS]
    ]
    more = len(problems) - MAX_PROBLEMS
    return [*messages, f"and {more} more"] if more > 0 else messages


def _received_value(value: object) -> str:
    return "" if isinstance(value, dict | list) else f" (got {str(value)[:80]!r})"
