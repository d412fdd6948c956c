"""Says which field of an unreadable report is wrong, and what to send instead."""

import difflib
from typing import Any

import msgspec
from msgspec.structs import fields

from services.gateway.domain.drafts import KINDS, Draft
from services.gateway.domain.refusals import Refusal, refuse

REMEDIES = {
    "slot": 'send the slot\'s name as it was registered, for example "1"',
    "quantity": 'send a decimal as text or number, for example "2.5"',
    "level": 'send a decimal as text or number, for example "2.5"',
    "unit": 'send a unit\'s name, for example "g", "ml", "%" or "count"',
    "boot": "send a text of at most 64 characters that changes whenever seq starts again",
    "seq": "count this slot's reports 1, 2, 3 ... within a boot",
    "occurred_at": "send a time with its offset, for example 2026-01-31T08:00:00Z, or leave it out",
    "id": "send a text of 1 to 200 characters that names this report for ever",
    "by": 'send "device" or "person", or leave it out',
    "device_id": "send the device's id, or leave it out when the device's own credential is used",
}


def explain(raw: Any, kind: type[Draft] | None = None) -> Refusal:
    """Return why this JSON value is no report; `kind` where its type was said elsewhere (CloudEvents)."""
    if not isinstance(raw, dict):
        return refuse("not_an_object", None, "a report is a JSON object", 'send {"type": "SlotUsed", ...}')
    if kind is None:
        kind = KINDS.get(raw["type"]) if isinstance(raw.get("type"), str) else None
        if kind is None:
            return unknown_type(raw.get("type"))
        if wrong := _misspelled(raw, kind):
            return wrong
    return _first_wrong_value(raw, kind)


def unknown_type(name: object) -> Refusal:
    """Return that nobody here knows this type of report."""
    said = f"{name[:60]!r} is no type of report" if isinstance(name, str) else "the report does not say its type"
    return refuse("unknown_type", "type", said, f"send one of {', '.join(KINDS)}")


def _misspelled(raw: dict[str, Any], kind: type[Draft]) -> Refusal | None:
    known = [field.name for field in fields(kind)]
    for name in raw:
        if name not in known and name != "type":
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"the fields are type, {', '.join(known)}"
            return refuse("unknown_field", name[:60], "a report has no such field", remedy)
    return None


def _first_wrong_value(raw: dict[str, Any], kind: type[Draft]) -> Refusal:
    for field in fields(kind):
        remedy = REMEDIES[field.name]
        if field.name not in raw:
            if field.required:
                return refuse("missing_field", field.name, "the report lacks it", remedy)
            continue
        try:
            msgspec.convert(raw[field.name], field.type)
        except msgspec.ValidationError as error:
            return refuse("invalid_field", field.name, str(error), remedy)
    return refuse("invalid", None, "the report cannot be read", "compare it with the example in the documentation")
