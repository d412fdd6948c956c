"""CloudEvents' binary mode in Kafka: attributes in `ce_` headers, the event's data in the value."""

from collections.abc import Sequence
from typing import Any

import msgspec

from replenish_contracts.validation import MalformedError

Headers = Sequence[tuple[str, bytes | None]]
PREFIX = "ce_"
STRUCTURED = "application/cloudevents"
#: Attributes that are read; external producers number nothing, so their `sequence` extension is ignored.
ATTRIBUTES = frozenset({"specversion", "id", "source", "type", "subject", "time", "cause", "traceparent"})
#: Of these, the ones that mark a record as binary.
REQUIRED = frozenset({"specversion", "id", "source", "type"})


class _Times(msgspec.Struct):
    received_at: str | None = None
    occurred_at: str | None = None


_READ_TIMES = msgspec.json.Decoder(_Times)
_READ_RAW = msgspec.json.Decoder(msgspec.Raw)


def as_structured(headers: Headers, value: bytes) -> bytes:
    """Return the value of a record in structured mode, built from its headers if it is in binary mode.

    Names of headers are read in any case. Raises MalformedError for headers or data that cannot be read exactly.
    """
    attributes: dict[str, Any] = {}
    media_type = ""
    for written, octets in headers:
        name = written.lower()
        if name == "content-type":
            media_type = _text(written, octets).partition(";")[0].strip().lower()
        elif name.startswith(PREFIX) and (attribute := name.removeprefix(PREFIX)) in ATTRIBUTES:
            text = _text(written, octets)
            if attributes.setdefault(attribute, text) != text:
                raise MalformedError(f"{written}: the header is there twice with different values; send it once")
    if media_type.startswith(STRUCTURED) or not REQUIRED & attributes.keys():
        return value
    if media_type not in {"", "application/json", "text/json"} and not media_type.endswith("+json"):
        raise MalformedError(f"content-type: {media_type[:60]!r} cannot be read; send application/json")
    return _build(attributes, value)


def _build(attributes: dict[str, Any], value: bytes) -> bytes:
    """Return the event in structured mode; without a time it has the time of its data."""
    try:
        data = _READ_RAW.decode(value)
        if "time" not in attributes:
            times = _READ_TIMES.decode(value)
            attributes["time"] = times.received_at or times.occurred_at
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedError(f"value: not the event's data ({error}); send one JSON object in UTF-8") from None
    return msgspec.json.encode(attributes | {"datacontenttype": "application/json", "data": data})


def _text(name: str, octets: bytes | None) -> str:
    try:
        return (octets or b"").decode()
    except UnicodeDecodeError:
        raise MalformedError(f"{name}: not UTF-8 (got {octets!r:.80}); send the header's text in UTF-8") from None
