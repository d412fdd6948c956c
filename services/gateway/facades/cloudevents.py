"""Reports as CloudEvents 1.0 over HTTP in structured, batched and binary mode.

The event's `type` is the report's type and its `data` the report's fields. `subject` may be `device` or `device/slot`,
`time` is the default of `occurred_at`, and `source` and `id` together identify the report. Unknown attributes and
fields are ignored, as the CloudEvents specification requires of consumers.
"""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec.structs import fields

from replenish_contracts.identity import event_identity
from services.gateway.domain.refusals import MalformedRequestError, Refusal, explain, too_deep, unknown_type
from services.gateway.domain.reports import REPORT_TYPES, Name, Report
from services.gateway.domain.times import explain_time, settle_times
from services.gateway.facades.plain_json import BodyLimits, decode_leniently, is_deeper_than, split_body

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
#: Header that marks a request as a CloudEvent in binary mode.
BINARY_HEADER = "ce-specversion"
#: By attribute, what to send; these are the attributes that are read.
REMEDIES = {
    "specversion": "send 1.0",
    "id": "send 1 to 200 printable characters that are unique among the events of this source",
    "source": "send 1 to 200 printable characters that name the sender, for example urn:maker:espresso",
    "type": f"send one of {', '.join(REPORT_TYPES)}",
    "subject": "send the device, or the device and the slot as device/slot, or omit it",
    "time": "send a time with its UTC offset, for example 2026-01-31T08:00:00Z, or omit it",
    "data": "send specversion 1.0, id, source, type and data as CloudEvents 1.0 defines them",
    "data_base64": "send the data as JSON in data",
}
HEADER_ATTRIBUTES = REMEDIES.keys() - {"data", "data_base64"}
_BARE_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
#: CloudEvents allows no control characters in attributes.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


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
    """Return the report of an event with its attributes in `ce-` headers and its data in the body, or its error.

    `items()` of the headers may repeat a name; their values have one character per byte.
    """
    if is_deeper_than(body, limits.depth):
        raise too_deep()
    attributes: dict[str, Any] = {}
    for header, value in headers.items():
        name = header.lower().removeprefix("ce-")
        if name not in HEADER_ATTRIBUTES or len(name) == len(header):
            continue
        decoded = _decode_header(value)
        if isinstance(decoded, HeaderProblem):
            return [Refusal("invalid_cloudevent", f"ce-{name}", decoded.problem, decoded.remedy)]
        if attributes.setdefault(name, decoded) != decoded:
            return [Refusal("invalid_cloudevent", f"ce-{name}", "the header is sent twice", "send each header once")]
    event = _read_envelope(attributes, "ce-")
    if isinstance(event, Refusal):
        return [event]
    event.data = msgspec.Raw(body)
    return [_find_control_character(event, "ce-") or _parse_data(event)]


class HeaderProblem(NamedTuple):
    """Why a header's value cannot be decoded, and what to send."""

    problem: str
    remedy: str


def _decode_header(value: str) -> str | HeaderProblem:
    """Return the text of a header as CloudEvents' HTTP binding defines it: quoted, percent-encoded, in UTF-8.

    Bytes that are not ASCII should be percent-encoded, but many clients send them as they are.
    """
    octets = _unquoted(value).encode("latin-1")
    if _BARE_PERCENT.search(octets):
        return HeaderProblem("'%' is not followed by two hexadecimal digits", "send a percent sign as %25")
    try:
        return unquote_to_bytes(octets).decode()
    except UnicodeDecodeError as error:
        return HeaderProblem(f"the value is not UTF-8: {error.reason}", "send the text in UTF-8, percent-encoded")


def _unquoted(value: str) -> str:
    """Remove the double quotes that RFC 7230 allows around a header's value; percent-decoding comes after that."""
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value


def _parse_event(item: bytes | msgspec.Raw) -> Report | Refusal:
    try:
        event = _EVENT.decode(item)
        return _find_control_character(event) or _parse_data(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # explained below
    try:
        raw = decode_leniently(item)
    except RecursionError:
        raise too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Refusal("malformed_json", None, str(error), "send valid JSON in UTF-8")
    if not isinstance(raw, dict):
        return Refusal("invalid_cloudevent", None, "a CloudEvent is a JSON object", REMEDIES["data"])
    read = _read_envelope(raw)
    if isinstance(read, Refusal):
        return read
    event = read
    if "data" in raw:
        event.data = msgspec.Raw(msgspec.json.encode(raw["data"]))
    return _find_control_character(event) or _parse_data(event)


def _find_control_character(event: CloudEvent, prefix: str = "") -> Refusal | None:
    for name in ("id", "source", "subject"):
        if _CONTROL.search(getattr(event, name) or ""):
            return Refusal("invalid_cloudevent", prefix + name, "the text has control characters", REMEDIES[name])
    return None


def _read_envelope(raw: dict[str, Any], prefix: str = "") -> CloudEvent | Refusal:
    """Return the event with these attributes, without its data, or the error of its first invalid attribute."""
    raw = settle_times({name: value for name, value in raw.items() if name != "data"}, "time")
    try:
        return msgspec.convert(raw, CloudEvent)
    except msgspec.ValidationError as error:
        problem = str(error)
    for field in fields(CloudEvent):
        name, remedy = field.name, REMEDIES.get(field.name, "")
        if name not in raw:
            if field.required:
                return Refusal("invalid_cloudevent", prefix + name, "the attribute is required", remedy)
            continue
        try:
            msgspec.convert(raw[name], field.type)
        except msgspec.ValidationError as error:
            problem = str(error)
            if name == "time":
                problem, remedy = explain_time(raw[name], problem)
            return Refusal("invalid_cloudevent", prefix + name, problem, remedy)
    return Refusal("invalid_cloudevent", None, problem, REMEDIES["data"])


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
        report = report_type(**msgspec.structs.asdict(_DATA[event.type].decode(raw)))
    except RecursionError:
        raise too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        again = _read_data_again(raw, report_type)
        if isinstance(again, Refusal):
            return again
        report = again
    return _merge_envelope(report, event)


def _read_data_again(raw: bytes, report_type: type[Report]) -> Report | Refusal:
    """Return the report of data that could not be decoded as one, or its error."""
    try:
        data = decode_leniently(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Refusal("malformed_json", "data", str(error), "send valid JSON in UTF-8")
    if isinstance(data, dict):
        known = {field.name: data[field.name] for field in fields(report_type) if field.name in data}
        try:
            return msgspec.convert(known | {"type": report_type.__struct_config__.tag}, report_type)
        except msgspec.ValidationError:
            pass  # explained below
    return explain(data, report_type)


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
    report.id = event_identity(event.source, event.id)
    report.occurred_at = report.occurred_at or event.time
    return report
