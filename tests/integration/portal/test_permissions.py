"""Calls every API operation without permission; new operations are included automatically."""

import pytest

from tests.support import routes as doors

CANARY = "Quagga Canary"
#: Public by design.
OPEN = {("get", "/.well-known/jwks.json"), ("post", "/v1/tokens"), ("post", "/v1/shops")}


@pytest.fixture(scope="module")
async def portal(kafka_url, database):
    async with doors.portal(kafka_url, database) as door:
        yield door


@pytest.fixture(scope="module")
async def people(portal):
    """Two customers, each with a device."""
    mine, other = await portal.join(name=CANARY), await portal.join()
    return {
        "customer_id": mine,
        "provider_id": "acme",
        "device_id": (await portal.register(mine))["device_id"],
        "stranger": await portal.customer(other),
        "provider": {"Authorization": f"Bearer {portal.sign(role='provider', provider_id='globex')}"},
        "service": {"Authorization": f"Bearer {portal.sign_service('notification')}"},
    }


def operations(portal):
    paths = portal.kit.app.openapi()["paths"]
    return [(method, path) for path, found in paths.items() for method in found if (method, path) not in OPEN]


async def attempt(portal, operation, people, headers, body=None):
    method, path = operation
    return await portal.http.request(method, path.format(**people), headers=headers, json=body or {})


async def test_operations_are_found(portal):
    assert len(operations(portal)) >= 15


async def test_request_without_token_is_refused(portal, people):
    for operation in operations(portal):
        answer = await attempt(portal, operation, people, {})

        assert answer.status_code == 401, operation
        assert CANARY not in answer.text


async def test_customer_cannot_access_other_customer(portal, people):
    for operation in operations(portal):
        answer = await attempt(portal, operation, people, people["stranger"])

        assert answer.status_code in {403, 404, 422}, (operation, answer.status_code)
        assert CANARY not in answer.text, operation
        assert people["device_id"] not in answer.text, operation


async def test_provider_token_is_refused(portal, people):
    for operation in operations(portal):
        answer = await attempt(portal, operation, people, people["provider"])

        assert answer.status_code in {403, 404, 422}, (operation, answer.status_code)
        assert CANARY not in answer.text


async def test_service_token_is_read_only(portal, people):
    for operation in operations(portal):
        answer = await attempt(portal, operation, people, people["service"])

        if operation[0] != "get":
            assert answer.status_code in {403, 404, 422}, (operation, answer.status_code)


@pytest.mark.parametrize("field", ["customer_id", "role", "erased_at", "registration", "credential", "nonce"])
async def test_unknown_field_is_refused(portal, people, field):
    operators = await portal.operator()
    path = f"/v1/customers/{people['customer_id']}"

    changed = await portal.http.patch(path, json={"name": CANARY, field: "x"}, headers=operators)
    registered = await portal.http.post(f"{path}/devices", json=doors.device(**{field: "x"}), headers=operators)

    assert (changed.status_code, registered.status_code) == (422, 422)
    assert field in [error["field"] for error in registered.json()["errors"]]


@pytest.mark.parametrize("terms", ['{"minimum": NaN}', '{"minimum": 1e400}', '{"address": "\\ud800"}'])
async def test_shop_with_unencodable_terms_is_refused(portal, terms):
    body = f'{{"name": "Corner", "terms": {terms}}}'

    answer = await portal.http.post("/v1/shops", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_join_form_rejects_nan(portal):
    form = {"name": "Corner", "email": "corner@example.org", "lead_time_days": "nan"}

    answer = await portal.http.post("/shop/join", data=form)

    assert answer.status_code == 409
    assert "JSON cannot represent" in answer.text
