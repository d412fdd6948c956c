"""Responses with a secret: a repeat under the same Idempotency-Key runs once and returns the secret again."""

import asyncio
import re

import httpx
import pytest

from libs.kit.testing import count
from services.portal.store import Store
from tests.support import routes as doors

REPLAYED = "idempotent-replayed"


@pytest.fixture(scope="module")
async def portal(kafka_url, database):
    async with doors.portal(kafka_url, database, wrong_keys_per_minute=100) as door:
        yield door


@pytest.fixture(scope="module", autouse=True)
async def dispatch(kafka_url, database, portal):
    async with doors.order_dispatch(kafka_url, database, portal) as door:
        yield door


def shop(name, **terms):
    return {"name": name, "terms": {"email": f"{name}@example.org"} | terms}


async def join(portal, key, body):
    return await portal.http.post("/v1/shops", json=body, headers={"Idempotency-Key": key} if key else {})


async def make_key(portal, provider_id, key=None):
    once = {"Idempotency-Key": key} if key else {}
    return await portal.http.post(f"/v1/providers/{provider_id}/keys", headers=await portal.operator() | once)


async def opens(portal, shown):
    """Return whether a token is issued for this key."""
    keys = {name: shown[name] for name in ("provider_id", "provider_key")}
    return (await portal.http.post("/v1/tokens", json=keys)).status_code == 200


async def shops_called(database, name):
    return await count(database["order_dispatch"].owner_url, "SELECT count(*) FROM provider WHERE name = $1", name)


class TestJoining:
    async def test_repeated_key_joins_once(self, portal, database):
        first = await join(portal, "k1", shop("corner"))
        again = await join(portal, "k1", shop("corner"))

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert set(first.json()) == {"provider_id", "active", "provider_key"}
        assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")
        assert again.headers["cache-control"] == "no-store"
        assert await shops_called(database, "corner") == 1
        assert await opens(portal, again.json())
        assert not await doors.rows_with(database, first.json()["provider_key"])

    async def test_concurrent_requests_join_once(self, portal, database):
        answers = await asyncio.gather(*(join(portal, "k2", shop("rush")) for _ in range(5)))

        shown = [answer.json() for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code != 201]
        assert shown
        assert all(one == shown[0] for one in shown)
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} <= {(409, "idempotency_in_flight")}
        assert all(answer.headers["retry-after"] for answer in refused)
        assert await shops_called(database, "rush") == 1
        assert await opens(portal, shown[0])

    async def test_request_after_crash_joins_once(self, portal, database, monkeypatch):
        async def crash(*_):
            raise ConnectionError

        with monkeypatch.context() as broken:
            broken.setattr(Store, "save_provider_key", crash)
            assert (await join(portal, "k3", shop("phoenix"))).status_code >= 500

        again = await join(portal, "k3", shop("phoenix"))

        assert again.status_code == 201
        assert await shops_called(database, "phoenix") == 1
        assert await opens(portal, again.json())

    async def test_same_key_with_other_body_is_refused(self, portal):
        await join(portal, "k4", shop("first"))

        other = await join(portal, "k4", shop("second"))

        assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")

    async def test_invalid_key_is_refused(self, portal, database):
        answer = await join(portal, "k" * 256, shop("long"))

        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")
        assert await shops_called(database, "long") == 0

    async def test_requests_without_key_join_each_time(self, portal, database):
        for _ in range(2):
            assert (await join(portal, None, shop("twin"))).status_code == 201

        assert await shops_called(database, "twin") == 2

    async def test_other_client_with_same_key_gets_no_secret(self, portal, database):
        first = await join(portal, "join-1", shop("guessed"))
        elsewhere = httpx.ASGITransport(app=portal.kit.app, client=("203.0.113.7", 1))

        async with httpx.AsyncClient(transport=elsewhere, base_url=portal.url) as stranger:
            answer = await stranger.post("/v1/shops", json=shop("guessed"), headers={"Idempotency-Key": "join-1"})

        assert answer.json()["provider_key"] != first.json()["provider_key"]
        assert await shops_called(database, "guessed") == 2

    async def test_changed_provider_key_is_not_returned(self, portal):
        first = (await join(portal, "k5", shop("rekeyed"))).json()
        assert (await make_key(portal, first["provider_id"])).status_code == 201

        again = await join(portal, "k5", shop("rekeyed"))

        assert again.json() == first | {"provider_key": None}

    async def test_form_sent_twice_joins_once(self, portal, database):
        async with httpx.AsyncClient(base_url=portal.url, timeout=20) as browser:
            once = re.search(r'name="once" value="([^"]+)"', (await browser.get("/shop")).text)[1]
            form = {"name": "formal", "email": "formal@example.org", "delivery": "yes", "once": once}

            first, again = [await browser.post("/shop/join", data=form) for _ in range(2)]

        assert (first.status_code, again.status_code) == (201, 201)
        assert "rpl_prov_" in first.text
        assert first.text == again.text
        assert await shops_called(database, "formal") == 1

    async def test_form_with_changed_provider_key_does_not_sign_in(self, portal):
        async with httpx.AsyncClient(base_url=portal.url, timeout=20) as browser:
            form = {"name": "former", "email": "former@example.org", "delivery": "yes", "once": "o1"}
            provider_id = re.search(r"<code>(former-\w+)</code>", (await browser.post("/shop/join", data=form)).text)[1]
            assert (await make_key(portal, provider_id)).status_code == 201
            browser.cookies.clear()

            again = await browser.post("/shop/join", data=form)

        assert again.status_code == 409
        assert "set-cookie" not in again.headers


class TestMakingAKey:
    async def test_repeated_key_keeps_provider_key(self, portal):
        provider_id = (await join(portal, None, shop("keyed"))).json()["provider_id"]

        first = await make_key(portal, provider_id, "k1")
        again = await make_key(portal, provider_id, "k1")

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")
        assert again.headers["cache-control"] == "no-store"
        assert await opens(portal, first.json())

    async def test_request_without_key_revokes_provider_key(self, portal):
        provider_id = (await join(portal, None, shop("turned"))).json()["provider_id"]

        first, second = [await make_key(portal, provider_id) for _ in range(2)]

        assert [await opens(portal, made.json()) for made in (first, second)] == [False, True]

    async def test_idempotency_key_is_per_provider(self, portal):
        one, other = [(await join(portal, None, shop(name))).json()["provider_id"] for name in ("one", "other")]

        made = [(await make_key(portal, provider_id, "k2")).json() for provider_id in (one, other)]

        assert made[0]["provider_key"] != made[1]["provider_key"]
        assert [await opens(portal, shown) for shown in made] == [True, True]


class TestMakingASignInLink:
    async def make(self, portal, customer_id, key):
        headers = await portal.operator() | {"Idempotency-Key": key}
        return await portal.http.post(f"/v1/customers/{customer_id}/sign-in-links", headers=headers)

    async def test_repeated_key_makes_one_link(self, portal, database):
        customer_id = await portal.join()

        first, again = [await self.make(portal, customer_id, "k1") for _ in range(2)]

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert again.headers[REPLAYED] == "true"
        sql = "SELECT count(*) FROM sign_in_link WHERE customer_id = $1"
        assert await count(database["portal"].owner_url, sql, customer_id) == 1
        assert not await doors.rows_with(database, first.json()["url"].partition("token=")[2])

    async def test_used_link_is_not_returned(self, portal):
        customer_id = await portal.join()
        first = (await self.make(portal, customer_id, "k2")).json()
        async with httpx.AsyncClient(timeout=20) as browser:
            assert (await browser.get(first["url"])).status_code == 303

        again = await self.make(portal, customer_id, "k2")

        assert again.json() == first | {"url": None}
