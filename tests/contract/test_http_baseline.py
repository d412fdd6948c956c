"""Published HTTP APIs and events change only by additions, unless a removal was agreed."""

import copy
import json
import shutil
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any

import pytest
from fastapi import APIRouter
from pydantic import BaseModel, Field

from deploy.reference import contracts
from deploy.reference.agreements import read_agreements
from deploy.reference.http_api import api_of
from deploy.reference.http_changes import changes_that_break_clients
from deploy.reference.response_fields import response_fields
from libs.kit import Service, Store
from libs.kit.settings import Settings

router = APIRouter()


class Mode(StrEnum):
    AUTO = "auto"
    NOTIFY = "notify"


class Amount(BaseModel):
    quantity: int
    unit: str | None = None


class Body(BaseModel):
    product_id: Annotated[str, Field(max_length=200)]
    amount: Amount
    mode: Mode = Mode.AUTO
    note: str | None = None


@router.post("/v1/jars/{jar_id}/orders")
def order_for_jar(jar_id: str, body: Body, limit: int = 5) -> Any:
    return {"order_id": jar_id, "amount": {"quantity": body.amount.quantity}}


@router.get("/v1/jars")
def list_jars() -> Any:
    return {"jars": []}


BEFORE = api_of(Service(name="jars", store=Store, api=router, settings=Settings)) | {"errors": ["409 no_jar"]}
POST = "jars: POST /v1/jars/{jar_id}/orders"


def changes(change):
    after = copy.deepcopy(BEFORE)
    change(after, after["paths"]["/v1/jars/{jar_id}/orders"]["POST"])
    return changes_that_break_clients("jars", BEFORE, after)


class TestBaseline:
    def test_contains_what_a_client_uses(self):
        order = BEFORE["paths"]["/v1/jars/{jar_id}/orders"]["POST"]

        assert list(order["parameters"]) == ["path jar_id", "query limit"]
        assert order["request"]["required"] == ["amount", "product_id"]
        assert order["request"]["properties"]["amount"]["properties"]["quantity"] == {"type": "integer"}
        assert order["response_fields"] == ["amount", "order_id", "quantity"]

    @pytest.mark.parametrize("name", contracts.services()[0])
    def test_of_this_tree_is_published_for_every_service(self, name):
        published = json.loads((contracts.PUBLISHED / "http" / f"{name}.json").read_text())

        assert published["paths"]
        assert changes_that_break_clients(name, published, contracts.apis()[name]) == []


class TestBreakingChanges:
    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (lambda api, _: api["paths"].pop("/v1/jars"), "jars: the path /v1/jars is gone"),
            (lambda api, _: api["paths"]["/v1/jars"].pop("GET"), "jars: GET /v1/jars is gone"),
            (lambda _, post: post["parameters"].pop("query limit"), f"{POST}: the parameter `query limit` is gone"),
            (
                lambda _, post: post["parameters"]["query limit"].update(required=True),
                f"{POST}: the parameter `query limit` became required",
            ),
            (lambda _, post: post["request"]["properties"].pop("note"), f"{POST}: the field `note` is gone"),
            (
                lambda _, post: post["request"]["properties"]["amount"]["properties"].pop("unit"),
                f"{POST}: the field `amount.unit` is gone",
            ),
            (lambda _, post: post["request"]["required"].append("note"), f"{POST}: the field `note` became required"),
            (
                lambda _, post: (
                    post["request"]["properties"].update(colour={"type": "string"}),
                    post["request"]["required"].append("colour"),
                ),
                f"{POST}: the field `colour` is new and required",
            ),
            (
                lambda _, post: post["request"]["properties"]["product_id"].update(type="integer"),
                f"{POST}: the field `product_id` no longer accepts type string",
            ),
            (
                lambda _, post: post["request"]["properties"]["note"]["anyOf"].pop(),
                f"{POST}: the field `note` no longer accepts type null",
            ),
            (
                lambda _, post: post["request"]["properties"]["mode"]["enum"].remove("notify"),
                f"{POST}: the field `mode` no longer accepts 'notify'",
            ),
            (
                lambda _, post: post["request"]["properties"]["product_id"].update(maxLength=100),
                f"{POST}: the field `product_id`: maxLength was 200, is 100",
            ),
            (
                lambda _, post: post["request"]["properties"]["product_id"].update(pattern="^[a-z]+$"),
                f"{POST}: the field `product_id`: the pattern was free, is ^[a-z]+$",
            ),
            (
                lambda _, post: post["request"].update(additionalProperties=False),
                f"{POST}: the request body no longer accepts unknown fields",
            ),
            (lambda _, post: post.update(request=None), f"{POST}: the request body is gone"),
            (
                lambda _, post: post["response_fields"].remove("order_id"),
                f"{POST}: the response field `order_id` is gone",
            ),
            (lambda api, _: api["errors"].clear(), "jars: the error `409 no_jar` is gone"),
        ],
    )
    def test_are_named_in_a_sentence(self, change, sentence):
        assert changes(change) == [sentence]

    @pytest.mark.parametrize(
        "change",
        [
            lambda api, post: api["paths"].update({"/v1/lids": {"GET": post}}),
            lambda api, post: api["paths"]["/v1/jars"].update(POST=post),
            lambda api, _: api["errors"].append("409 too_late"),
            lambda _, post: post["parameters"].update({"query page": {"required": False, "schema": {}}}),
            lambda _, post: post["request"]["properties"].update(colour={"type": "string"}),
            lambda _, post: post["request"]["required"].remove("product_id"),
            lambda _, post: post["request"]["properties"]["mode"]["enum"].append("approve"),
            lambda _, post: post["request"]["properties"]["product_id"].update(maxLength=300),
            lambda _, post: post["request"]["properties"]["amount"].update(additionalProperties=True),
            lambda _, post: post["response_fields"].append("colour"),
        ],
    )
    def test_do_not_include_additions(self, change):
        assert changes(change) == []


@dataclass
class Jar:
    jar_id: str
    secret: str


HIDDEN = ("secret",)


def show_jar(jar: Jar) -> dict[str, Any]:
    shown = asdict(jar)
    for name in HIDDEN:
        del shown[name]
    return shown | {"full": True}


def test_response_fields_are_those_of_dictionaries_that_are_returned():
    def answer(jar: Jar, log: Any) -> Any:
        log({"never": "shown"})
        body: dict[str, Any] = {"name": "x", "of": {"depth": 1}}
        body["late"] = True
        if jar is None:
            return None
        return body | {"more": 1}

    assert response_fields(answer) == {"name", "of", "depth", "late", "more"}
    assert response_fields(show_jar) == {"jar_id", "full"}


class TestAgreements:
    @pytest.fixture(autouse=True)
    def root(self, tmp_path, monkeypatch):
        """Let `make contracts` work in a folder whose baseline has one more path and one more event."""
        shutil.copy(contracts.ROOT / "pyproject.toml", tmp_path)
        (tmp_path / "docs" / "reference").mkdir(parents=True)
        published = tmp_path / "libs" / "replenish_contracts" / "published"
        shutil.copytree(contracts.PUBLISHED, published)
        monkeypatch.setattr(contracts, "ROOT", tmp_path)
        monkeypatch.setattr(contracts, "PUBLISHED", published)
        monkeypatch.setattr(contracts, "PAGE", tmp_path / "docs" / "reference" / "events.md")
        return tmp_path

    @pytest.fixture
    def old_path(self, root):
        baseline = root / "libs" / "replenish_contracts" / "published" / "http" / "inventory.json"
        document = json.loads(baseline.read_text())
        document["paths"]["/v1/old"] = {"GET": {"parameters": {}, "request": None, "response_fields": []}}
        baseline.write_text(json.dumps(document))
        return baseline

    @pytest.fixture
    def old_event(self, root):
        schemas = root / "libs" / "replenish_contracts" / "published" / "schemas"
        shutil.copy(schemas / "SlotUsed.json", schemas / "SlotEaten.json")
        return schemas / "SlotEaten.json"

    def test_make_refuses_to_drop_what_is_not_listed(self, old_path, old_event, capsys):
        assert contracts.make() == 1

        printed = capsys.readouterr().out
        assert "inventory: the path /v1/old is gone: only additions are allowed" in printed
        assert "SlotEaten was published but is no longer in the catalogue" in printed
        assert "/v1/old" in old_path.read_text()
        assert old_event.exists()

    def test_make_drops_what_is_listed_as_removed(self, root, old_path, old_event):
        (root / "docs/reference/removed.md").write_text(
            "- `inventory: the path /v1/old is gone`: no client called it.\n"
            "- `SlotEaten was published but is no longer in the catalogue`: it had no consumer.\n"
        )

        assert contracts.make() == 0

        assert "/v1/old" not in old_path.read_text()
        assert not old_event.exists()

    def test_make_drops_an_event_that_is_listed_as_renamed(self, root, old_event):
        (root / "docs/reference/renamed.md").write_text(
            "## Events\n\n| old | new |\n| --- | --- |\n| SlotEaten | SlotUsed |\n"
        )

        assert contracts.make() == 0

        assert not old_event.exists()

    def test_a_renamed_table_does_not_agree_to_a_field_of_that_name(self, root):
        (root / "docs/reference/renamed.md").write_text(
            "## Fields of events\n\n| old | new |\n| --- | --- |\n| `doubt` | `uncertainty` |\n\n"
            "## Tables and columns\n\n| old | new |\n| --- | --- |\n| `cursor` | `checkpoint` |\n"
        )

        agreements = read_agreements(root)

        assert agreements.allow("SlotUsed/$defs/SlotUsed/properties/doubt is gone")
        assert agreements.allow("jars: GET /v1/jars: the response field `doubt` is gone")
        assert not agreements.allow("jars: GET /v1/jars: the parameter `query cursor` is gone")
        assert not agreements.allow("jars: GET /v1/jars: the field `doubt` became required")
