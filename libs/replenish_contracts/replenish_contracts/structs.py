"""Derives the msgspec structs of the hot path from the pydantic classes."""

import types
from collections.abc import Iterable
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import AwareDatetime, BaseModel, PlainSerializer
from pydantic.fields import FieldInfo

from replenish_contracts.catalogue import NO_NUL

#: msgspec's names of pydantic's bounds.
BOUNDS: dict[type, str] = {
    Ge: "ge",
    Gt: "gt",
    Le: "le",
    Lt: "lt",
    MinLen: "min_length",
    MaxLen: "max_length",
}


class UnderivableTypeError(TypeError):
    """An event uses a type or rule that structs.py does not support yet, so that both decoders would differ."""


@cache
def struct_of(model: type[BaseModel]) -> type[msgspec.Struct]:
    return msgspec.defstruct(model.__name__, fields_of(model), frozen=True, gc=False, kw_only=True)


def fields_of(model: type[BaseModel]) -> list[Any]:
    return [_field(name, field) for name, field in model.model_fields.items()]


def _field(name: str, field: FieldInfo) -> tuple[Any, ...]:
    if field.alias or field.default_factory:
        raise UnderivableTypeError(f"{name}: aliases and default factories are not derived")
    derived = _type(field.annotation, field.metadata)
    return (name, derived) if field.is_required() else (name, derived, field.default)


def _type(annotation: Any, rules: Iterable[object]) -> Any:
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _type(inner, [*rules, *unwrap_rules(more)])
    if annotation is AwareDatetime or annotation is datetime:
        bounds_of(rules)
        return Annotated[datetime, msgspec.Meta(tz=True)]
    bare = _bare(annotation)
    meta = bounds_of(rules)
    if bare is str and not any(hasattr(rule, "pattern") for rule in rules):
        raise UnderivableTypeError("a text without a pattern could carry NUL; use Id, Text or a pattern")
    return Annotated[bare, msgspec.Meta(**meta)] if meta else bare


def _bare(annotation: Any) -> Any:
    if annotation in {str, int, float, bool, date, type(None)} or get_origin(annotation) is Literal:
        return annotation
    if get_origin(annotation) in {Union, types.UnionType}:
        return Union[tuple(_type(arm, ()) for arm in get_args(annotation))]  # noqa: UP007  the arms are computed
    if get_origin(annotation) is tuple and get_args(annotation)[1:] == (...,):
        return tuple[_type(get_args(annotation)[0], ()), ...]  # type: ignore[misc]  # computed, so not a type to mypy
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return struct_of(annotation)
    raise UnderivableTypeError(f"no struct field is known for {annotation!r}")


def unwrap_rules(rules: Iterable[object]) -> Iterable[object]:
    """Yield the rules, with those inside a FieldInfo unwrapped."""
    for rule in rules:
        if isinstance(rule, FieldInfo):
            yield from rule.metadata
        else:
            yield rule


def bounds_of(rules: Iterable[object]) -> dict[str, Any]:
    """Return pydantic's rules for a field as msgspec.Meta has them."""
    meta: dict[str, Any] = {}
    for rule in rules:
        if type(rule) in BOUNDS:
            name = BOUNDS[type(rule)]
            meta[name] = getattr(rule, name)
        elif not isinstance(rule, PlainSerializer) and rule is not AwareDatetime:
            meta |= _general(rule)
    return meta


def _general(rule: object) -> dict[str, Any]:
    """Convert pydantic's catch-all rule object, which has no public type."""
    known = dict(getattr(rule, "__dict__", {}))
    pattern = known.pop("pattern", None)
    # JSON has no infinity, and msgspec rejects numbers that would overflow to it.
    if known.pop("allow_inf_nan", False) or known or not hasattr(rule, "__dict__"):
        raise UnderivableTypeError(f"no msgspec rule is known for {rule!r}")
    if pattern is None or pattern == NO_NUL:  # wire.py checks for NUL once per value
        return {}
    if not pattern.startswith("^") or not pattern.endswith("$"):
        raise UnderivableTypeError(f"{pattern!r} must be anchored on both sides")
    # Python's $ matches before a last line feed; pydantic's does not.
    return {"pattern": pattern[:-1] + r"\Z"}
