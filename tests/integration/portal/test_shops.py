"""Whoever wants to be a shop may ask, whatever they send."""

import pytest

from tests.integration.portal import doors


@pytest.fixture(scope="module")
async def portal(kafka_url, database):
    async with doors.portal(kafka_url, database) as door:
        yield door


@pytest.mark.parametrize("unsayable", ["NaN", "-Infinity", r'"\ud800"'])
async def test_what_no_json_writer_writes_is_refused_in_words(portal, unsayable):
    body = f'{{"name": "Corner", "terms": {{"email": "a@b.example", "fee": {unsayable}}}}}'

    answer = await portal.http.post("/v1/shops", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_a_form_with_no_number_of_days_is_refused_in_words(portal):
    form = {"name": "Corner", "email": "a@b.example", "delivery": "yes", "lead_time_days": "nan"}

    answer = await portal.http.post("/shop/join", data=form)

    assert answer.status_code == 409
    assert "That did not work" in answer.text
