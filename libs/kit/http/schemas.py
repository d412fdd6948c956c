"""JSON schemas of request models: which field a path names, and what it accepts, in words."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

Schema = dict[str, Any]
#: Values, fields and entries that a description lists.
MOST_LISTED = 40

#: Patterns of the APIs, in words. A pattern without an entry is shown as it is.
PATTERNS = {
    r"^[^\x00]*$": "",  # any text without U+0000
    r"^[A-Z]{2}$": "two capital letters of ISO 3166-1, for example DE",
    r"^[A-Z]{3}$": "three capital letters of ISO 4217, for example EUR",
    r"^[A-Za-z]{3}$": "three letters of ISO 4217, for example EUR",
    r"^[A-Z]{2}(-[0-9A-Z]{1,8})?$": "a region of ISO 3166, for example DE or US-CA",
    r"^[a-z0-9][a-z0-9-]{0,99}$": "1 to 100 lower-case letters, digits and hyphens, beginning with a letter or digit",
    r"^[a-z][a-z_]{0,49}$": "1 to 50 lower-case letters and underscores, beginning with a letter",
    r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$": "1 to 100 letters, digits and _.:- that begin with a letter or digit",
    r"^[a-z]{2}(-[A-Z]{2})?$": "a language such as en or de-AT",
    r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$": "a language of BCP 47, for example en or de-AT",
    r"^\d{1,9}(\.\d{1,3})?$": 'a decimal number as a text, for example "4.90"',
    r"^[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+$": "the token of the link in the mail, unchanged",
}


class Schemas:
    """The schemas that a value may match, with the definitions that they refer to."""

    def __init__(self, forms: Sequence[Schema], definitions: Schema) -> None:
        self._definitions = definitions
        self.forms = tuple(self._expand(forms))

    @classmethod
    def of(cls, schema: Schema) -> "Schemas":
        return cls([schema], schema.get("$defs", {}))

    @classmethod
    def unknown(cls) -> "Schemas":
        return cls([], {})

    @classmethod
    def any_of(cls, several: Iterable["Schemas"]) -> "Schemas":
        """Return all forms of these, each once."""
        definitions: Schema = {}
        forms: list[Schema] = []
        for one in several:
            definitions |= one._definitions  # noqa: SLF001  # of the same class
            forms += [form for form in one.forms if form not in forms]
        return cls(forms, definitions)

    def _expand(self, forms: Iterable[Schema]) -> Iterator[Schema]:
        for form in forms:
            if "$ref" in form:
                yield from self._expand([self._definitions.get(form["$ref"].rpartition("/")[2], {})])
            elif "anyOf" in form or "oneOf" in form:
                yield from self._expand([*form.get("anyOf", ()), *form.get("oneOf", ())])
            elif "allOf" in form:
                yield from self._expand(form["allOf"])
            else:
                yield form

    def follow(self, path: Sequence[Any], *, is_unknown: bool = False) -> tuple[tuple[str, ...], "Schemas"]:
        """Return the names on the path without the tags of unions, and the schemas at its end.

        With `is_unknown`, the last part names a field that does not exist, and the schemas are those of its object.
        """
        names: list[str] = []
        here = self
        for place, part in enumerate(path):
            if is_unknown and place == len(path) - 1:
                names.append(str(part))
                break
            below = here.step(part)
            if below is None and isinstance(part, str):
                here = here.branch(part)
                continue
            names.append(str(part))
            here = below or Schemas.unknown()
        return tuple(names), here

    def step(self, part: Any) -> "Schemas | None":
        """Return the schemas of a field or entry; None if there is no such one."""
        if isinstance(part, int):
            return self._with([form["items"] for form in self.forms if isinstance(form.get("items"), dict)])
        named = [form["properties"][part] for form in self.forms if part in form.get("properties", {})]
        if named:
            return self._with(named)
        free = [form["additionalProperties"] for form in self.forms if form.get("additionalProperties")]
        return self._with([form for form in free if isinstance(form, dict)]) if free else None

    def branch(self, tag: str) -> "Schemas":
        """Return the form of a union that a tag names, such as a model's name or `int`; all forms if none is."""
        types = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array"}
        wanted = types.get(tag.partition("[")[0], tag)
        chosen = [form for form in self.forms if wanted in (form.get("title"), form.get("type"))]
        return self._with(chosen) if chosen else self

    def _with(self, forms: Sequence[Schema]) -> "Schemas":
        return Schemas(forms, self._definitions)

    def names(self) -> Iterator[str]:
        """Yield the names of the fields."""
        for form in self.forms:
            yield from form.get("properties", ())

    def values(self) -> Iterator[str]:
        """Yield the accepted values, if they are listed."""
        for form in self.forms:
            yield from map(str, form.get("enum", [form["const"]] if "const" in form else ()))


def describe(schemas: Schemas) -> str:
    """Describe what is accepted: `an integer from 1 to 500`."""
    texts = list(dict.fromkeys(_describe(form) for form in schemas.forms if form.get("type") != "null"))
    if not texts:
        return "a value that the API's description lists (GET /openapi.json)"
    if any(form.get("type") == "null" for form in schemas.forms):
        texts.append("null")
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def _describe(form: Schema) -> str:
    if "enum" in form or "const" in form:
        values = form.get("enum", [form.get("const")])
        listed = ", ".join(json.dumps(value) for value in values[:MOST_LISTED])
        return listed if len(values) == 1 else f"one of {listed}"
    kind = form.get("type", "object" if "properties" in form else None)
    if kind == "array":
        return f"a list{_describe_size(form, 'Items', 'entries')}"
    by_kind: dict[Any, Callable[[Schema], str]] = {
        "integer": _describe_number,
        "number": _describe_number,
        "string": _describe_text,
        "object": _describe_object,
        "boolean": lambda _: "true or false",
    }
    return by_kind[kind](form) if kind in by_kind else "a JSON value"


def _describe_number(form: Schema) -> str:
    name = "an integer" if form["type"] == "integer" else "a number"
    least, most = form.get("minimum"), form.get("maximum")
    above, below = form.get("exclusiveMinimum"), form.get("exclusiveMaximum")
    lower = f"more than {above}" if above is not None else f"at least {least}" if least is not None else ""
    upper = f"less than {below}" if below is not None else f"at most {most}" if most is not None else ""
    if least is not None and most is not None:
        return f"{name} from {least} to {most}"
    limits = " and ".join(text for text in (lower, upper) if text)
    return f"{name} of {limits}" if limits.startswith("at") else f"{name} {limits}".strip() if limits else name


def _describe_text(form: Schema) -> str:
    if form.get("format") == "date-time":
        return "a time with its UTC offset, for example 2026-01-31T08:00:00Z"
    if form.get("format") == "date":
        return "a date, for example 2026-01-31"
    pattern = form.get("pattern")
    words = PATTERNS.get(pattern) if pattern else ""
    if words:
        return words
    text = f"a text{_describe_size(form, 'Length', 'characters')}"
    if pattern and words is None:
        return f"{text} that matches {pattern}"
    return f"{text} without the character U+0000" if pattern else text


def _describe_size(form: Schema, what: str, unit: str) -> str:
    least, most = form.get(f"min{what}"), form.get(f"max{what}")
    if least is not None and most is not None:
        return f" of {least} to {most} {unit}" if least != most else f" of {most} {unit}"
    if most is not None:
        return f" of at most {most} {unit}"
    return f" of at least {least} {unit}" if least is not None else ""


def _describe_object(form: Schema) -> str:
    names = list(form.get("properties", ()))
    if not names:
        return "an object"
    required = [name for name in names if name in form.get("required", ())]
    optional = [name for name in names if name not in required]
    parts = []
    if required:
        parts.append(f"with {', '.join(required[:MOST_LISTED])}")
    if optional:
        parts.append(f"optionally {', '.join(optional[:MOST_LISTED])}")
    return f"an object {' and '.join(parts)}"


def quote_value(value: Any, longest: int) -> str:
    """Return a value as JSON, cut to `longest` characters."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= longest else f"{text[:longest]}..."
