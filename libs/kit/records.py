"""Decodes Kafka records into what handlers receive."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from libs.kit.errors import RejectedError
from replenish_contracts import wire
from replenish_contracts.catalogue import CATALOGUE, Event
from replenish_contracts.kafka_binding import as_structured
from replenish_contracts.topics import find_topic

#: Topic and partition.
Place = tuple[str, int]
#: Kafka headers; a name can be there more than once.
Headers = tuple[tuple[str, bytes | None], ...]


@cache
def is_ours(topic: str) -> bool:
    """Return whether only our services write this topic, so that a gap in its sequence proves a loss."""
    return not find_topic(topic).is_external


class Record(msgspec.Struct, gc=False):
    """One decoded record; `data` has the fields of the event `type`."""

    data: Any
    type: str
    id: str
    time: datetime
    key: str
    topic: str
    partition: int
    offset: int
    value: bytes
    sequence: int | None = None
    traceparent: str | None = None
    cause: str | None = None
    source: str = ""
    headers: Headers = ()


class Undecodable(msgspec.Struct, gc=False):
    """A record that cannot be decoded; `skip` marks event types this version does not know."""

    reason: str
    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    sequence: int | None
    skip: bool = False
    id: str | None = None
    headers: Headers = ()


class _Header(msgspec.Struct):
    id: str | None = None
    sequence: str | None = None


#: Longer ids are not stored; ours are UUIDs.
ID_LENGTH = 200
_HEADER = msgspec.json.Decoder(_Header)
_HEADERS = msgspec.json.Decoder(tuple[tuple[str, bytes | None], ...])
Decode = Callable[[ConsumerRecord], Record | Undecodable]


def decoder_for(topic: str) -> Decode:
    """Return the decoder of this topic's records; it never raises."""
    read = wire.decoder(topic)
    ours = is_ours(topic)

    def decode(raw: ConsumerRecord) -> Record | Undecodable:
        value, headers = raw.value or b"", tuple(raw.headers)
        try:
            envelope = read(value if ours or not headers else as_structured(headers, value))
            data = envelope.data
            return Record(
                data,
                envelope.type,
                envelope.id,
                envelope.time,
                getattr(data, KEY_FIELDS[envelope.type]),
                topic,
                raw.partition,
                raw.offset,
                value,
                int(envelope.sequence) if envelope.sequence is not None else None,
                envelope.traceparent,
                envelope.cause,
                envelope.source,
                headers,
            )
        except wire.UnknownTypeError as error:
            return _undecodable(raw, topic, f"unknown type {error}", skip=True)
        except (wire.MalformedError, RecursionError) as error:
            return _undecodable(raw, topic, str(error))

    return decode


KEY_FIELDS = {name: event.key_field for name, event in CATALOGUE.items()}


def read_id(raw: ConsumerRecord) -> str | None:
    """Return the id of a record that may not be decodable."""
    return _read_header(raw).id


def _read_header(raw: ConsumerRecord) -> _Header:
    try:
        value = raw.value or b""
        return _HEADER.decode(as_structured(raw.headers, value) if raw.headers and not is_ours(raw.topic) else value)
    except (wire.MalformedError, msgspec.MsgspecError, ValueError, RecursionError):
        return _Header()


def _undecodable(raw: ConsumerRecord, topic: str, reason: str, *, skip: bool = False) -> Undecodable:
    value, header = raw.value or b"", _read_header(raw)
    try:
        sequence = int(header.sequence) if header.sequence else None
    except ValueError:
        header, sequence = _Header(), None
    key = storable((raw.key or b"").decode(errors="replace"))
    record_id = header.id if header.id and header.id == storable(header.id, ID_LENGTH) else None
    headers = tuple(raw.headers)
    return Undecodable(reason, topic, raw.partition, raw.offset, key, value, sequence, skip, record_id, headers)


def encode_headers(headers: Headers) -> str | None:
    """Return headers as they are stored: JSON pairs of name and base64 value; None without headers."""
    return msgspec.json.encode(headers).decode() if headers else None


def decode_headers(stored: str | None) -> Headers:
    return _HEADERS.decode(stored) if stored else ()


def storable(text: str, length: int = 2000) -> str:
    """Return the text as Postgres can store it: NUL and lone surrogates replaced, cut to `length` characters."""
    return text.replace("\x00", "\\0").encode(errors="replace").decode()[:length]


def as_event(record: Record) -> Event:
    """Return the pydantic event of a decoded record.

    Raises RejectedError if pydantic rejects what msgspec accepted, which a property test rules out.
    """
    try:
        return CATALOGUE[record.type].model_validate(record.data, from_attributes=True)
    except ValueError as error:
        raise RejectedError(str(error)) from error
