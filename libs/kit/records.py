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
from replenish_contracts.topics import find_topic

#: Topic and partition.
Place = tuple[str, int]


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


class _Header(msgspec.Struct):
    id: str | None = None
    sequence: str | None = None


#: Longer ids are not stored; ours are UUIDs.
ID_LENGTH = 200
_HEADER = msgspec.json.Decoder(_Header)
Decode = Callable[[ConsumerRecord], Record | Undecodable]


def decoder_for(topic: str) -> Decode:
    """Return the decoder of this topic's records; it never raises."""
    read = wire.decoder(topic)

    def decode(raw: ConsumerRecord) -> Record | Undecodable:
        value = raw.value or b""
        try:
            envelope = read(value)
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
            )
        except wire.UnknownTypeError as error:
            return _undecodable(raw, topic, f"unknown type {error}", skip=True)
        except (wire.MalformedError, RecursionError) as error:
            return _undecodable(raw, topic, str(error))

    return decode


KEY_FIELDS = {name: event.key_field for name, event in CATALOGUE.items()}


def _undecodable(raw: ConsumerRecord, topic: str, reason: str, *, skip: bool = False) -> Undecodable:
    value = raw.value or b""
    try:
        header = _HEADER.decode(value)
        sequence = int(header.sequence) if header.sequence else None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
        header, sequence = _Header(), None
    key = storable((raw.key or b"").decode(errors="replace"))
    record_id = header.id if header.id and header.id == storable(header.id, ID_LENGTH) else None
    return Undecodable(reason, topic, raw.partition, raw.offset, key, value, sequence, skip, record_id)


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
