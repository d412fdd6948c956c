"""The errors of a problem document: code, field, problem and remedy."""

import json

import httpx
import pytest
from fastapi import APIRouter

from libs.kit.http.app import build_app
from libs.kit.http.problems import ProblemError

router = APIRouter()


@router.get("/v1/jars/{jar_id}")
async def get_jar(jar_id: str):
    raise ProblemError.of_missing("no_such_jar", "There is no such jar", "jar", "jar_id", "GET /v1/jars/{jar_id}/near")


@router.put("/v1/jars/{jar_id}")
async def put_jar(jar_id: str):
    raise RuntimeError("a bug")


def only(**problem):
    (error,) = ProblemError(409, "late", "Too late", **problem).body["errors"]
    return error


async def answered(method, path):
    app = build_app("jars", router, None)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://jars"
    ) as client:
        return await client.request(method, path)


class TestErrors:
    def test_are_one_with_the_parts_given(self):
        parts = {"field": "lid", "problem": "the lid is on", "remedy": "take it off"}

        assert only(**parts) == {"code": "late", **parts}

    def test_take_title_and_detail_if_nothing_is_given(self):
        assert only(detail="Come earlier.") == {
            "code": "late",
            "field": None,
            "problem": "too late",
            "remedy": "Come earlier.",
        }

    @pytest.mark.parametrize("status", [401, 403, 404, 409, 413, 422, 429, 500, 502, 503])
    def test_always_have_a_remedy(self, status):
        (error,) = ProblemError(status, "x", "X").body["errors"]

        assert error["remedy"]

    def test_name_the_time_to_try_again(self):
        assert only(headers={"Retry-After": "7"})["remedy"] == "send the same request again in 7 s"

    def test_given_as_a_list_are_completed(self):
        problem = ProblemError(422, "odd", "Odd", errors=[{"field": "a", "problem": "is odd"}, {"code": "even"}])

        first, second = problem.body["errors"]

        assert (first["code"], first["field"], first["problem"]) == ("odd", "a", "is odd")
        assert (second["code"], second["field"], second["problem"]) == ("even", None, "odd")
        assert first["remedy"]
        assert second["remedy"]

    def test_of_the_gateway_stay_as_they_are(self):
        assert "errors" not in ProblemError(422, "x", "X", refused=[{}]).body

    @pytest.mark.parametrize(
        ("title", "problem"),
        [("No slot", "no slot"), ("A jar is full", "a jar is full"), ("SNS is away", "SNS is away")],
    )
    def test_have_the_title_in_lower_case_unless_it_is_a_name(self, title, problem):
        assert ProblemError(422, "x", title).body["errors"][0]["problem"] == problem


class TestAnswer:
    async def test_names_kind_and_id_of_what_is_missing(self):
        response = await answered("GET", "/v1/jars/j-7")

        assert response.status_code == 404
        assert response.json()["errors"] == [
            {
                "code": "no_such_jar",
                "field": "path.jar_id",
                "problem": "there is no jar j-7",
                "remedy": "GET /v1/jars/j-7/near",
            }
        ]

    async def test_names_a_similar_path(self):
        response = await answered("GET", "/v1/jar/j-7")

        assert response.json()["errors"][0]["remedy"] == "did you mean /v1/jars/j-7?"

    async def test_names_all_methods_of_a_path(self):
        response = await answered("DELETE", "/v1/jars/j-7")

        assert response.headers["allow"] == "GET, PUT"
        assert response.json()["errors"][0] == {
            "code": "method_not_allowed",
            "field": "method",
            "problem": "DELETE is not possible at /v1/jars/j-7",
            "remedy": "send GET or PUT",
        }

    async def test_of_a_bug_has_no_details_but_a_remedy(self):
        response = await answered("PUT", "/v1/jars/j-7")

        assert response.status_code == 500
        assert "a bug" not in json.dumps(response.json())
        assert response.json()["errors"][0]["remedy"].startswith("try again later")
