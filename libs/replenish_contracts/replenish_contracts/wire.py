"""Encodes and decodes events: msgspec on the hot path, pydantic for what msgspec rejects."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Union, cast

import msgspec
import orjson

from replenish_contracts.catalogue import CATALOGUE, Event, as_utc
from replenish_contracts.envelope import Envelope, envelope_of
from replenish_contracts.structs import fields_of
from replenish_contracts.topics import Topic, find_topic
from replenish_contracts.validation import (
    MalformedError,
    UnknownTypeError,
    explain,
    find_wrong_provider,
    parse,
    validate,
)

#: Errors of msgspec for a value it rejects.
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
    """Return the decoder of this topic's values; `topic` is its name or pattern.

    It returns msgspec structs with the attributes of Envelope and of the event; `as_event` converts them to the
    pydantic event. It raises UnknownTypeError, or MalformedError with the reason. A time finer than microseconds may
    differ by
    one microsecond from pydantic's.
    """
    place = find_topic(topic)
    read = _reader(place)

    def decode(value: bytes) -> Envelope:
        try:
            if not value.isascii():
                value.decode()  # msgspec does not check UTF-8 in unknown fields, which it skips
            if b"\\u0000" not in value:
                return read(value)
        except REFUSALS:
            pass
        return read(_reencode(topic, value))

    return decode if place.provider_id is None else _of_one_provider(place, decode)


def as_event(envelope: Envelope) -> Event:
    return CATALOGUE[envelope.type].model_validate(envelope.data, from_attributes=True)


def _reencode(topic: str, value: bytes) -> bytes:
    """Re-encode canonically a value that pydantic accepts and msgspec rejected."""
    envelope = validate(topic, value)
    return encode(
        envelope.data,
        id=envelope.id,
        source=envelope.source,
        time=envelope.time,
        sequence=int(envelope.sequence) if envelope.sequence else None,
        cause=envelope.cause,
        traceparent=envelope.traceparent,
    )


def _of_one_provider(topic: Topic, decode: Callable[[bytes], Envelope]) -> Callable[[bytes], Envelope]:
    def decode_own(value: bytes) -> Envelope:
        envelope = decode(value)
        if problem := find_wrong_provider(topic, envelope.data):
            raise MalformedError(problem)
        return envelope

    return decode_own


class _NoEvent(msgspec.Struct, tag_field="type", tag="\0"):
    """A union member that matches no value: with only one member, msgspec would let `type` be missing."""


def _reader(topic: Topic) -> Callable[[bytes], Envelope]:
    arms = (*(_struct(event) for event in topic.events), _NoEvent)
    read = msgspec.json.Decoder(Union[arms]).decode  # noqa: UP007  the arms are computed
    return cast("Callable[[bytes], Envelope]", read)


@cache
def _struct(event: type[Event]) -> type[msgspec.Struct]:
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


__all__ = ["Envelope", "MalformedError", "UnknownTypeError", "as_event", "decoder", "encode", "explain", "parse"]
