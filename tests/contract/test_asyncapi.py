"""The AsyncAPI document is valid by AsyncAPI's schema, and its references resolve."""

import json
from pathlib import Path

import jsonschema
import pytest

from deploy.reference.contracts import PUBLISHED, consumes, services
from replenish_contracts.asyncapi import asyncapi
from replenish_contracts.catalogue import CATALOGUE

SPEC = Path(__file__).parents[2] / "deploy" / "asyncapi-spec" / "asyncapi-3.0.0.json"
DOCUMENT = asyncapi("1.0.0", consumes(services()[0]))
VALIDATOR = jsonschema.Draft7Validator(json.loads(SPEC.read_text()))


def references(value):
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [ref for inner in value.values() for ref in references(inner)]
    return [ref for inner in value for ref in references(inner)] if isinstance(value, list) else []


def resolve(reference):
    place, _, pointer = reference.partition("#")
    found = json.loads((PUBLISHED / place).read_text()) if place else DOCUMENT
    for step in pointer.split("/")[1:]:
        found = found[step]
    return found


class TestAsyncApi:
    def test_document_is_valid(self):
        assert [
            f"{list(error.absolute_path)}: {error.message[:200]}" for error in VALIDATOR.iter_errors(DOCUMENT)
        ] == []

    @pytest.mark.parametrize("where", ["channels", "operations", "info"])
    def test_schema_rejects_misspelt_key(self, where):
        spoiled = json.loads(json.dumps(DOCUMENT))
        place = spoiled[where] if where == "info" else next(iter(spoiled[where].values()))
        place["adress"] = "usage"

        assert not VALIDATOR.is_valid(spoiled)

    def test_references_resolve(self):
        told = references(DOCUMENT)

        assert len(told) > 3 * len(CATALOGUE)
        for reference in told:
            assert resolve(reference)

    def test_document_lists_every_event_and_publisher(self):
        said = {
            reference["$ref"].rsplit("/", 1)[1]
            for operation in DOCUMENT["operations"].values()
            if operation["action"] == "send"
            for reference in operation["messages"]
        }

        assert said == set(DOCUMENT["components"]["messages"]) == set(CATALOGUE)

    @pytest.mark.parametrize("name", CATALOGUE)
    def test_payload_schemas_accept_examples(self, name):
        schema = resolve(DOCUMENT["components"]["messages"][name]["payload"]["$ref"])
        example = json.loads((PUBLISHED / "golden" / f"{name}.json").read_text())
        judge = jsonschema.Draft202012Validator(schema)
        spoiled = json.loads(json.dumps(example))
        del spoiled["data"]

        jsonschema.Draft202012Validator.check_schema(schema)
        assert list(judge.iter_errors(example)) == []
        assert not judge.is_valid(spoiled)
        assert schema["$defs"][name]["description"]
