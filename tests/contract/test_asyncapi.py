"""The AsyncAPI document is valid by AsyncAPI's own schema, and everything it refers to is there."""

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
    def test_is_valid(self):
        assert [
            f"{list(error.absolute_path)}: {error.message[:200]}" for error in VALIDATOR.iter_errors(DOCUMENT)
        ] == []

    @pytest.mark.parametrize("where", ["channels", "operations", "info"])
    def test_would_not_be_valid_with_a_misspelt_word(self, where):
        spoiled = json.loads(json.dumps(DOCUMENT))
        place = spoiled[where] if where == "info" else next(iter(spoiled[where].values()))
        place["adress"] = "usage"

        assert not VALIDATOR.is_valid(spoiled)

    def test_refers_only_to_what_is_there(self):
        told = references(DOCUMENT)

        assert len(told) > 3 * len(CATALOGUE)
        for reference in told:
            assert resolve(reference)

    def test_tells_about_every_event_and_who_says_it(self):
        said = {
            reference["$ref"].rsplit("/", 1)[1]
            for operation in DOCUMENT["operations"].values()
            if operation["action"] == "send"
            for reference in operation["messages"]
        }

        assert said == set(DOCUMENT["components"]["messages"]) == set(CATALOGUE)

    @pytest.mark.parametrize("name", CATALOGUE)
    def test_payloads_are_schemas_that_fit_the_examples(self, name):
        schema = resolve(DOCUMENT["components"]["messages"][name]["payload"]["$ref"])
        example = json.loads((PUBLISHED / "golden" / f"{name}.json").read_text())
        judge = jsonschema.Draft202012Validator(schema)
        spoiled = json.loads(json.dumps(example))
        del spoiled["data"]

        jsonschema.Draft202012Validator.check_schema(schema)
        assert list(judge.iter_errors(example)) == []
        assert not judge.is_valid(spoiled)
        assert schema["$defs"][name]["description"]
