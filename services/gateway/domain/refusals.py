"""Refused reports: code, field, problem and remedy."""

import difflib
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import fields

from services.gateway.domain.reports import REPORT_TYPES, Report
from services.gateway.domain.times import explain_time

REMEDIES = {
    "slot": 'send the name under which the slot is registered, for example "1"',
    "quantity": 'send a decimal number, as a string or a number, for example "2.5"',
    "level": 'send a decimal number, as a string or a number, for example "2.5"',
    "unit": 'send the name of a unit, for example "g", "ml", "%" or "count"',
    "boot": "send a string of at most 64 characters that changes whenever seq restarts at 1",
    "seq": "number the reports of this slot 1, 2, 3 ... within a boot",
    "occurred_at": "send a time with its UTC offset, for example 2026-01-31T08:00:00Z, or omit the field",
    "id": "send a string of 1 to 200 characters that is unique to this report",
    "by": 'send "device" or "person", or omit the field',
    "device_id": "send the id of the device, or use the device's own credential",
}


class Refusal(NamedTuple):
    """A refused report. Codes are stable, texts are not; `position` is its index in the request."""

    code: str
    field: str | None
    problem: str
    remedy: str
    position: int = 0

    def as_json(self) -> dict[str, str | int | None]:
        return {
            "index": self.position,
            "code": self.code,
            "field": self.field,
            "problem": self.problem,
            "remedy": self.remedy,
        }


class MalformedRequestError(Exception):
    """The body as a whole cannot be parsed; none of its reports is accepted."""

    def __init__(self, code: str, problem: str, status: int = 400) -> None:
        super().__init__(problem)
        self.code = code
        self.problem = problem
        self.status = status


def too_deep() -> MalformedRequestError:
    return MalformedRequestError("too_deep", "the JSON is nested too deeply; a report is a flat object")


def unknown_type(name: object) -> Refusal:
    problem = f"{name[:60]!r} is not a type of report" if isinstance(name, str) else "the report has no type"
    return Refusal("unknown_type", "type", problem, f"send one of {', '.join(REPORT_TYPES)}")


def explain(raw: Any, report_type: type[Report] | None = None) -> Refusal:
    """Return the first error of a JSON value that could not be decoded as a report.

    A CloudEvent has its type in the envelope and passes `report_type`; unknown fields are then ignored.
    """
    if not isinstance(raw, dict):
        return Refusal("not_an_object", None, "a report is a JSON object", 'send {"type": "SlotUsed", ...}')
    if report_type is None:
        report_type = REPORT_TYPES.get(raw["type"]) if isinstance(raw.get("type"), str) else None
        if report_type is None:
            return unknown_type(raw.get("type"))
        if refusal := _find_unknown_field(raw, report_type):
            return refusal
    return _find_invalid_field(raw, report_type)


def _find_unknown_field(raw: dict[str, Any], report_type: type[Report]) -> Refusal | None:
    known = [field.name for field in fields(report_type)]
    for name in raw:
        if name not in known and name != "type":
            similar = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean {similar[0]}?" if similar else f"the fields are type, {', '.join(known)}"
            return Refusal("unknown_field", name[:60], "a report has no such field", remedy)
    return None


def _find_invalid_field(raw: dict[str, Any], report_type: type[Report]) -> Refusal:
    for field in fields(report_type):
        remedy = REMEDIES[field.name]
        if field.name not in raw:
            if field.required:
                return Refusal("missing_field", field.name, "the field is required", remedy)
            continue
        try:
            msgspec.convert(raw[field.name], field.type)
        except msgspec.ValidationError as error:
            problem = str(error)
            if field.name == "occurred_at":
                problem, remedy = explain_time(raw[field.name], problem)
            return Refusal("invalid_field", field.name, problem, remedy)
    return Refusal("invalid", None, "the report cannot be parsed", "compare it with the example in the documentation")
