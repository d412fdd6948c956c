"""Changes of an HTTP API that would break an existing client; additions are not among them."""

from collections.abc import Iterator

from deploy.reference.http_api import Document

UPPER_LIMITS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
LOWER_LIMITS = ("minimum", "exclusiveMinimum", "minLength", "minItems")


def changes_that_break_clients(name: str, old: Document, new: Document) -> list[str]:
    """Return one sentence for each change that an existing client of the service would notice."""
    broken = []
    for path, methods in old["paths"].items():
        if path not in new["paths"]:
            broken.append(f"{name}: the path {path} is gone")
            continue
        for method, was in methods.items():
            if method not in new["paths"][path]:
                broken.append(f"{name}: {method} {path} is gone")
            else:
                changes = _changes_of_operation(was, new["paths"][path][method])
                broken += [f"{name}: {method} {path}: {change}" for change in changes]
    return broken + [f"{name}: the error `{error}` is gone" for error in old["errors"] if error not in new["errors"]]


def _changes_of_operation(old: Document, new: Document) -> Iterator[str]:
    yield from _changes_of_object(_as_object(old["parameters"]), _as_object(new["parameters"]), "parameter")
    if old["request"] is not None and new["request"] is not None:
        yield from _changes_of_schema(old["request"], new["request"], "the request body", "field")
    elif old["request"] != new["request"]:
        yield "the request body is gone" if new["request"] is None else "a request body became required"
    for field in old["response_fields"]:
        if field not in new["response_fields"]:
            yield f"the response field `{field}` is gone"


def _as_object(parameters: Document) -> Document:
    return {
        "properties": {name: parameter["schema"] for name, parameter in parameters.items()},
        "required": [name for name, parameter in parameters.items() if parameter["required"]],
    }


def _changes_of_object(old: Document, new: Document, kind: str, inside: str = "") -> Iterator[str]:
    fields, now = old.get("properties", {}), new.get("properties", {})
    for field, was in fields.items():
        where = f"the {kind} `{inside}{field}`"
        if field not in now:
            yield f"{where} is gone"
        else:
            yield from _changes_of_schema(was, now[field], where, kind, f"{inside}{field}.")
    for field in new.get("required", ()):
        if field not in fields:
            yield f"the {kind} `{inside}{field}` is new and required"
        elif field not in old.get("required", ()):
            yield f"the {kind} `{inside}{field}` became required"


def _changes_of_schema(old: Document, new: Document, where: str, kind: str, inside: str = "") -> Iterator[str]:
    yield from _changes_of_values(old, new, where)
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{where} no longer accepts unknown fields"
    yield from _changes_of_object(old, new, kind, inside)
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        yield from _changes_of_schema(old["items"], new["items"], f"an item of {where}", kind, f"{inside}[].")
    yield from _changes_of_objects_among(old.get("anyOf", []), new.get("anyOf", []), where, kind, inside)


def _changes_of_values(old: Document, new: Document, where: str) -> Iterator[str]:
    accepted = _choices(new)
    for choice in _choices(old):
        if choice not in accepted:
            yield f"{where} no longer accepts {choice}"
    for word in ("format", "pattern"):
        if new.get(word) is not None and old.get(word) != new[word]:
            yield f"{where}: the {word} was {old.get(word, 'free')}, is {new[word]}"
    for word in (*UPPER_LIMITS, *LOWER_LIMITS):
        was, now = old.get(word), new.get(word)
        if now is not None and (was is None or (now < was if word in UPPER_LIMITS else now > was)):
            yield f"{where}: {word} was {'not limited' if was is None else was}, is {now}"


def _changes_of_objects_among(old: list[Document], new: list[Document], *where: str) -> Iterator[str]:
    """Compare the object alternatives of two unions, if each has exactly one."""
    pair = [[one for one in union if "properties" in one] for union in (old, new)]
    if all(len(objects) == 1 for objects in pair):
        place, kind, inside = where
        yield from _changes_of_schema(pair[0][0], pair[1][0], place, kind, inside)


def _choices(schema: Document) -> list[str]:
    """Return the accepted values of an enum, otherwise the accepted types; empty if everything is accepted."""
    if "enum" in schema:
        return [repr(value) for value in schema["enum"]]
    if "anyOf" in schema:
        return [choice for one in schema["anyOf"] for choice in _choices(one)]
    if "const" in schema:
        return [repr(schema["const"])]
    return [f"type {schema['type']}"] if "type" in schema else []
