"""Explains why a request does not match its route: code, field, problem and remedy of each error.

The accepted values come from the JSON schema of the route's models, so that a remedy names what the field accepts.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter

from libs.kit.http.schemas import Schemas, describe, quote_value

#: Values are cut to this length in problems.
LONGEST_VALUE = 60
#: Parts of the names of fields whose values are not repeated.
SECRETS = ("secret", "token", "password", "key", "credential")
#: Names that a remedy lists.
MOST_NAMES = 30


class FieldError(NamedTuple):
    """One error; `field` is the path of a member of the body, or `path.x`, `query.x` or `header.x`."""

    code: str
    field: str | None
    problem: str
    remedy: str

    def as_json(self) -> dict[str, str | None]:
        return self._asdict()


def explain_invalid(request: Request, failure: RequestValidationError) -> list[FieldError]:
    """Return the errors of a request, one per field."""
    explained: dict[tuple[str, ...], list[_Located]] = {}
    for error in failure.errors():
        located = _locate(error, request)
        explained.setdefault(located.path, []).append(located)
    # A union reports an error for each of its forms; those inside an object are nearer to what was meant.
    deeper = {path[:length] for path in explained for length in range(1, len(path))}
    return [_explain(path, errors) for path, errors in explained.items() if path not in deeper]


def has_wrong_content_type(failure: RequestValidationError) -> bool:
    """Return whether a body was not read as JSON because of its Content-Type."""
    return isinstance(failure.body, bytes) or any(
        tuple(error["loc"]) == ("body",) and isinstance(error.get("input"), bytes) for error in failure.errors()
    )


class _Located(NamedTuple):
    """An error of pydantic, the path of its field without the tags of unions, and what the field accepts."""

    path: tuple[str, ...]
    error: Mapping[str, Any]
    schemas: Schemas


def _locate(error: Mapping[str, Any], request: Request) -> _Located:
    part, *rest = error["loc"]
    if part == "body":
        schemas = _schemas_of(_body_type(request))
        if error["type"] == "json_invalid":
            return _Located(("body",), error, schemas)
        names, found = schemas.follow(rest, is_unknown=error["type"] == "extra_forbidden")
        return _Located(names or ("body",), error, found)
    parameter = _find_parameter(request, str(part), str(rest[0]) if rest else "")
    schemas = _schemas_of(parameter)
    names, found = schemas.follow(rest[1:])
    return _Located((str(part), *(str(name) for name in rest[:1]), *names), error, found)


def _body_type(request: Request) -> Any:
    field = getattr(request.scope.get("route"), "body_field", None)
    return None if field is None else field.field_info.annotation


def _find_parameter(request: Request, part: str, name: str) -> Any:
    """Return the type of a parameter with its constraints; also those of dependencies."""
    dependant = getattr(request.scope.get("route"), "dependant", None)
    pending = [] if dependant is None else [dependant]
    while pending:
        one = pending.pop()
        # A parameter of an included router may be declared as one of the query and be in the path.
        for kind in (part, "path", "query", "header", "cookie"):
            for field in getattr(one, f"{kind}_params", ()):
                if field.alias == name:
                    return _Annotated(field.field_info)
        pending += one.dependencies
    return None


class _Annotated:
    """A parameter's type with its constraints, hashed by identity."""

    def __init__(self, field_info: Any) -> None:
        self._field_info = field_info

    def adapter(self) -> TypeAdapter[Any]:
        annotation: Any = Annotated[self._field_info.annotation, self._field_info]
        return TypeAdapter(annotation)


@lru_cache(maxsize=1024)
def _schemas_of_type(annotation: Any) -> Schemas:
    return Schemas.of(TypeAdapter(annotation).json_schema())


def _schemas_of(annotation: Any) -> Schemas:
    if annotation is None:
        return Schemas.unknown()
    if isinstance(annotation, _Annotated):
        return Schemas.of(annotation.adapter().json_schema())
    return _schemas_of_type(annotation)


def _explain(path: tuple[str, ...], errors: Sequence[_Located]) -> FieldError:
    field = ".".join(path)
    if len(errors) > 1:  # the value matches none of several forms
        values = [_shown(one.error.get("input"), field) for one in errors]
        accepted = Schemas.any_of(one.schemas for one in errors)
        ranged = next((one for one in errors if _code_of(one.error["type"]) != "wrong_type"), None)
        if ranged is None:
            return FieldError("wrong_type", field, _is_wrong(values[0]), f"send {describe(accepted)}")
        return _explain_one(field, ranged)
    return _explain_one(field, errors[0])


def _explain_one(field: str, located: _Located) -> FieldError:
    error, schemas = located.error, located.schemas
    kind, value, context = str(error["type"]), _shown(error.get("input"), field), error.get("ctx") or {}
    code = _code_of(kind)
    if kind == "json_invalid":
        return _explain_json(error)
    if kind == "missing":
        what = "the request has no body" if field == "body" else "the field is required"
        return FieldError(code, field, what, f"send {describe(schemas)}")
    if kind == "extra_forbidden":
        return _explain_unknown(field, schemas)
    if code == "wrong_type":
        return FieldError(code, field, _is_wrong(value), f"send {describe(schemas)}")
    if kind in {"value_error", "assertion_error"}:
        problem, _, remedy = str(error["msg"]).partition(", ")[2].partition("; ")
        return FieldError(code, field, problem or str(error["msg"]), remedy or f"send {describe(schemas)}")
    return FieldError(code, field, _describe_problem(kind, value, context, error), _remedy(code, value, schemas))


def _shown(value: Any, field: str) -> Any:
    """Return the value, or asterisks of the same length for a secret."""
    name = field.rpartition(".")[2].lower()
    is_secret = any(word in name for word in SECRETS) or field.startswith("header.")
    return "*" * len(value) if is_secret and isinstance(value, str) else value


def _remedy(code: str, value: Any, schemas: Schemas) -> str:
    if code == "unknown_value" and (meant := closest(str(value), schemas.values())):
        return f"did you mean {meant}? Send {describe(schemas)}"
    return f"send {describe(schemas)}"


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that this one probably stands for."""
    by_case = {one.casefold(): one for one in known}
    found = difflib.get_close_matches(name.casefold(), by_case, n=1)
    return by_case[found[0]] if found else None


def _explain_unknown(field: str, schemas: Schemas) -> FieldError:
    names = list(schemas.names())
    meant = closest(field.rpartition(".")[2], names)
    shown = ", ".join(names[:MOST_NAMES])
    remedy = f"did you mean {meant}?" if meant else f"the fields are {shown}" if names else "omit the field"
    return FieldError("unknown_field", field, "there is no such field", remedy)


def _explain_json(error: Mapping[str, Any]) -> FieldError:
    position = error["loc"][-1]
    reason = str((error.get("ctx") or {}).get("error") or "it cannot be parsed")
    problem = f"the JSON is not valid at character {position}: {reason}"
    return FieldError("malformed_json", "body", problem, "send one JSON value in UTF-8, such as an object in braces")


_CODES = {
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "json_invalid": "malformed_json",
    "enum": "unknown_value",
    "literal_error": "unknown_value",
    **dict.fromkeys(
        ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number", "multiple_of"),
        "out_of_range",
    ),
    **dict.fromkeys(("string_too_long", "too_long", "bytes_too_long"), "too_long"),
    **dict.fromkeys(("string_too_short", "too_short", "bytes_too_short"), "too_short"),
    **dict.fromkeys(("string_pattern_mismatch", "timezone_aware", "timezone_naive"), "wrong_format"),
}
#: Endings of pydantic's types of errors: the value is of another type, or a text that is not of the type.
_WRONG_TYPE = ("_type", "_parsing", "_from_float", "_parsing_size", "_from_date_parsing", "_from_datetime_parsing")


def _code_of(kind: str) -> str:
    if kind in _CODES:
        return _CODES[kind]
    return "wrong_type" if kind.endswith(_WRONG_TYPE) or kind.startswith("is_") else "invalid_field"


def _is_wrong(value: Any) -> str:
    """Name the value and its type: `"abc" is a text`."""
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"),
        (int, "an integer"),
        (float, "a number with decimals"),
        (str, "a text"),
        (Mapping, "an object"),
        ((list, tuple), "a list"),
    )
    if value is None:
        return "the value is null"
    if isinstance(value, bytes):
        return "the body was not read as JSON"
    name = next((name for kind, name in names if isinstance(value, kind)), "of another type")
    if isinstance(value, Mapping | list | tuple):
        return f"the value is {name}"
    return f"{quote_value(value, LONGEST_VALUE)} is {name} and is not accepted here"


_RELATIONS = {
    "greater_than": "not more than",
    "greater_than_equal": "less than",
    "less_than": "not less than",
    "less_than_equal": "more than",
}
_FORMATS = {
    "enum": "{shown} is not one of the accepted values",
    "literal_error": "{shown} is not one of the accepted values",
    "timezone_aware": "{shown} has no UTC offset",
    "finite_number": "the value is not a finite number",
}


def _describe_problem(kind: str, value: Any, context: Mapping[str, Any], error: Mapping[str, Any]) -> str:
    shown = quote_value(value, LONGEST_VALUE)
    if kind in _RELATIONS:
        limit = next((context[name] for name in ("gt", "ge", "lt", "le") if name in context), "the limit")
        limit = f"{limit:g}" if isinstance(limit, float) else limit
        return f"{shown} is {_RELATIONS[kind]} {limit}"
    if kind.endswith(("too_long", "too_short")):
        bound = f"at most {context['max_length']}" if "max_length" in context else f"at least {context['min_length']}"
        if kind.startswith("string_"):
            return f"the text has {len(str(value))} characters; {bound} are accepted"
        return f"there are {context.get('actual_length')} entries; {bound} are accepted"
    if kind == "string_pattern_mismatch":
        return "the text contains the character U+0000" if "\0" in str(value) else f"{shown} does not have this form"
    return _FORMATS[kind].format(shown=shown) if kind in _FORMATS else str(error["msg"])
