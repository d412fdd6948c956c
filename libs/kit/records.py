"""A record of a topic, from its bytes to what a handler gets."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from libs.contracts import wire
from libs.contracts.catalogue import CATALOGUE, Event
from libs.contracts.topics import find_topic
from libs.kit.failures import Refuse


@cache
def is_ours(topic: str) -> bool:
    """Tell whether only our own services write this topic, so that a gap in it proves a loss."""
    return not find_topic(topic).from_outside


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
    """A record whose bytes say nothing we know; `skip` where that is no fault."""

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


#: A longer id cannot be one of ours and proves nothing worth keeping.
ID_LENGTH = 200
_HEADER = msgspec.json.Decoder(_Header)
Decode = Callable[[ConsumerRecord], Record | Undecodable]


def decoder_for(topic: str) -> Decode:
    """Return the function that turns raw records of this topic into decoded ones; it never raises."""
    read = wire.decoder(topic)

    def decode(raw: ConsumerRecord) -> Record | Undecodable:
        value = raw.value or b""
        try:
            said = read(value)
            data = said.data
            return Record(
                data,
                said.type,
                said.id,
                said.time,
                getattr(data, KEY_FIELDS[said.type]),
                topic,
                raw.partition,
                raw.offset,
                value,
                int(said.sequence) if said.sequence is not None else None,
                said.traceparent,
                said.cause,
            )
        except wire.UnknownType as unknown:
            return _undecodable(raw, topic, f"unknown type {unknown}", skip=True)
        except (wire.Malformed, RecursionError) as refused:
            return _undecodable(raw, topic, str(refused))

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
    """Return the text as Postgres can keep it: no NUL, no half of a surrogate pair, no more than a page."""
    return text.replace("\x00", "\\0").encode(errors="replace").decode()[:length]


def as_event(record: Record) -> Event:
    """Return the pydantic event of a decoded record.

    Raises Refuse in pydantic's words where the two readers disagree, which a property test rules out.
    """
    try:
        return CATALOGUE[record.type].model_validate(record.data, from_attributes=True)
    except ValueError as refused:
        raise Refuse(str(refused)) from refused
