"""Cuts a JSON body into its reports, within limits that keep memory and time small."""

import re
from typing import NamedTuple

import msgspec

from services.gateway.domain.refusals import MalformedRequestError

_MANY = msgspec.json.Decoder(list[msgspec.Raw])
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
#: A report and the event around it.
USUAL_BRACKETS = 2


class Bounds(NamedTuple):
    """How many reports one request may carry, and how deep its JSON may be nested."""

    reports: int
    depth: int


def split(body: bytes, bounds: Bounds) -> list[bytes | msgspec.Raw]:
    """Return the elements of an array, or the one thing that is there; raise MalformedError otherwise."""
    if not body.strip():
        raise MalformedRequestError("empty", "the body is empty; send one report or an array of reports")
    items: list[bytes | msgspec.Raw] = [body]
    if body.lstrip()[:1] == b"[":
        items = list(_cut(body))
        if not items:
            raise MalformedRequestError("empty", "the array is empty; send at least one report")
    if len(items) > bounds.reports:
        problem = f"{len(items)} reports in one request; send at most {bounds.reports}"
        raise MalformedRequestError("too_many_reports", problem, status=413)
    brackets = body.count(b"{") + body.count(b"[")
    if brackets - USUAL_BRACKETS * len(items) > bounds.depth and deeper_than(body, bounds.depth):
        raise too_deep()
    return items


def deeper_than(body: bytes, depth: int) -> bool:
    """Return whether brackets are nested more than `depth` deep, strings left aside."""
    if body.count(b"{") + body.count(b"[") <= depth:
        return False
    brackets = _STRINGS.sub(b"", body).translate(None, _NOT_BRACKETS)
    for _ in range(depth):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")  # takes the innermost level away
    return bool(brackets)


def too_deep() -> MalformedRequestError:
    return MalformedRequestError("too_deep", "the JSON is nested too deeply; a report is one flat object")


def _cut(body: bytes) -> list[msgspec.Raw]:
    try:
        return _MANY.decode(body)
    except RecursionError:
        raise too_deep() from None
    except msgspec.DecodeError as error:
        raise MalformedRequestError("malformed_json", str(error)) from None
