"""Reports as CloudEvents 1.0 over HTTP: structured, batched and binary.

The event's type is the report's type, its data the report's fields; `subject` may say
`device` or `device/slot`, `time` is the report's time and `id` its name. Fields nobody knows
are ignored, as CloudEvents asks of every reader.
"""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import unquote

import msgspec
from msgspec.structs import fields

from services.gateway.domain.bodies import Bounds, deeper_than, split, too_deep
from services.gateway.domain.drafts import KINDS, Draft, Name
from services.gateway.domain.explaining import explain, unknown_type
from services.gateway.domain.refusals import MalformedRequestError, Refusal, refuse

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
#: Its presence makes a request a CloudEvent in binary mode.
MARK = "ce-specversion"


class CloudEvent(msgspec.Struct, kw_only=True, gc=False):
    """The attributes we read; all others are ignored."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Name
    subject: str | None = None
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


def _ignoring_unknown(kind: type[Draft]) -> msgspec.json.Decoder[Draft]:
    """Derive a reader of the same fields that ignores others."""
    same = [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in fields(kind)
    ]
    return msgspec.json.Decoder(msgspec.defstruct(kind.__name__, same, kw_only=True, gc=False))


_EVENT = msgspec.json.Decoder(CloudEvent)
_DATA = {name: _ignoring_unknown(kind) for name, kind in KINDS.items()}


def read_structured(body: bytes, bounds: Bounds) -> list[Draft | Refusal]:
    """Return the report of one structured event, or why it cannot be read."""
    found = _read(split(body, bounds._replace(reports=1))[0])
    if isinstance(found, Refusal) and found.code == "malformed_json":
        raise MalformedRequestError(found.code, found.problem)
    return [found]


def read_batch(body: bytes, bounds: Bounds) -> list[Draft | Refusal]:
    """Return the report of each event of a batch, or why it cannot be read."""
    if body.lstrip()[:1] != b"[":
        raise MalformedRequestError("malformed_json", "a batch of CloudEvents is a JSON array")
    return [_read(item) for item in split(body, bounds)]


def read_binary(headers: Mapping[str, str], body: bytes, bounds: Bounds) -> list[Draft | Refusal]:
    """Return the report whose attributes are `ce-` headers and whose data is the body."""
    if deeper_than(body, bounds.depth):
        raise too_deep()
    attributes = {name[3:]: unquote(_unwrapped(value)) for name, value in headers.items() if name.startswith("ce-")}
    try:
        event = msgspec.convert(attributes, CloudEvent)
    except msgspec.ValidationError as error:
        return [_wrong_envelope(error)]
    event.data = msgspec.Raw(body)
    return [_draft(event)]


def _unwrapped(value: str) -> str:
    """Return a header's value without the quotes that RFC 7230 allows around it; percents are decoded after that."""
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value


def _read(item: bytes | msgspec.Raw) -> Draft | Refusal:
    try:
        return _draft(_EVENT.decode(item))
    except msgspec.ValidationError as error:
        return _wrong_envelope(error)
    except RecursionError:
        raise too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return refuse("malformed_json", None, str(error), "send valid JSON in UTF-8")


def _wrong_envelope(wrong: msgspec.ValidationError) -> Refusal:
    remedy = "send specversion 1.0, id, source, type and data as CloudEvents 1.0 defines them"
    return refuse("invalid_cloudevent", None, str(wrong), remedy)


def _draft(event: CloudEvent) -> Draft | Refusal:
    kind = KINDS.get(event.type)
    if kind is None:
        return unknown_type(event.type)
    try:
        raw = base64.b64decode(event.data_base64, validate=True) if event.data_base64 else bytes(event.data)
    except ValueError as error:  # base64's own error is one, and what it says of letters no ASCII has
        return refuse("invalid_cloudevent", "data_base64", str(error), "send the data as JSON in data")
    if not raw:
        return refuse("missing_field", "data", "the event has no data", "send the report's fields in data")
    try:
        loose = _DATA[event.type].decode(raw)
    except RecursionError:
        raise too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _explain(raw, kind)
    draft = kind(**msgspec.structs.asdict(loose))
    return _surrounded(draft, event)


def _explain(raw: bytes, kind: type[Draft]) -> Refusal:
    try:
        return explain(msgspec.json.decode(raw), kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return refuse("malformed_json", "data", str(error), "send valid JSON in UTF-8")


def _surrounded(draft: Draft, event: CloudEvent) -> Draft | Refusal:
    """Fill in what the envelope says; where it contradicts the data, nobody can know who is right."""
    device, slash, slot = (event.subject or "").rpartition("/")
    if not slash:
        device, slot = slot, ""
    said = {"device_id": device or None, "slot": slot or None}
    for name, value in said.items():
        inside = getattr(draft, name)
        if value and inside and value != inside:
            problem = f"subject says {value[:60]!r} and data says {inside[:60]!r}"
            return refuse("contradiction", name, problem, "let subject and data agree, or leave one out")
        if value and not inside:
            setattr(draft, name, value)
    draft.id = event.id
    draft.occurred_at = draft.occurred_at or event.time
    return draft
