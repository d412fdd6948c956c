"""Validation that drops invalid details of a message and keeps the rest, with a note about each of them."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from replenish_contracts.events.providers import UpdateNote

Model = TypeVar("Model", bound=BaseModel)
Path = tuple[int | str, ...]

#: A hostile message could have a million invalid details.
MAX_NOTES = 50
#: Free text is cut, and cleaned of U+0000. An id or a number is never changed: it is used as it is, or not at all.
FREE_TEXT = frozenset({"reason", "detail", "tracking", "tracking_number", "message", "content", "name"})
#: What is wrong, by pydantic's type of the error.
REASONS = {
    "int_type": "not a whole number",
    "int_parsing": "not a whole number",
    "int_from_float": "not a whole number",
    "int_parsing_size": "too large",
    "string_type": "not a text",
    "string_unicode": "not a text in UTF-8",
    "string_too_short": "empty",
    "string_pattern_mismatch": "not of the expected form",
    "tuple_type": "not a list",
    "list_type": "not a list",
    "model_type": "not an object",
    "model_attributes_type": "not an object",
    "enum": "not one of the known words",
    "missing": "missing",
    "timezone_aware": "a time without an offset",
}
_SEPARATORS = re.compile(r"[\s_-]+")
_SEVERAL_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Reading(NamedTuple):
    """A valid message, and what was left out of it."""

    value: Any
    notes: tuple[UpdateNote, ...]


class _Dropped:
    """Stands for a dropped item of a list, so that the indexes of the others stay valid."""


DROPPED = _Dropped()


def normalize_word(word: str) -> str:
    """Return a word of a protocol in lower case with underscores: `On-Hold` and `onHold` are `on_hold`."""
    return _SEPARATORS.sub("_", _SEVERAL_WORDS.sub("_", word.strip())).casefold()


def load_json(body: bytes) -> Any:
    """Parse JSON that may have a byte order mark, invalid UTF-8 or lone surrogates, which become U+FFFD.

    Raises ValueError or RecursionError.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _without_surrogates(json.loads(body.decode(errors="replace")))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return [_without_surrogates(item) for item in value] if isinstance(value, list) else value


def as_word(value: object) -> str:
    """Return a value where a word is expected as a text that can be shown; a word keeps its spelling."""
    return UpdateNote.about("", value, "").value


def without_nulls(document: Any) -> Any:
    """Return a copy without fields whose value is null: a missing field and null mean the same."""
    if isinstance(document, dict):
        return {name: without_nulls(value) for name, value in document.items() if value is not None}
    return [without_nulls(value) for value in document] if isinstance(document, list) else document


class MissingDetailError(ValueError):
    """A message lacks a field that it cannot do without; the text names the field and what is wrong with it."""


def read_tolerantly(document: Any, validate: Callable[[Any], Model]) -> Reading:
    """Validate a JSON document; invalid optional details are left out.

    A number whose value is whole is an integer, and an integer is accepted as an id. What lacks a required field, such
    as an item of a list, is left out as a whole. Raises MissingDetailError if that is the message itself.
    """
    remaining, notes = without_nulls(document), _Notes()
    while True:
        try:
            return Reading(validate(remaining), notes.as_tuple())
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                _repair(remaining, problem, notes)
            remaining = _purge(remaining)


class _Notes:
    def __init__(self) -> None:
        self._by_field: dict[str, UpdateNote] = {}

    def add(self, path: Path, value: object, reason: str) -> None:
        note = UpdateNote.about(".".join(map(str, path)), value, reason)
        if len(self._by_field) < MAX_NOTES:
            self._by_field.setdefault(note.field, note)

    def cause_of(self, field: str) -> str:
        """Return why a required field is missing: it, or a field that it needs, is invalid."""
        notes = self._by_field.values()
        within = [note for note in notes if note.field == field or note.field.startswith(f"{field}.")]
        return f"{within[0].field}: {within[0].reason}" if within else f"{field}: missing"

    def as_tuple(self) -> tuple[UpdateNote, ...]:
        return tuple(self._by_field.values())


def _repair(document: Any, problem: Mapping[str, Any], notes: _Notes) -> None:
    """Convert, clean or drop the value that a problem is about. Raises MissingDetailError."""
    path: Path = tuple(problem["loc"])
    value, kind = problem["input"], problem["type"]
    if not path:
        raise MissingDetailError(reason_of(problem))
    if kind == "missing":
        if len(path) == 1:
            raise MissingDetailError(notes.cause_of(str(path[0])))
        notes.add(path[:-1], value, f"{path[-1]} is missing")
        _set(document, path[:-1], DROPPED)
    elif kind == "string_type" and isinstance(value, int) and not isinstance(value, bool):
        _set(document, path, str(value))
    elif kind.startswith("int_") and isinstance(value, float) and value.is_integer():
        _set(document, path, int(value))
    elif path[-1] in FREE_TEXT and kind in ("string_too_long", "string_pattern_mismatch"):
        limit = problem["ctx"].get("max_length", len(value))
        notes.add(path, value, f"cut to {limit} characters" if len(value) > limit else "U+0000 removed")
        _set(document, path, value[:limit].replace("\x00", ""))
    else:
        notes.add(path, value, reason_of(problem))
        _set(document, path, DROPPED)


def reason_of(problem: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, from an error of pydantic."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "greater_than_equal":
        return f"less than {context['ge']}"
    if kind == "less_than_equal":
        return f"more than {context['le']}"
    if kind == "string_too_long":
        return f"longer than {context['max_length']} characters"
    if kind.startswith(("date", "time_")):
        return "not a date or a time"
    return REASONS.get(kind) or str(problem["msg"]).removeprefix("Value error, ")


def _set(document: Any, path: Path, value: object) -> None:
    """Replace the value at a path. A path inside a dropped value is ignored."""
    *parents, last = path
    for part in parents:
        document = document[part]
        if document is DROPPED:
            return
    document[last] = value


def _purge(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _purge(value) for name, value in document.items() if value is not DROPPED}
    if isinstance(document, list):
        return [_purge(value) for value in document if value is not DROPPED]
    return document
