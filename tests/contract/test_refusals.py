"""Every refusal of every HTTP API names code, field, problem and remedy."""

import ast
import json
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from deploy.reference.contracts import services
from libs.kit.http.app import build_app
from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import kit_of, principal_of
from libs.kit.http.problems import _OTHER_REMEDY, _REMEDIES

ROOT = Path(__file__).resolve().parents[2]
SERVICES = services()[0]
PARTS = {"code", "field", "problem", "remedy"}
#: Texts that help with no particular request, and those of pydantic.
GENERIC = {*_REMEDIES.values(), _OTHER_REMEDY}
FOREIGN = ("Input should", "Field required", "Extra inputs", "String should", "Value error", "a JSON value", "openapi")
#: Of a provider too, so that it has stock of its own.
OPERATOR = Principal("operator", "operator", provider_id="acme")


@cache
def app_of(name, *, signed_in=True):
    """Return a service's application without a database: every request to it must be refused before one is needed."""
    app = build_app(name, SERVICES[name].api, SimpleNamespace())
    app.dependency_overrides[kit_of] = lambda: SimpleNamespace(settings=SERVICES[name].settings)
    if signed_in:
        app.dependency_overrides[principal_of] = lambda: OPERATOR
    return app


def operations():
    for name in SERVICES:
        described = app_of(name).openapi()
        for path, methods in described["paths"].items():
            for method, operation in methods.items():
                yield pytest.param(name, path, method, operation, described, id=f"{name}: {method.upper()} {path}")


OPERATIONS = list(operations())


def resolved(schema, described):
    """Return the schema with its references replaced; of several forms, the first that is not null."""
    if "$ref" in schema:
        return resolved(described["components"]["schemas"][schema["$ref"].rpartition("/")[2]], described)
    forms = schema.get("anyOf") or schema.get("oneOf")
    return resolved(next(form for form in forms if form.get("type") != "null"), described) if forms else schema


def example_of(schema, described):
    """Return a value that the schema accepts, as far as the tests need it."""
    schema = resolved(schema, described)
    if "enum" in schema or "const" in schema:
        return schema.get("enum", [schema.get("const")])[0]
    if schema.get("format") == "date-time":
        return "2026-03-01T12:00:00Z"
    if schema.get("type") == "object" or "properties" in schema:
        required = schema.get("required", ())
        return {name: example_of(schema["properties"][name], described) for name in required}
    if schema.get("type") == "array":
        return [example_of(schema["items"], described)] if "items" in schema else []
    return {"integer": schema.get("minimum", 1), "number": 1, "boolean": True}.get(schema.get("type"), "acme")


def path_of(template, operation, described, **values):
    for one in operation.get("parameters", ()):
        if one["in"] == "path":
            value = values.get(one["name"], example_of(one["schema"], described))
            template = template.replace(f"{{{one['name']}}}", str(value))
    return template


def body_schema(operation, described):
    content = operation.get("requestBody", {}).get("content", {})
    return resolved(content["application/json"]["schema"], described) if "application/json" in content else None


def bad_values(schema):
    """Return values of other types, and outside the limits, of this form."""
    kind = schema.get("type")
    values = [[], {"a": 1}] if kind in {"string", "integer", "number", "boolean"} else ["text", 7]
    if kind in {"integer", "number"}:
        values += [schema["minimum"] - 1] if "minimum" in schema else []
        values += [int(schema["maximum"]) * 2 + 1] if "maximum" in schema else []
    if kind == "string":
        values += ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
        values += [""] if schema.get("minLength") else []
        values += ["\0"] if "pattern" in schema else []
    if "enum" in schema:
        values += ["nonsense", f"{schema['enum'][0]}s"]
    return values


def bad_bodies(operation, described):
    """Yield bodies that the operation must refuse."""
    schema = body_schema(operation, described)
    if schema is None:
        return
    yield from ([], "text", 1, None)
    good = example_of(schema, described)
    if not isinstance(good, dict):
        return
    for name in schema.get("required", ()):
        yield {member: value for member, value in good.items() if member != name}
    if schema.get("additionalProperties") is False:
        yield good | {"nonsense": 1}
        for name in schema.get("properties", ()):
            yield good | {f"{name}s": 1}
    for name, member in schema.get("properties", {}).items():
        forms = member.get("anyOf", [member])
        several = len([form for form in forms if form.get("type") != "null"]) > 1
        for value in [[[]]] if several else bad_values(resolved(member, described)):
            yield good | {name: value}
    for name, member in schema.get("properties", {}).items():
        inner = resolved(member, described)
        if inner.get("additionalProperties") is False:
            for field in inner["properties"]:
                yield good | {name: example_of(inner, described) | {f"{field}x": 1}}


def refused(response, statuses):
    """Return the errors of a refusal, after checking that each has its four parts, in words of ours."""
    assert response.status_code in statuses, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert {"type", "title", "status", "code"} <= document.keys()
    errors = document.get("errors") or document["refused"]
    assert errors
    for error in errors:
        assert error.keys() >= PARTS, error
        assert error["code"]
        assert error["field"] is None or error["field"]
        assert error["problem"] != error["remedy"]
        assert error["remedy"] not in GENERIC
        for text in (error["problem"], error["remedy"]):
            assert text
            assert text.strip() == text
            assert not [words for words in FOREIGN if words in text], error
    return errors


def client_of(app):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service.example")


#: Operations for anyone, and for senders that sign their requests.
WITHOUT_TOKEN = {
    "post /v1/tokens",
    "post /v1/shops",
    "get /.well-known/jwks.json",
    "get /v1/answers/{token}",
    "post /v1/answers/{token}",
    "get /v1/links/callback",
    "post /v1/providers/{provider_id}/callbacks",
    "post /v1/sns/{provider_id}",
    "post /v1/usage",  # tests/integration/gateway
    "post /v1/tokens/redeem",
}
HEADERS = {"Idempotency-Key": "k1"}


@pytest.mark.parametrize(("name", "path", "method", "operation", "described"), OPERATIONS)
class TestOperation:
    async def test_refuses_invalid_bodies(self, name, path, method, operation, described):
        url = path_of(path, operation, described)
        async with client_of(app_of(name)) as client:
            for body in bad_bodies(operation, described):
                response = await client.request(method, url, json=body, headers=HEADERS)

                refused(response, {422})

    async def test_refuses_bodies_that_are_not_json(self, name, path, method, operation, described):
        if body_schema(operation, described) is None:
            return
        url, json_type = path_of(path, operation, described), {"content-type": "application/json"}
        async with client_of(app_of(name)) as client:
            broken = [
                await client.request(method, url, content=body, headers=HEADERS | json_type)
                for body in (b"{", b"{'a': 1}", b'{"a": 1,}', b"\xff\xfe", b"[" * 5000)
            ]
            typed = [
                await client.request(method, url, content=b"{}", headers=HEADERS | kind)
                for kind in ({"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}, {})
            ]

        assert {refused(response, {400})[0]["code"] for response in broken} == {"malformed_json"}
        assert [response.status_code for response in typed] == [415, 415, 422]
        assert {refused(response, {415, 422})[0]["field"] for response in typed} == {"header.content-type"}

    async def test_refuses_invalid_parameters(self, name, path, method, operation, described):
        body = body_schema(operation, described)
        good = None if body is None else example_of(body, described)
        async with client_of(app_of(name)) as client:
            for one in operation.get("parameters", ()):
                schema = resolved(one["schema"], described)
                is_free = schema.get("type") == "string" and not {"pattern", "format", "enum"} & schema.keys()
                if one["in"] == "header" or is_free:
                    continue
                value = "-1" if schema.get("type") in {"integer", "number"} else "%00"
                here = path_of(path, operation, described, **{one["name"]: value})
                query = {one["name"]: value.replace("%00", "\0")} if one["in"] == "query" else {}
                response = await client.request(method, here, params=query, json=good, headers=HEADERS)

                errors = refused(response, {422})

                assert f"{one['in']}.{one['name']}" in {error["field"] for error in errors}

    async def test_names_what_is_missing_without_token(self, name, path, method, operation, described):
        body = body_schema(operation, described)
        good = None if body is None else example_of(body, described)
        async with client_of(app_of(name, signed_in=False)) as client:
            response = await client.request(method, path_of(path, operation, described), json=good, headers=HEADERS)
        if f"{method} {path}" in WITHOUT_TOKEN:
            return

        assert refused(response, {401})[0]["field"] in {"header.authorization", "header"}

    async def test_names_the_methods_of_a_path(self, name, path, method, operation, described):
        async with client_of(app_of(name)) as client:
            response = await client.request("PROPFIND", path_of(path, operation, described))

        errors = refused(response, {405})

        assert method.upper() in errors[0]["remedy"]


@pytest.mark.parametrize("name", SERVICES)
async def test_unknown_path_is_refused_with_a_similar_one(name):
    async with client_of(app_of(name)) as client:
        path = next(iter(app_of(name).openapi()["paths"]))
        response = await client.get(path.replace("{", "").replace("}", "") + "z")

    errors = refused(response, {404})

    assert errors[0]["field"] == "path"


class TestWords:
    """What is refused, and what is accepted, in the words of the API."""

    async def send(self, name, method, path, body=None, **more):
        async with client_of(app_of(name)) as client:
            response = await client.request(method, path, json=body, headers=HEADERS, **more)
        return refused(response, {422})

    async def test_misspelled_field(self):
        body = {"product_id": "pods", "provider_id": "acme", "pack_sise": 50, "pack_size": 50}

        [error] = await self.send("reorder_decision", "POST", "/v1/customers/c1/subscriptions", body)

        assert error == {
            "code": "unknown_field",
            "field": "pack_sise",
            "problem": "there is no such field",
            "remedy": "did you mean pack_size?",
        }

    async def test_misspelled_field_inside_one_of_several_forms(self):
        body = {"product_id": "pods", "provider_id": "acme", "pack_size": {"quantity": 50, "units": "count"}}

        [error] = await self.send("reorder_decision", "POST", "/v1/customers/c1/subscriptions", body)

        assert (error["field"], error["remedy"]) == ("pack_size.units", "did you mean unit?")

    async def test_value_that_fits_none_of_several_forms(self):
        body = {"product_id": "pods", "provider_id": "acme", "pack_size": True}

        [error] = await self.send("reorder_decision", "POST", "/v1/customers/c1/subscriptions", body)

        assert error["field"] == "pack_size"
        assert error["problem"] == "true is a boolean and is not accepted here"
        assert error["remedy"] == ("send an object with quantity and optionally unit, a text, an integer or a number")

    async def test_missing_fields(self):
        errors = await self.send("reorder_decision", "POST", "/v1/customers/c1/subscriptions", {"product_id": "pods"})

        assert [(error["code"], error["field"]) for error in errors] == [
            ("missing_field", "provider_id"),
            ("missing_field", "pack_size"),
        ]
        assert errors[0]["remedy"] == "send a text of 1 to 200 characters"

    async def test_listed_value(self):
        body = {"product_id": "pods", "provider_id": "acme", "pack_size": 50, "mode": "aprove"}

        [error] = await self.send("reorder_decision", "POST", "/v1/customers/c1/subscriptions", body)

        assert error["code"] == "unknown_value"
        assert error["problem"] == '"aprove" is not one of the accepted values'
        assert error["remedy"] == 'did you mean approve? Send one of "auto", "approve", "notify"'

    @pytest.mark.parametrize(
        ("days", "problem"), [(-1, "-1 is less than 0"), (4000, "4000 is more than 3650")], ids=["below", "above"]
    )
    async def test_number_out_of_range(self, days, problem):
        body = {"product_id": "pods", "provider_id": "acme", "pack_size": 50, "days": days}

        [error] = await self.send("reorder_decision", "POST", "/v1/customers/c1/subscriptions", body)

        assert error == {
            "code": "out_of_range",
            "field": "days",
            "problem": problem,
            "remedy": "send a number from 0 to 3650",
        }

    async def test_query_parameter(self):
        [error] = await self.send("order_dispatch", "GET", "/v1/claims?limit=many")

        assert error == {
            "code": "wrong_type",
            "field": "query.limit",
            "problem": '"many" is a text and is not accepted here',
            "remedy": "send an integer from 1 to 500",
        }

    async def test_path_parameter(self):
        [error] = await self.send("order_dispatch", "GET", "/v1/providers/ACME/orders")

        assert (error["code"], error["field"]) == ("wrong_format", "path.provider_id")
        assert error["problem"] == '"ACME" does not have this form'
        assert error["remedy"].startswith("send 1 to 100 lower-case letters")

    async def test_time_without_offset(self):
        body = {"from": "2026-03-01T12:00:00", "until": "2026-03-09T12:00:00Z"}

        [error] = await self.send("reorder_decision", "PUT", "/v1/customers/c1/holiday", body)

        assert error["field"] == "from"
        assert error["problem"] == '"2026-03-01T12:00:00" has no UTC offset'
        assert error["remedy"] == "send a time with its UTC offset, for example 2026-01-31T08:00:00Z"

    async def test_rule_about_several_fields(self):
        body = {"from": "2026-03-09T12:00:00Z", "until": "2026-03-01T12:00:00Z"}

        [error] = await self.send("reorder_decision", "PUT", "/v1/customers/c1/holiday", body)

        assert error["problem"] == "until is not later than from"
        assert error["remedy"] == "send the time of departure as from and the return as until"

    async def test_entry_of_a_list(self):
        body = {
            "items": [{"owner_id": "acme", "product_id": "pods", "quantity": 1}, {"owner_id": "acme", "quantity": 0}]
        }

        errors = await self.send("inventory", "POST", "/v1/carts/c1/items", body)

        assert [error["field"] for error in errors] == ["items.1.product_id", "items.1.quantity"]

    async def test_secret_is_not_repeated(self):
        errors = await self.send("portal", "POST", "/v1/tokens", {"operator_key": "s3cret" * 100})

        assert "s3cret" not in json.dumps(errors)
        assert errors[0]["problem"] == "the text has 600 characters; at most 500 are accepted"


def raised():
    """Yield each ProblemError in the code of services, except the gateway's, and of the kit."""
    for folder in (ROOT / "services", ROOT / "libs"):
        for file in sorted(folder.rglob("*.py")):
            where = file.relative_to(ROOT)
            if "gateway" in where.parts:
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ProblemError":
                    yield where, node


def test_every_problem_has_a_remedy_of_its_own():
    """The remedies by status are for problems of code that is written later."""
    without = [
        f"{where}:{node.lineno}"
        for where, node in raised()
        if not {"remedy", "errors"} & {keyword.arg for keyword in node.keywords}
    ]

    assert without == []
