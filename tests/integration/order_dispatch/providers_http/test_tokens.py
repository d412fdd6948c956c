"""Tests of token redemption: once, by its provider, within amount and expiry."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from replenish_contracts.events import ShipTo
from services.order_dispatch.providers.tokens import ship_to_digest
from tests.integration.order_dispatch.providers_http.sample_shops import SECRETS
from tests.support.portal_server import SHIP_TO

PATH = "/v1/tokens/redeem"


@pytest.fixture(scope="module")
async def tokens(world):
    """Return the tokens that the shop received, with the ids of their accepted orders."""
    numbers = iter(range(1, 1000))
    async with world.shop("webhook", "acme"), world.shop("webhook", "globex"):

        async def token(approve=world.approve):
            order_id = await approve("acme", next(numbers))
            await world.reaches(order_id, "placed")
            async with world.kit.writing() as connection:
                store = world.kit.store_in(connection)
                order = await store.find_order(order_id)
                issued = await store.issue_token(order, ShipTo(**SHIP_TO), SECRETS)
            return order_id, issued.token

        yield token


async def redeem(world, token, key=None, provider="acme", **changes):
    key = f"{key or 'first'}-{token}"
    body = {"provider_id": provider, "token": token, "amount": 998, "currency": "usd", **changes}
    return await world.post_signed(PATH, key, body, **{"idempotency-key": key})


@asynccontextmanager
async def set_in(world, order_id, **columns):
    """Change an order's token temporarily."""
    async with world.kit.writing() as connection:
        for column, value in columns.items():
            sql = f"UPDATE order_token SET {column} = {value} WHERE order_id = $1"
            await connection.execute(sql, order_id)
    yield


class TestToken:
    async def test_redeem_once_returns_order(self, world, tokens):
        order_id, token = await tokens()

        answer = await redeem(world, token)

        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "order_id": order_id,
            "product_id": "pods",
            "packs": 2,
            "quantity": 40,
            "unit": "C62",
            "scale": 0,
            "lines": [
                {"line_id": "1", "product_id": "pods", "packs": 2, "quantity": 40, "unit": "C62", "scale": 0},
            ],
            "ship_to_sha256": ship_to_digest(ShipTo(**SHIP_TO)),
            "amount": 998,
            "currency": "USD",
        }
        second = await redeem(world, token, key="k2")
        assert (second.status_code, second.json()["code"]) == (409, "token_redeemed")

    async def test_redeem_returns_every_line_of_the_order(self, world, tokens):
        _, token = await tokens(world.approve_basket)

        answer = await redeem(world, token, amount=1348)

        assert answer.status_code == 200, answer.text
        assert answer.json()["lines"] == [
            {"line_id": "1", "product_id": "pods", "packs": 2, "quantity": 40, "unit": "C62", "scale": 0},
            {"line_id": "2", "product_id": "filters", "packs": 1, "quantity": 100, "unit": "C62", "scale": 0},
        ]
        assert (await redeem(world, token, key="k2", amount=1)).json()["code"] == "token_redeemed"

    async def test_redeem_replays_answer_for_same_key(self, world, tokens):
        _, token = await tokens()
        first, again = await redeem(world, token), await redeem(world, token)

        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        assert (again.headers["idempotent-replayed"], again.headers["idempotency-key"]) == ("true", f"first-{token}")

    async def test_concurrent_redeems_succeed_once(self, world, tokens):
        order_id, token = await tokens()

        answers = await asyncio.gather(*[redeem(world, token, key=f"k-{number}") for number in range(10)])

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
        (row,) = await world.rows("SELECT redeemed_amount FROM order_token WHERE order_id = $1", order_id)
        assert row["redeemed_amount"] == 998

    async def test_redeem_refuses_other_provider(self, world, tokens):
        _, token = await tokens()
        foreign = await redeem(world, token, provider="globex")
        missing = await redeem(world, "spt_" + "0" * 64)

        assert (foreign.status_code, foreign.json()) == (404, missing.json())
        assert (await redeem(world, token, key="k2")).status_code == 200

    @pytest.mark.parametrize(
        "wrong",
        [{"amount": 999}, {"currency": "EUR"}, {"currency": None}],
        ids=["more", "another currency", "no currency"],
    )
    async def test_redeem_refuses_other_amount(self, world, tokens, wrong):
        _, token = await tokens()
        answer = await redeem(world, token, **wrong)

        assert (answer.status_code, answer.json()["code"]) == (422, "amount_not_covered")
        assert (await redeem(world, token, key="k2")).status_code == 200

    async def test_redeem_accepts_lower_amount(self, world, tokens):
        _, token = await tokens()

        assert (await redeem(world, token, amount=1)).status_code == 200

    async def test_redeem_refuses_expired_token(self, world, tokens):
        order_id, token = await tokens()
        async with set_in(world, order_id, expires_at="now() - interval '1 second'"):
            answer = await redeem(world, token)

        assert (answer.status_code, answer.json()["code"]) == (410, "token_expired")

    async def test_redeem_refuses_token_of_ended_order(self, world, tokens):
        order_id, token = await tokens()
        callback = {"type": "order.snapshot", "data": {"order_id": order_id, "status": "cancelled"}}
        await world.call_back("acme", f"cancel-{order_id}", callback)

        answer = await redeem(world, token)

        assert (answer.status_code, answer.json()["code"]) == (409, "token_void")

    async def test_redeem_without_price_needs_no_amount(self, world, tokens):
        order_id, token = await tokens()
        async with set_in(world, order_id, max_amount="NULL, currency = NULL"):
            with_amount = await redeem(world, token)
            without = await redeem(world, token, key="k2", amount=None, currency=None)

        assert (with_amount.status_code, without.status_code) == (422, 200)

    async def test_token_is_not_stored(self, world, tokens):
        order_id, token = await tokens()
        rows = await world.rows("SELECT * FROM order_token WHERE order_id = $1", order_id)
        rows += await world.rows("SELECT * FROM task")

        assert token not in str([dict(row) for row in rows])
        assert token.removeprefix("spt_") not in str([dict(row) for row in rows])

    async def test_token_is_stable_per_order(self, world, tokens):
        (_, one), (_, other) = await tokens(), await tokens()

        assert one != other
        assert one.startswith("spt_")


class TestRedeemRequest:
    async def test_redeem_needs_idempotency_key(self, world, tokens):
        _, token = await tokens()
        body = {"provider_id": "acme", "token": token, "amount": 998, "currency": "usd"}
        none = await world.post_signed(PATH, "m1", body)
        empty = await world.post_signed(PATH, "m1", body, **{"idempotency-key": ""})
        long = await world.post_signed(PATH, "m1", body, **{"idempotency-key": "k" * 256})

        assert (none.status_code, none.json()["code"]) == (400, "idempotency_key_required")
        assert {answer.status_code for answer in (empty, long)} == {400}
        assert {answer.json()["code"] for answer in (empty, long)} == {"idempotency_key_invalid"}

    async def test_redeem_refuses_key_of_other_request(self, world, tokens):
        _, token = await tokens()
        await redeem(world, token, key="same")
        other = await redeem(world, token, key="same", amount=1)

        assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")

    async def test_redeem_needs_signature(self, world, tokens):
        _, token = await tokens()
        body = json.dumps({"provider_id": "acme", "token": token, "amount": 998, "currency": "usd"})
        answer = await world.http.post(PATH, content=body, headers={"idempotency-key": "k1"})

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature")
        assert (await redeem(world, token)).status_code == 200

    @pytest.mark.parametrize(
        "body", [b"", b"{}", b"[]", b'{"provider_id": "acme"}', b'{"provider_id": "../x", "token": "t"}']
    )
    async def test_redeem_refuses_invalid_body(self, world, body):
        answer = await world.post_signed(PATH, "m1", body, **{"idempotency-key": "k1"})

        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize("kind", ["webhook", "acp"])
async def test_shop_redeems_token_of_accepted_order(world, kind):
    name = f"redeems-{kind}"
    async with world.shop(kind, name, "--cashes"):
        order_id = await world.approve(name)
        await world.reaches(order_id, "placed")

    (row,) = await world.rows("SELECT redeemed_amount, redeemed_at FROM order_token WHERE order_id = $1", order_id)
    assert row["redeemed_amount"] == 998
    assert row["redeemed_at"] is not None
