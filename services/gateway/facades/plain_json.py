"""Reports as plain JSON, one object or an array; also splits and bounds the JSON bodies of cloudevents."""

import re
from math import isfinite
from typing import Any, NamedTuple

import msgspec

from services.gateway.domain.refusals import MalformedRequestError, Refusal, explain, too_deep
from services.gateway.domain.reports import LevelReport, RefillReport, Report, UsageReport
from services.gateway.domain.times import settle_times

MEDIA_TYPES = frozenset({"application/json", "text/json", ""})
#: Brackets per report in an ordinary body: the report and a CloudEvents envelope.
USUAL_BRACKETS = 2

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_REPORT: msgspec.json.Decoder[UsageReport | LevelReport | RefillReport] = msgspec.json.Decoder(
    UsageReport | LevelReport | RefillReport
)
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class BodyLimits(NamedTuple):
    """Maximum number of reports per request and maximum nesting of its JSON."""

    reports: int
    depth: int


def parse(body: bytes, limits: BodyLimits) -> list[Report | Refusal]:
    """Return each report or its error, in order; raises MalformedRequestError for the body as a whole."""
    items = split_body(body, limits)
    reports = [_parse_one(item) for item in items]
    if len(items) == 1 and isinstance(only := reports[0], Refusal) and only.code == "malformed_json":
        raise MalformedRequestError(only.code, only.problem)
    return reports


def split_body(body: bytes, limits: BodyLimits) -> list[bytes | msgspec.Raw]:
    """Return the elements of an array, or the body if it is not an array; raises MalformedRequestError."""
    if not body.strip():
        raise MalformedRequestError("empty", "the body is empty; send one report or an array of reports")
    items: list[bytes | msgspec.Raw] = [body]
    if body.lstrip()[:1] == b"[":
        try:
            items = list(_ARRAY.decode(body))
        except RecursionError:
            raise too_deep() from None
        except msgspec.DecodeError as error:
            raise MalformedRequestError("malformed_json", str(error)) from None
        if not items:
            raise MalformedRequestError("empty", "the array is empty; send at least one report")
    if len(items) > limits.reports:
        problem = f"the request contains {len(items)} reports; send at most {limits.reports} per request"
        raise MalformedRequestError("too_many_reports", problem, status=413)
    brackets = body.count(b"{") + body.count(b"[")
    if brackets - USUAL_BRACKETS * len(items) > limits.depth and is_deeper_than(body, limits.depth):
        raise too_deep()
    return items


def is_deeper_than(body: bytes, depth: int) -> bool:
    """Return whether brackets outside strings are nested more than `depth` levels, without parsing the JSON."""
    if body.count(b"{") + body.count(b"[") <= depth:
        return False
    brackets = _STRINGS.sub(b"", body).translate(None, _NOT_BRACKETS)
    for _ in range(depth):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")  # removes the innermost level
    return bool(brackets)


def decode_leniently(item: bytes | msgspec.Raw) -> Any:
    """Decode JSON that could not be decoded as a report: leap seconds are settled, too large floats remain text."""
    raw = _LENIENT.decode(item)
    return settle_times(raw, "occurred_at") if isinstance(raw, dict) else raw


def _read_float(text: str) -> float | str:
    return number if isfinite(number := float(text)) else text


_LENIENT = msgspec.json.Decoder(float_hook=_read_float)


def _parse_one(item: bytes | msgspec.Raw) -> Report | Refusal:
    try:
        return _REPORT.decode(item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # explained below
    try:
        raw = decode_leniently(item)
        try:
            return msgspec.convert(raw, UsageReport | LevelReport | RefillReport)
        except msgspec.ValidationError:
            return explain(raw)
    except RecursionError:
        raise too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Refusal("malformed_json", None, str(error), "send valid JSON in UTF-8")
