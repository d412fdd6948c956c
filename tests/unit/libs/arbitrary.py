"""Hypothesis strategies for every event, made from the pydantic classes."""

import types
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from typing import Annotated, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel

from replenish_contracts.structs import bounds_of, unwrap_rules

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))])
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)
TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


def events(model):
    """Return a strategy for valid instances of the class, with and without optional fields."""
    needed = {n: of_type(f.annotation, f.metadata) for n, f in model.model_fields.items() if f.is_required()}
    free = {n: of_type(f.annotation, f.metadata) for n, f in model.model_fields.items() if not f.is_required()}
    return st.fixed_dictionaries(needed, optional=free).map(lambda fields: model(**fields))


def of_type(annotation, rules=()):
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return of_type(inner, [*rules, *unwrap_rules(more)])
    if annotation is AwareDatetime or annotation is datetime:
        return MOMENTS
    if get_origin(annotation) in {Union, types.UnionType}:
        return st.one_of([of_type(arm) for arm in get_args(annotation)])
    if get_origin(annotation) is tuple:
        return st.lists(of_type(get_args(annotation)[0]), max_size=3).map(tuple)
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    return plain(annotation, list(rules))


def plain(annotation, rules):
    if annotation is str:
        return text(rules)
    if annotation is int:
        bounds = bounds_of(rules)
        return st.integers(bounds.get("ge"), min(bounds.get("le", 2**60), 2**60))
    if annotation is float:
        bounds = bounds_of(rules)
        least, most = bounds.get("ge", bounds.get("gt")), bounds.get("le")
        return st.floats(least, most, exclude_min="gt" in bounds, allow_nan=False, allow_infinity=False)
    if annotation is date:
        return st.dates()
    if annotation is bool:
        return st.booleans()
    if annotation is type(None):
        return st.none()
    if issubclass(annotation, Enum):
        return st.sampled_from(list(annotation))
    assert issubclass(annotation, BaseModel), annotation
    return events(annotation)


def text(rules):
    known = bounds_of(rules)
    if "pattern" in known:
        return st.from_regex(known["pattern"], fullmatch=True)
    return st.text(TEXT, min_size=known.get("min_length", 0), max_size=min(known.get("max_length", 20), 20))
