"""Commands under an Idempotency-Key are executed once; repetitions get the first response."""

import asyncio

import pytest

from replenish_contracts.events import CustomerErased
from tests.support import orders as a
from tests.support.portal_server import until

REPLAYED = "idempotent-replayed"
SHOP = {"name": "Corner", "terms": {"email": "corner@example.org"}}


async def delivered(world, name):
    await world.put_provider(name)
    order_id = await world.approve(name)
    await world.reaches(order_id, "placing")
    await world.tell(order_id, "delivered")
    return order_id


class TestOrderCommands:
    async def test_command_repeated_gets_first_response(self, world):
        order_id = await delivered(world, "again")
        path, body = f"orders/{order_id}/return", {"quantity": 10, "reason": "stale"}

        first = await world.post(path, body, key="back")
        again = await world.post(path, body, key="back")
        other_key = await world.post(path, body, key="other")

        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")
        assert (other_key.status_code, other_key.json()["code"]) == (409, "not_there")
        assert len(await world.facts(order_id, "OrderReturned")) == 1

    async def test_command_with_other_body_is_a_conflict(self, world):
        order_id = await delivered(world, "conflict")
        path = f"orders/{order_id}/return"
        await world.post(path, {"quantity": 10}, key="back")

        same = await world.post(path, {"quantity": 10.0}, key="back")
        other = await world.post(path, {"quantity": 11}, key="back")

        assert same.status_code == 200
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")

    async def test_command_sent_concurrently_is_executed_once(self, world):
        await world.put_provider("crowd", cancel_window_hours=24)
        order_id = await world.approve("crowd")
        await world.reaches(order_id, "drafted")

        answers = await asyncio.gather(
            *(world.post(f"orders/{order_id}/cancel", {"reason": "enough"}, key="c") for _ in range(20))
        )

        assert {answer.status_code for answer in answers} <= {200, 409}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_flight"}
        told = [answer.json() for answer in answers if answer.status_code == 200]
        assert all(answer == told[0] for answer in told)
        assert len(await world.facts(order_id, "OrderCancelled")) == 1

    @pytest.mark.parametrize("step", ["cancel", "modify", "return", "fraud", "fraud/clear", "answer"])
    async def test_command_without_key_is_rejected(self, world, step):
        headers = world.desk.headers("operator")

        answer = await world.http.post(f"/v1/orders/any/{step}", json={}, headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")


async def test_stored_responses_are_erased_with_the_customer(world):
    await world.put_provider("canary", cancel_window_hours=24)
    await world.publish(a.approved(order_id="c-1", provider_id="canary", customer_id="gone", device_id="lost"))
    await world.reaches("c-1", "drafted")
    mine = {"role": "customer", "customer_id": "gone", "key": "c"}
    assert (await world.post("orders/c-1/cancel", {"reason": "Zyzzyx"}, **mine)).status_code == 200
    assert await kept(world, "Zyzzyx") == 1

    await world.publish(CustomerErased(customer_id="gone"))

    await until(lambda: is_forgotten(world, "Zyzzyx"), "the answer is forgotten")


async def kept(world, word):
    async with world.kit.read() as store:
        return await store.connection.fetchval("SELECT count(*) FROM idempotency WHERE body::text LIKE $1", f"%{word}%")


async def is_forgotten(world, word):
    return await kept(world, word) == 0


class TestShops:
    async def test_join_repeated_creates_one_shop(self, world):
        first, again = [await world.post("shops", SHOP, key="join") for _ in range(2)]
        other = await world.post("shops", SHOP, key="join once more")

        assert [answer.status_code for answer in (first, again, other)] == [201, 201, 201]
        assert first.json() == again.json()
        assert other.json()["provider_id"] != first.json()["provider_id"]
