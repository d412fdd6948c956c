"""Judges messages by the pydantic classes, in words that tell the sender what would be right."""

from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from libs.contracts.catalogue import CATALOGUE, Event
from libs.contracts.envelope import Envelope, envelope_of
from libs.contracts.topics import Topic, find_topic

#: Enough to mend a message by; a hostile one could have a million problems.
PROBLEMS_TOLD = 10

Model = TypeVar("Model", bound=BaseModel)


class Malformed(ValueError):  # noqa: N818  failures are named by what happened
    """A message is not what its topic carries; the text says which field, what is wrong and what would be right."""


class UnknownType(Exception):  # noqa: N818  failures are named by what happened
    """An event of a type nobody here knows, perhaps of a newer version; it is counted and skipped."""

    def __init__(self, event_type: str) -> None:
        super().__init__(f"no event is called {event_type[:200]!r}")
        self.type = event_type


def parse(event_type: str, data: bytes | dict[str, Any]) -> Event:
    """Return the event whose `data` part this is; raises UnknownType, or Malformed with pydantic's explanation.

    Types are strict as on the wire: "1" is no number and 1767254400 is no time.
    """
    event = CATALOGUE.get(event_type)
    if event is None:
        raise UnknownType(event_type)
    return _strictly(event, data if isinstance(data, bytes) else orjson.dumps(data))


def judge(topic: str, value: bytes) -> Envelope:
    """Return the envelope, with a pydantic event as its data; raises UnknownType, or Malformed with the reason."""
    place = find_topic(topic)
    event = _event_of(place, value)
    envelope = _strictly(envelope_of(event), value)
    if problem := misplaced(place, envelope.data):
        raise Malformed(problem)
    return envelope


def explain(topic: str, value: bytes) -> str | None:
    """Return why this value is refused on this topic, or None if it is fine."""
    try:
        judge(topic, value)
    except (Malformed, UnknownType) as refusal:
        return str(refusal)
    return None


def misplaced(topic: Topic, event: Any) -> str | None:
    """Return what is wrong with saying this event on this concrete topic, which may be one provider's own."""
    if topic.provider_id is None or topic.provider_id == event.provider_id:
        return None
    return f"data.provider_id: {event.provider_id!r} has a topic of its own; here it must be {topic.provider_id!r}"


def _event_of(topic: Topic, value: bytes) -> type[Event]:
    try:
        document = from_json(value)
    except ValueError as refusal:
        raise Malformed(f"value: not JSON ({refusal}); send one CloudEvents 1.0 object in UTF-8") from None
    known = {event.__name__: event for event in topic.events}
    told = document.get("type") if isinstance(document, dict) else None
    if not isinstance(told, str):
        raise Malformed(f"type: missing; send a CloudEvents 1.0 object whose type is one of {', '.join(known)}")
    if told not in CATALOGUE:
        raise UnknownType(told)
    if told not in known:
        raise Malformed(f"type: {told} is not said on {topic.name}; here go {', '.join(known)}")
    return known[told]


def _strictly(model: type[Model], value: bytes) -> Model:
    try:
        return model.model_validate_json(value, strict=True)
    except ValidationError as refusal:
        raise Malformed("; ".join(_words(refusal))) from None


def _words(refusal: ValidationError) -> list[str]:
    problems = refusal.errors(include_url=False, include_context=False)
    words = [
        f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}{_sent(problem['input'])}"
        for problem in problems[:PROBLEMS_TOLD]
    ]
    more = len(problems) - PROBLEMS_TOLD
    return [*words, f"and {more} more"] if more > 0 else words


def _sent(value: object) -> str:
    return "" if isinstance(value, dict | list) else f" (got {str(value)[:80]!r})"
