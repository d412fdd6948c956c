"""Creating shops without a token, and provider keys while order_dispatch fails."""

import pytest

from tests.integration.portal.fake_services import fake_services
from tests.support import routes as doors


@pytest.fixture(scope="module")
async def portal(kafka_url, database):
    async with doors.portal(kafka_url, database) as door:
        yield door


@pytest.fixture(scope="module")
async def others():
    async with fake_services() as said:
        yield said


@pytest.mark.parametrize("value", ["NaN", "-Infinity", r'"\ud800"'])
async def test_join_rejects_values_without_json_form(portal, value):
    body = f'{{"name": "Corner", "terms": {{"email": "a@b.example", "fee": {value}}}}}'

    answer = await portal.http.post("/v1/shops", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_join_form_rejects_nan_lead_time(portal):
    form = {"name": "Corner", "email": "a@b.example", "delivery": "yes", "lead_time_days": "nan"}

    answer = await portal.http.post("/shop/join", data=form)

    assert answer.status_code == 409
    assert "Something went wrong" in answer.text


class TestMakingAKey:
    """Creating a key while order_dispatch cannot list its providers."""

    async def make(self, portal, url):
        with doors.changed(portal.kit, order_dispatch_url=url):
            return await portal.http.post("/v1/providers/acme/keys", headers=await portal.operator())

    @pytest.mark.parametrize("status", [401, 429, 500, 503])
    async def test_returns_503_if_list_of_providers_fails(self, portal, others, status):
        others.refusals["/v1/providers"] = (status, {"title": "Oops", "code": "oops"})

        answer = await self.make(portal, others.url)

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"]

    async def test_returns_503_if_order_dispatch_is_down(self, portal):
        with doors.free_socket() as (_, url):
            pass

        answer = await self.make(portal, url)

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"]

    async def test_returns_404_for_unknown_provider(self, portal, others):
        others.refusals["/v1/providers"] = (200, {"providers": [{"provider_id": "globex"}]})

        answer = await self.make(portal, others.url)

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_join_returns_503_if_order_dispatch_fails(portal, others):
    others.refusals["/v1/shops"] = (500, {"title": "Oops", "code": "oops"})

    with doors.changed(portal.kit, order_dispatch_url=others.url):
        answer = await portal.http.post("/v1/shops", json={"name": "Corner", "terms": {}})

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]
