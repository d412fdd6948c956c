"""Whoever wants to be a shop may ask, whatever they send."""

import pytest

from tests.integration.portal import doors
from tests.integration.portal.neighbours import neighbours


@pytest.fixture(scope="module")
async def portal(kafka_url, database):
    async with doors.portal(kafka_url, database) as door:
        yield door


@pytest.fixture(scope="module")
async def others():
    async with neighbours() as said:
        yield said


@pytest.mark.parametrize("unsayable", ["NaN", "-Infinity", r'"\ud800"'])
async def test_what_no_json_writer_writes_is_refused_in_words(portal, unsayable):
    body = f'{{"name": "Corner", "terms": {{"email": "a@b.example", "fee": {unsayable}}}}}'

    answer = await portal.http.post("/v1/shops", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_a_form_with_no_number_of_days_is_refused_in_words(portal):
    form = {"name": "Corner", "email": "a@b.example", "delivery": "yes", "lead_time_days": "nan"}

    answer = await portal.http.post("/shop/join", data=form)

    assert answer.status_code == 409
    assert "Something went wrong" in answer.text


class TestMakingAKey:
    """Where order-dispatch cannot say who is a provider."""

    async def make(self, portal, url):
        with doors.changed(portal.kit, order_dispatch_url=url):
            return await portal.http.post("/v1/providers/acme/keys", headers=await portal.operator())

    @pytest.mark.parametrize("status", [401, 429, 500, 503])
    async def test_is_for_later_where_no_list_of_providers_comes(self, portal, others, status):
        others.refusals["/v1/providers"] = (status, {"title": "Oops", "code": "oops"})

        answer = await self.make(portal, others.url)

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"]

    async def test_is_for_later_where_nobody_answers(self, portal):
        with doors.free_socket() as (_, url):
            pass

        answer = await self.make(portal, url)

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"]

    async def test_is_refused_for_a_provider_that_is_not_on_the_list(self, portal, others):
        others.refusals["/v1/providers"] = (200, {"providers": [{"provider_id": "globex"}]})

        answer = await self.make(portal, others.url)

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_joining_is_for_later_where_order_dispatch_fails(portal, others):
    others.refusals["/v1/shops"] = (500, {"title": "Oops", "code": "oops"})

    with doors.changed(portal.kit, order_dispatch_url=others.url):
        answer = await portal.http.post("/v1/shops", json={"name": "Corner", "terms": {}})

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]
