"""Writes events as bytes and reads bytes as events; the fast lane is msgspec, the judge is pydantic."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Union, cast

import msgspec
import orjson

from libs.contracts.catalogue import CATALOGUE, Event, as_utc
from libs.contracts.envelope import Envelope, envelope_of
from libs.contracts.judge import Malformed, UnknownType, explain, judge, misplaced, parse
from libs.contracts.structs import fields_of
from libs.contracts.topics import Topic, find_topic

#: What msgspec raises for a value it will not read.
REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def encode(  # noqa: PLR0913  the attributes are CloudEvents'
    event: Event,
    *,
    id: str,  # noqa: A002  CloudEvents' own name
    source: str,
    time: datetime,
    sequence: int | None = None,
    cause: str | None = None,
    traceparent: str | None = None,
) -> bytes:
    """Return the event as CloudEvents 1.0 structured JSON; the same input gives the same bytes.

    Fields without a value are left out; times are UTC with a Z.
    """
    around = {
        "type": type(event).__name__,
        "specversion": "1.0",
        "id": id,
        "source": source,
        "subject": event.key,
        "time": as_utc(time),
    }
    if sequence is not None:
        around["sequence"] = str(sequence)
    if cause is not None:
        around["cause"] = cause
    if traceparent is not None:
        around["traceparent"] = traceparent
    around["datacontenttype"] = "application/json"
    head = orjson.dumps(around, option=orjson.OPT_UTC_Z)
    return b'%b,"data":%b}' % (head[:-1], event.model_dump_json(exclude_none=True).encode())


@cache
def decoder(topic: str) -> Callable[[bytes], Envelope]:
    """Return the function that reads the values of this topic, given by its own name or its pattern.

    What it returns has the attributes of Envelope, and `data` those of the event, but they are msgspec
    structs; `as_event` makes the pydantic event. It raises UnknownType, or Malformed with the reason.
    A moment told finer than in microseconds may differ by one microsecond from what pydantic reads.
    """
    place = find_topic(topic)
    read = _reader(place)

    def decode(value: bytes) -> Envelope:
        try:
            if not value.isascii():
                value.decode()  # msgspec skips unknown fields unread; nobody shall pass on what is not UTF-8
            if b"\\u0000" not in value:
                return read(value)
        except REFUSALS:
            pass
        return read(_judged(topic, value))

    return decode if place.provider_id is None else _of_one_provider(place, decode)


def as_event(envelope: Envelope) -> Event:
    """Return the pydantic event of a decoded envelope."""
    return CATALOGUE[envelope.type].model_validate(envelope.data, from_attributes=True)


def _judged(topic: str, value: bytes) -> bytes:
    """Write again, canonically, what pydantic accepts although msgspec did not read it."""
    told = judge(topic, value)
    return encode(
        told.data,
        id=told.id,
        source=told.source,
        time=told.time,
        sequence=int(told.sequence) if told.sequence else None,
        cause=told.cause,
        traceparent=told.traceparent,
    )


def _of_one_provider(topic: Topic, decode: Callable[[bytes], Envelope]) -> Callable[[bytes], Envelope]:
    def decode_own(value: bytes) -> Envelope:
        envelope = decode(value)
        if problem := misplaced(topic, envelope.data):
            raise Malformed(problem)
        return envelope

    return decode_own


class _Nothing(msgspec.Struct, tag_field="type", tag="\0"):
    """An arm no value can have: without it msgspec lets `type` be missing where a topic has one event only."""


def _reader(topic: Topic) -> Callable[[bytes], Envelope]:
    arms = (*(_struct(event) for event in topic.events), _Nothing)
    read = msgspec.json.Decoder(Union[arms]).decode  # noqa: UP007  the arms are computed
    return cast("Callable[[bytes], Envelope]", read)


@cache
def _struct(event: type[Event]) -> type[msgspec.Struct]:
    """Derive the struct of an envelope around this event; msgspec finds it by the `type` on the wire."""
    fields = [field for field in fields_of(envelope_of(event)) if field[0] != "type"]
    config: dict[str, Any] = {"frozen": True, "gc": False, "kw_only": True}
    return msgspec.defstruct(
        f"{event.__name__}Envelope",
        fields,
        tag_field="type",
        tag=event.__name__,
        namespace={"type": event.__name__},
        **config,
    )


__all__ = ["Envelope", "Malformed", "UnknownType", "as_event", "decoder", "encode", "explain", "parse"]
