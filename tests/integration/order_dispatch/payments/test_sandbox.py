"""The sandbox is an honest counterpart: a key is one operation, also after it was killed."""

import asyncio
import json

import httpx
import pytest

from tests.integration.order_dispatch.payments.world import sandbox

HOLD = {"payment_id": "p1", "amount": 500, "currency": "EUR", "token": "tok_ok"}


async def post(url, path, key, body):
    headers = {} if key is None else {"Idempotency-Key": key}
    async with httpx.AsyncClient(base_url=url) as http:
        return await http.post(f"/v1/payments{path}", json=body, headers=headers)


async def find(url, key):
    async with httpx.AsyncClient(base_url=url) as http:
        return await http.get(f"/v1/operations/{key}")


@pytest.fixture
async def log(tmp_path):
    return tmp_path / "book.jsonl"


def ops(log):
    return [json.loads(line)["op"] for line in log.read_text().splitlines()]


class TestAKey:
    async def test_does_a_thing_once_and_says_the_same_again(self, log):
        async with sandbox(log) as url:
            first, again = await post(url, "", "k", HOLD), await post(url, "", "k", HOLD)

        assert first.json() == again.json()
        assert (first.status_code, again.status_code) == (200, 200)
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert ops(log) == ["authorized"]

    async def test_refuses_the_same_way_again(self, log):
        async with sandbox(log) as url:
            answers = [await post(url, "", "k", HOLD | {"token": "tok_declined"}) for _ in range(2)]

        assert [(answer.status_code, answer.json()) for answer in answers] == [
            (402, {"declined": "the card was declined"})
        ] * 2

    async def test_is_of_one_request_only(self, log):
        async with sandbox(log) as url:
            await post(url, "", "k", HOLD)

            assert (await post(url, "", "k", HOLD | {"amount": 501})).status_code == 422
            assert (await post(url, "", None, HOLD)).status_code == 400

    async def test_is_under_way_until_it_is_answered(self, log):
        async with sandbox(log, "--slow-seconds", "1") as url:
            slow = asyncio.create_task(post(url, "", "k", HOLD | {"token": "tok_slow"}))
            while (await find(url, "k")).status_code == 404:
                await asyncio.sleep(0.01)

            assert (await find(url, "k")).status_code == 409
            assert (await post(url, "", "k", HOLD | {"token": "tok_slow"})).status_code == 409
            assert (await slow).json()["status"] == "authorized"
            assert (await find(url, "k")).json() == (await slow).json()

    async def test_outlives_a_kill(self, log):
        async with sandbox(log) as url:
            first = await post(url, "", "k", HOLD)
        with log.open("ab") as book:
            book.write(b'{"op": "captur')
        async with sandbox(log) as url:
            again = await post(url, "", "k", HOLD)
            taken = await post(url, f"/{again.json()['reference']}/capture", "c", {"amount": 500})

        assert first.json() == again.json()
        assert taken.json()["status"] == "captured"
        assert ops(log) == ["authorized", "captured"]


class TestABank:
    async def test_takes_no_more_than_it_holds_and_gives_no_more_than_it_took(self, log):
        async with sandbox(log) as url:
            place = "/" + (await post(url, "", "k", HOLD)).json()["reference"]
            asked = [
                ("/capture", 501),
                ("/refund", 1),
                ("/capture", 500),
                ("/capture", 500),
                ("/void", 0),
                ("/refund", 300),
                ("/refund", 201),
            ]
            said = [
                (await post(url, place + path, f"k{number}", {"amount": amount})).status_code
                for number, (path, amount) in enumerate(asked)
            ]

        assert said == [402, 402, 200, 402, 402, 200, 402]

    async def test_knows_no_strangers(self, log):
        async with sandbox(log) as url:
            assert (await post(url, "/sp_nobody/capture", "k", {"amount": 1})).status_code == 404
            assert (await find(url, "nothing")).status_code == 404
