"""Keys and access tokens."""

import json

import pytest

from libs.kit.http.auth import read_claims, read_keys
from tests.support import routes as doors


@pytest.fixture(scope="module")
async def portal(kafka_url, database, tmp_path_factory):
    keys = tmp_path_factory.mktemp("secrets") / "service_keys.json"
    keys.write_text(json.dumps({"notification": "mine", "gateway": ["new", "old"]}))
    async with doors.portal(kafka_url, database, service_keys_file=keys, wrong_keys_per_minute=3) as door:
        yield door


async def published(portal):
    return read_keys((await portal.http.get("/.well-known/jwks.json")).json())


@pytest.mark.parametrize(
    ("key", "role", "service"),
    [
        ({"operator_key": doors.OPERATOR_KEY}, "operator", None),
        ({"service": "notification", "service_key": "mine"}, "service", "notification"),
        ({"service": "gateway", "service_key": "old"}, "service", "gateway"),
        ({"service": "gateway", "service_key": "new"}, "service", "gateway"),
    ],
)
async def test_valid_key_returns_verifiable_token(portal, key, role, service):
    answer = await portal.http.post("/v1/tokens", json=key)

    principal = read_claims(answer.json()["access_token"], await published(portal))
    assert (principal.role, principal.service) == (role, service)
    assert answer.json()["expires_in"] == 3600
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"service": "inventory", "service_key": "mine"}, 401, "unauthorized"),
        ({"service": "notification", "service_key": ""}, 401, "unauthorized"),
        ({"service": "notification"}, 422, "invalid"),
        ({}, 422, "invalid"),
        ({"operator_key": "x", "role": "operator"}, 422, "invalid"),
    ],
)
async def test_wrong_key_is_refused(portal, body, status, code):
    answer = await portal.http.post("/v1/tokens", json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_failed_attempts_are_limited_per_client(portal):
    wrong = {"service": "consumption", "service_key": "guess"}

    answers = [await portal.http.post("/v1/tokens", json=wrong) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert int(answers[-1].headers["retry-after"]) <= 60
    assert (await portal.http.post("/v1/tokens", json={"operator_key": doors.OPERATOR_KEY})).status_code == 200


async def test_customer_token_requires_operator(portal):
    customer_id = await portal.join()
    theirs = await portal.customer(customer_id)

    principal = read_claims(theirs["Authorization"].split()[1], await published(portal))

    assert (principal.role, principal.customer_id) == ("customer", customer_id)
    for path in (f"/v1/customers/{customer_id}/tokens", f"/v1/customers/{customer_id}/sign-in-links"):
        assert (await portal.http.post(path, headers=theirs)).status_code == 403
        assert (await portal.http.post(path)).status_code == 401
    missing = await portal.http.post("/v1/customers/unknown/tokens", headers=await portal.operator())
    assert missing.status_code == 404


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvcGVyYXRvciIsInJvbGUiOiJvcGVyYXRvciJ9."]
)
async def test_other_tokens_are_refused(portal, token):
    answer = await portal.http.get("/v1/customers", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401
