"""Baseline of the services' HTTP APIs: what a client can rely on. Error codes are the literal codes of ProblemError."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from deploy.reference.response_fields import response_fields
from libs.kit.service import Service

ROOT = Path(__file__).resolve().parents[2]
#: Keywords of JSON Schema that decide which requests are accepted.
KEYWORDS = (
    *("type", "format", "enum", "const", "pattern", "anyOf", "items", "prefixItems", "properties", "required"),
    *("additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minLength", "maxLength", "minItems", "maxItems"),
)

Document = dict[str, Any]


def api_of(service: Service) -> Document:
    """Return paths, methods, request schemas, response fields and error codes of a service."""
    app = FastAPI()
    if service.api is not None:
        app.include_router(service.api)
    described = app.openapi()
    definitions = described.get("components", {}).get("schemas", {})
    paths: Document = {}
    for path, method, endpoint in _routes(app):
        operation = described["paths"][path][method.lower()]
        paths.setdefault(path, {})[method] = {
            "parameters": _parameters(operation, definitions),
            "request": _request(operation, definitions),
            "response_fields": sorted(response_fields(endpoint)),
        }
    return {"paths": dict(sorted(paths.items())), "errors": sorted(set(_error_codes(service.name)))}


def _routes(app: FastAPI) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            for method in sorted(route.methods or ()):
                assert route.path_format and route.endpoint  # noqa: S101, PT018  # every APIRoute has them
                yield route.path_format, method, route.endpoint


def _parameters(operation: Document, definitions: Document) -> Document:
    return {
        f"{one['in']} {one['name']}": {"required": one["required"], "schema": _inlined(one["schema"], definitions)}
        for one in operation.get("parameters", [])
    }


def _request(operation: Document, definitions: Document) -> Document | None:
    body = operation.get("requestBody")
    return None if body is None else _inlined(next(iter(body["content"].values()))["schema"], definitions)


def _inlined(schema: Document, definitions: Document) -> Document:
    """Return the schema with its references resolved, without the words that only describe."""
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    found: Document = {}
    for word in KEYWORDS:
        if word not in schema:
            continue
        value = schema[word]
        if word == "properties":
            value = {name: _inlined(one, definitions) for name, one in sorted(value.items())}
        elif word == "required":
            value = sorted(value)
        elif isinstance(value, dict):
            value = _inlined(value, definitions)
        elif word in {"anyOf", "prefixItems"}:
            value = [_inlined(one, definitions) for one in value]
        found[word] = value
    return found


#: Constructors of ProblemError with a status of their own.
_STATUSES = {"of_field": 422, "of_missing": 404}


def _error_codes(service: str) -> Iterator[str]:
    """Yield `<status> <code>` of every literal ProblemError of the service and of the kit's HTTP layer."""
    for folder in (ROOT / "services" / service, ROOT / "libs" / "kit" / "http"):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(
                        func=ast.Name(id="ProblemError"),
                        args=[ast.Constant(value=int(status)), ast.Constant(value=str(code)), *_],
                    ):
                        yield f"{status} {code}"
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id="ProblemError"), attr=("of_field" | "of_missing") as name),
                        args=[ast.Constant(value=str(code)), *_],
                    ):
                        yield f"{_STATUSES[name]} {code}"
