"""JSON Schemas of the messages, and the check that they change only compatibly."""

import inspect
import re
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from replenish_contracts.catalogue import Event
from replenish_contracts.envelope import envelope_of

#: A field and the `#:` comment above it, which becomes its description.
COMMENTED = re.compile(r"(?P<words>(?:^ +#: .*\n)+) +(?P<field>\w+):", re.MULTILINE)
#: Keywords that do not affect which messages are valid.
WORDS = frozenset({"title", "description", "$schema", "examples"})


def schema_of(event: type[Event]) -> dict[str, Any]:
    schema = envelope_of(event).model_json_schema(mode="validation")
    for name, definition in [("", schema), *schema.get("$defs", {}).items()]:
        _without_titles(definition)
        _described(definition, _classes(event).get(name, envelope_of(event)))
    schema.pop("title")
    return {"$schema": GenerateJsonSchema.schema_dialect, "title": event.__name__, **schema}


def changes_that_break(old: dict[str, Any], new: dict[str, Any], at: str = "") -> list[str]:
    """Return the incompatible changes: everything except new optional fields and new enum values."""
    broken = []
    for word in sorted((old.keys() | new.keys()) - WORDS):
        was, now, where = old.get(word), new.get(word), f"{at}/{word}"
        if word == "enum":
            broken += [f"{where}: {choice!r} is gone" for choice in was or () if choice not in (now or ())]
        elif word == "required":
            broken += [f"{where}: {field} became required" for field in now or () if field not in (was or ())]
            broken += [f"{where}: {field} became optional" for field in was or () if field not in (now or ())]
        elif word in {"properties", "$defs"}:
            broken += _fields_that_break(was or {}, now or {}, where)
        elif isinstance(was, dict) and isinstance(now, dict):
            broken += changes_that_break(was, now, where)
        elif was != now:
            broken.append(f"{where}: was {was!r}, is {now!r}")
    return broken


def _fields_that_break(old: dict[str, Any], new: dict[str, Any], at: str) -> list[str]:
    broken = [f"{at}/{name} is gone" for name in old if name not in new]
    for name in old.keys() & new.keys():
        broken += changes_that_break(old[name], new[name], f"{at}/{name}")
    return sorted(broken)


@cache
def _classes(event: type[Event]) -> dict[str, type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    waiting: list[type[BaseModel]] = [event]
    while waiting:
        model = waiting.pop()
        found[model.__name__] = model
        waiting += [part for field in model.model_fields.values() for part in _models_in(field.annotation)]
    return found


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]


def _described(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Set each field's description to the comment above it in the source."""
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel and "__module__" in vars(owner):
            for field, words in _comments(owner).items():
                schema.get("properties", {}).get(field, {}).setdefault("description", words)


@cache
def _comments(model: type[BaseModel]) -> dict[str, str]:
    try:
        source = inspect.getsource(model)
    except OSError:  # created at run time, such as envelope_of(event)
        return {}
    return {
        found["field"]: " ".join(line.strip().removeprefix("#:").strip() for line in found["words"].splitlines())
        for found in COMMENTED.finditer(source)
    }


def _without_titles(schema: dict[str, Any]) -> None:
    """Drop the titles that pydantic derives from field names."""
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
