"""Reports as plain JSON: one object, or an array of them."""

import msgspec

from services.gateway.domain.bodies import Bounds, split, too_deep
from services.gateway.domain.drafts import Draft, Measured, Refilled, Used
from services.gateway.domain.explaining import explain
from services.gateway.domain.refusals import MalformedRequestError, Refusal, refuse

MEDIA_TYPES = frozenset({"application/json", "text/json", ""})

_REPORT: msgspec.json.Decoder[Used | Measured | Refilled] = msgspec.json.Decoder(Used | Measured | Refilled)


def read(body: bytes, bounds: Bounds) -> list[Draft | Refusal]:
    """Return what each report says, in order, or why it cannot be read; raise MalformedError for the whole body."""
    items = split(body, bounds)
    if len(items) == 1:
        return [_read_only(items[0])]
    return [_read_one(item) for item in items]


def _read_one(item: bytes | msgspec.Raw) -> Draft | Refusal:
    try:
        return _REPORT.decode(item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _explain(item)


def _read_only(item: bytes | msgspec.Raw) -> Draft | Refusal:
    """Read the one report of a request: what is no JSON makes the whole request malformed."""
    found = _read_one(item)
    if isinstance(found, Refusal) and found.code == "malformed_json":
        raise MalformedRequestError(found.code, found.problem)
    return found


def _explain(item: bytes | msgspec.Raw) -> Refusal:
    try:
        return explain(msgspec.json.decode(item))
    except RecursionError:
        raise too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return refuse("malformed_json", None, str(error), "send valid JSON in UTF-8")
