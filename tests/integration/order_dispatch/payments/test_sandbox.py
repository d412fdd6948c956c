"""Tests of the sandbox: idempotency keys, also after a kill, and limits of amounts."""

import asyncio
import json

import httpx
import pytest

from tests.integration.order_dispatch.payments.environment import sandbox

AUTHORIZATION = {"payment_id": "p1", "amount": 500, "currency": "EUR", "token": "tok_ok"}


async def post(url, path, key, body):
    headers = {} if key is None else {"Idempotency-Key": key}
    async with httpx.AsyncClient(base_url=url) as http:
        return await http.post(f"/v1/payments{path}", json=body, headers=headers)


async def find(url, key):
    async with httpx.AsyncClient(base_url=url) as http:
        return await http.get(f"/v1/operations/{key}")


@pytest.fixture
async def log_path(tmp_path):
    return tmp_path / "book.jsonl"


def operations(log_path):
    return [json.loads(line)["op"] for line in log_path.read_text().splitlines()]


class TestIdempotencyKey:
    async def test_repeated_key_returns_same_answer(self, log_path):
        async with sandbox(log_path) as url:
            first, again = await post(url, "", "k", AUTHORIZATION), await post(url, "", "k", AUTHORIZATION)

        assert first.json() == again.json()
        assert (first.status_code, again.status_code) == (200, 200)
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert operations(log_path) == ["authorized"]

    async def test_repeated_key_returns_same_refusal(self, log_path):
        async with sandbox(log_path) as url:
            answers = [await post(url, "", "k", AUTHORIZATION | {"token": "tok_declined"}) for _ in range(2)]

        assert [(answer.status_code, answer.json()) for answer in answers] == [
            (402, {"declined": "the card was declined"})
        ] * 2

    async def test_key_is_refused_for_other_request(self, log_path):
        async with sandbox(log_path) as url:
            await post(url, "", "k", AUTHORIZATION)

            assert (await post(url, "", "k", AUTHORIZATION | {"amount": 501})).status_code == 422
            assert (await post(url, "", None, AUTHORIZATION)).status_code == 400

    async def test_key_in_progress_is_409(self, log_path):
        async with sandbox(log_path, "--slow-seconds", "1") as url:
            slow = asyncio.create_task(post(url, "", "k", AUTHORIZATION | {"token": "tok_slow"}))
            while (await find(url, "k")).status_code == 404:
                await asyncio.sleep(0.01)

            assert (await find(url, "k")).status_code == 409
            assert (await post(url, "", "k", AUTHORIZATION | {"token": "tok_slow"})).status_code == 409
            assert (await slow).json()["status"] == "authorized"
            assert (await find(url, "k")).json() == (await slow).json()

    async def test_keys_survive_kill(self, log_path):
        async with sandbox(log_path) as url:
            first = await post(url, "", "k", AUTHORIZATION)
        with log_path.open("ab") as file:
            file.write(b'{"op": "captur')
        async with sandbox(log_path) as url:
            again = await post(url, "", "k", AUTHORIZATION)
            captured = await post(url, f"/{again.json()['reference']}/capture", "c", {"amount": 500})

        assert first.json() == again.json()
        assert captured.json()["status"] == "captured"
        assert operations(log_path) == ["authorized", "captured"]


class TestAmounts:
    async def test_amounts_stay_within_authorization_and_capture(self, log_path):
        async with sandbox(log_path) as url:
            payment_path = "/" + (await post(url, "", "k", AUTHORIZATION)).json()["reference"]
            requests = [
                ("/capture", 501),
                ("/refund", 1),
                ("/capture", 500),
                ("/capture", 500),
                ("/void", 0),
                ("/refund", 300),
                ("/refund", 201),
            ]
            statuses = [
                (await post(url, payment_path + path, f"k{number}", {"amount": amount})).status_code
                for number, (path, amount) in enumerate(requests)
            ]

        assert statuses == [402, 402, 200, 402, 402, 200, 402]

    async def test_parts_stay_within_authorization_and_end_with_final_one(self, log_path):
        async with sandbox(log_path) as url:
            payment_path = "/" + (await post(url, "", "k", AUTHORIZATION)).json()["reference"]
            requests = [
                ("/capture", {"amount": 200, "final": False}),
                ("/refund", {"amount": 201}),
                ("/refund", {"amount": 150}),
                ("/capture", {"amount": 301, "final": False}),
                ("/capture", {"amount": 100, "final": True}),
                ("/capture", {"amount": 100, "final": True}),
                ("/refund", {"amount": 150}),
            ]
            statuses = [
                (await post(url, payment_path + path, f"k{number}", body)).status_code
                for number, (path, body) in enumerate(requests)
            ]

        assert statuses == [200, 402, 200, 402, 200, 402, 200]

    async def test_void_after_part_releases_rest(self, log_path):
        async with sandbox(log_path) as url:
            payment_path = "/" + (await post(url, "", "k", AUTHORIZATION)).json()["reference"]
            await post(url, f"{payment_path}/capture", "c", {"amount": 200, "final": False})
            voided = await post(url, f"{payment_path}/void", "v", {})
            late = await post(url, f"{payment_path}/capture", "l", {"amount": 1, "final": False})

        assert (voided.json()["status"], voided.json()["amount"], late.status_code) == ("voided", 300, 402)

    async def test_unknown_payment_and_key_are_404(self, log_path):
        async with sandbox(log_path) as url:
            assert (await post(url, "/sp_nobody/capture", "k", {"amount": 1})).status_code == 404
            assert (await find(url, "nothing")).status_code == 404
