"""Reports as CloudEvents 1.0 over HTTP in structured, batched and binary mode.

The event's `type` is the report's type and its `data` the report's fields. `subject` may be `device` or `device/slot`,
`time` is the default of `occurred_at`, and `id` is the report's id. Unknown attributes and fields are ignored, as the
CloudEvents specification requires of consumers.
"""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import unquote

import msgspec
from msgspec.structs import fields

from services.gateway.domain.refusals import MalformedRequestError, Refusal, explain, too_deep, unknown_type
from services.gateway.domain.reports import REPORT_TYPES, Name, Report
from services.gateway.facades.plain_json import BodyLimits, is_deeper_than, split_body

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
#: Header that marks a request as a CloudEvent in binary mode.
BINARY_HEADER = "ce-specversion"


class CloudEvent(msgspec.Struct, kw_only=True, gc=False):
    """The attributes that are read."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Name
    subject: str | None = None
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


def _lenient_decoder(report_type: type[Report]) -> msgspec.json.Decoder[Report]:
    """Return a decoder of the same fields that ignores unknown ones and needs no `type`."""
    same = [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in fields(report_type)
    ]
    return msgspec.json.Decoder(msgspec.defstruct(report_type.__name__, same, kw_only=True, gc=False))


_EVENT = msgspec.json.Decoder(CloudEvent)
_DATA = {name: _lenient_decoder(report_type) for name, report_type in REPORT_TYPES.items()}


def parse_structured(body: bytes, limits: BodyLimits) -> list[Report | Refusal]:
    """Return the report of one event, or its error; raises MalformedRequestError if the body is not JSON."""
    parsed = _parse_event(split_body(body, limits._replace(reports=1))[0])
    if isinstance(parsed, Refusal) and parsed.code == "malformed_json":
        raise MalformedRequestError(parsed.code, parsed.problem)
    return [parsed]


def parse_batch(body: bytes, limits: BodyLimits) -> list[Report | Refusal]:
    """Return the report of each event, or its error; raises MalformedRequestError if the body is not an array."""
    if body.lstrip()[:1] != b"[":
        raise MalformedRequestError("malformed_json", "a batch of CloudEvents is a JSON array")
    return [_parse_event(item) for item in split_body(body, limits)]


def parse_binary(headers: Mapping[str, str], body: bytes, limits: BodyLimits) -> list[Report | Refusal]:
    """Return the report of an event with its attributes in `ce-` headers and its data in the body, or its error."""
    if is_deeper_than(body, limits.depth):
        raise too_deep()
    attributes = {name[3:]: unquote(_unquoted(value)) for name, value in headers.items() if name.startswith("ce-")}
    try:
        event = msgspec.convert(attributes, CloudEvent)
    except msgspec.ValidationError as error:
        return [_invalid_envelope(error)]
    event.data = msgspec.Raw(body)
    return [_parse_data(event)]


def _unquoted(value: str) -> str:
    """Remove the double quotes that RFC 7230 allows around a header's value; percent-decoding comes after that."""
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value


def _parse_event(item: bytes | msgspec.Raw) -> Report | Refusal:
    try:
        return _parse_data(_EVENT.decode(item))
    except msgspec.ValidationError as error:
        return _invalid_envelope(error)
    except RecursionError:
        raise too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Refusal("malformed_json", None, str(error), "send valid JSON in UTF-8")


def _invalid_envelope(error: msgspec.ValidationError) -> Refusal:
    remedy = "send specversion 1.0, id, source, type and data as CloudEvents 1.0 defines them"
    return Refusal("invalid_cloudevent", None, str(error), remedy)


def _parse_data(event: CloudEvent) -> Report | Refusal:
    report_type = REPORT_TYPES.get(event.type)
    if report_type is None:
        return unknown_type(event.type)
    try:
        raw = base64.b64decode(event.data_base64, validate=True) if event.data_base64 else bytes(event.data)
    except ValueError as error:  # binascii.Error, or a plain ValueError for characters outside ASCII
        return Refusal("invalid_cloudevent", "data_base64", str(error), "send the data as JSON in data")
    if not raw:
        return Refusal("missing_field", "data", "the event has no data", "send the report's fields in data")
    try:
        lenient = _DATA[event.type].decode(raw)
    except RecursionError:
        raise too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _explain(raw, report_type)
    return _merge_envelope(report_type(**msgspec.structs.asdict(lenient)), event)


def _explain(raw: bytes, report_type: type[Report]) -> Refusal:
    try:
        return explain(msgspec.json.decode(raw), report_type)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Refusal("malformed_json", "data", str(error), "send valid JSON in UTF-8")


def _merge_envelope(report: Report, event: CloudEvent) -> Report | Refusal:
    """Fill in device, slot, id and time from the envelope; a device or slot that differs from the data is an error."""
    device, slash, slot = (event.subject or "").rpartition("/")
    if not slash:
        device, slot = slot, ""
    for name, value in (("device_id", device), ("slot", slot)):
        in_data = getattr(report, name)
        if value and in_data and value != in_data:
            problem = f"subject contains {value[:60]!r}, data contains {in_data[:60]!r}"
            return Refusal("contradiction", name, problem, "send the same value in both, or omit one")
        if value and not in_data:
            setattr(report, name, value)
    report.id = event.id
    report.occurred_at = report.occurred_at or event.time
    return report
