"""HTTP API of providers, offers, orders and updates: permissions and error responses."""

import asyncio
import json
from collections import Counter
from datetime import datetime

import pytest
from aiokafka import AIOKafkaProducer

from tests.support import orders as a
from tests.support.portal_server import until

PROVIDER = {"name": "Acme", "protocol": "kafka"}
OFFER = {
    "title": "Beans",
    "pack_size": {"quantity": "2.5", "unit": "kg"},
    "price": {"amount": "19.90", "currency": "EUR"},
}


async def put(world, path, body, role="operator", **more):
    return await world.http.put(f"/v1/providers/{path}", json=body, headers=world.desk.headers(role, **more))


async def get(world, path, role="operator", **more):
    return await world.http.get(f"/v1/{path}", headers=world.desk.headers(role, **more))


class TestProviders:
    async def test_put_provider_creates_its_topics(self, world):
        made = (await put(world, "maker", PROVIDER)).json()

        assert made["topics"] == ["provider-orders-maker", "provider-updates-maker"]
        assert await world.topic("provider-orders-maker") == []

    async def test_put_provider_again_changes_nothing(self, world):
        assert (await put(world, "twice", PROVIDER)).json() == (await put(world, "twice", PROVIDER)).json()

    @pytest.mark.parametrize("name", ["Bad", "a.b", "-a", "a" * 101])
    async def test_put_provider_rejects_invalid_ids(self, world, name):
        answer = await put(world, name, PROVIDER)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")

    async def test_put_provider_rejects_unknown_protocol(self, world):
        answer = await put(world, "pigeon", PROVIDER | {"protocol": "os"})

        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_protocol")
        problem = answer.json()["errors"][0]["problem"]
        assert problem.startswith("there is no protocol os; known: ")
        assert "kafka" in problem

    @pytest.mark.parametrize("role", ["customer", "provider", "service"])
    async def test_put_provider_is_for_operators(self, world, role):
        assert (await put(world, "mine", PROVIDER, role)).status_code == 403

    async def test_list_providers_needs_a_token(self, world):
        assert (await world.http.get("/v1/providers")).status_code == 401


class TestOffers:
    async def test_put_offer_stores_whole_steps_and_minor_units(self, world):
        await put(world, "roaster", PROVIDER)

        shown = (await put(world, "roaster/offers/beans", OFFER)).json()

        assert shown["pack_size"] == {"quantity": "2500", "unit": "GRM"}
        assert shown["price"] == {"amount": "19.90", "currency": "EUR"}
        listed = (await get(world, "providers", "customer", customer_id="ann")).json()["providers"]
        assert [one["offers"] for one in listed if one["provider_id"] == "roaster"] == [[shown]]

    async def test_put_offer_is_for_operators_and_the_provider(self, world):
        await put(world, "own", PROVIDER)

        assert (await put(world, "own/offers/beans", OFFER, "provider", provider_id="own")).status_code == 200
        assert (await put(world, "own/offers/beans", OFFER, "provider", provider_id="other")).status_code == 403

    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"pack_size": {"quantity": 5, "unit": "oz"}}, "ambiguous_unit", "pack_size"),
            ({"pack_size": {"quantity": "0.5", "unit": "g"}}, "not_whole", "pack_size"),
            ({"pack_size": {"quantity": 0, "unit": "g"}}, "out_of_range", "pack_size"),
            ({"pack_size": {"quantity": -1, "unit": "g"}}, "out_of_range", "pack_size"),
            ({"price": {"amount": "1.999", "currency": "EUR"}}, "not_whole", "price"),
            ({"price": {"amount": "1", "currency": "XXX"}}, "unknown_currency", "price"),
        ],
    )
    async def test_put_offer_rejects_invalid_amounts_with_the_field(self, world, change, code, field):
        await put(world, "vague", PROVIDER)

        answer = await put(world, "vague/offers/beans", OFFER | change)

        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.json()["errors"][0]["field"] == field

    async def test_put_offer_of_unknown_provider_is_not_found(self, world):
        assert (await put(world, "unknown/offers/beans", OFFER)).json()["code"] == "no_such_provider"

    async def test_repeat_offers_publishes_all_again(self, world):
        await put(world, "echo", PROVIDER)
        answer = await world.http.post("/v1/offers/repeat", headers=world.desk.headers("operator"))

        assert answer.status_code == 202
        assert answer.json()["providers"] >= 1


class TestOrders:
    async def test_list_orders_pages_and_is_for_the_customer(self, world):
        await put(world, "shop", PROVIDER)
        orders = [await world.approve("shop", number) for number in (1, 2, 3)]
        for order_id in orders:
            await world.reaches(order_id, "placing")

        first = await get(world, "customers/ann/orders?limit=2", "customer", customer_id="ann")
        last = first.json()["orders"][-1]["order_id"]
        rest = await get(world, f"customers/ann/orders?before={last}", "customer", customer_id="ann")

        seen = [order["order_id"] for answer in (first, rest) for order in answer.json()["orders"]]
        assert set(orders) <= set(seen)
        assert len(seen) == len(set(seen))
        assert (await get(world, "customers/ann/orders", "customer", customer_id="bob")).status_code == 404
        assert (await get(world, f"orders/{orders[0]}", "customer", customer_id="bob")).status_code == 404

    async def test_list_orders_by_state_is_for_operators(self, world):
        await put(world, "silent", PROVIDER)
        order_id = await world.approve("silent")
        await world.reaches(order_id, "placing")

        listed = (await get(world, "orders?state=placing")).json()["orders"]

        assert order_id in [order["order_id"] for order in listed]
        assert (await get(world, "orders?state=placing", "customer", customer_id="ann")).status_code == 403
        assert (await get(world, "orders?state=lost")).status_code == 422

    async def test_get_order_unknown_is_not_found(self, world):
        assert (await get(world, "orders/none")).json()["code"] == "no_such_order"
        assert (await world.cancel("none")).json()["code"] == "no_such_order"


class TestTopicUpdates:
    """OrderUpdated on the provider's topic, with what real providers send."""

    async def send(self, world, order_id, **data):
        provider_id = order_id.rpartition("-")[0]
        data = {"provider_id": provider_id, "order_id": order_id, "occurred_at": "2026-03-01T12:00:00Z"} | data
        envelope = {"specversion": "1.0", "type": "OrderUpdated", "source": f"/{provider_id}", "data": data}
        envelope |= {"id": f"{order_id}-{data['update_id']}", "time": "2026-03-01T12:00:00Z"}
        topic = f"provider-updates-{provider_id}"
        async with AIOKafkaProducer(bootstrap_servers=world.kafka_url, acks="all") as producer:
            await producer.send_and_wait(topic, json.dumps(envelope).encode(), order_id.encode())

    async def test_word_counts_without_invalid_details(self, world):
        await put(world, "topical", PROVIDER)
        order_id = await world.approve("topical")
        await world.reaches(order_id, "placing")

        await self.send(
            world, order_id, update_id="a", status="Accepted", expected_at="", tracking=["T1"], price="9.98", lines=None
        )

        placed = await world.reaches(order_id, "placed")
        (update,) = placed["updates"]
        assert {note["field"] for note in update["notes"]} == {"expected_at", "tracking", "price"}
        assert update["asks"]

    async def test_unknown_word_changes_nothing_and_is_a_question(self, world):
        await put(world, "wordy", PROVIDER)
        order_id = await world.approve("wordy")
        await world.reaches(order_id, "placing")

        await self.send(world, order_id, update_id="b", status="backordered")

        async def question():
            listed = (await get(world, "questions")).json()["questions"]
            return next((one for one in listed if one["order_id"] == order_id), None)

        assert (await until(question, "the question is listed"))["word"] == "backordered"
        assert (await world.order(order_id))["state"] == "placing"
        await self.send(world, order_id, update_id="c", status="CANCELED")
        await world.reaches(order_id, "cancelled")

    async def test_questions_are_for_operators(self, world):
        assert (await get(world, "questions", "customer", customer_id="ann")).status_code == 403


class TestUpdates:
    async def post(self, world, provider, body, role="operator", **more):
        headers = world.desk.headers(role, **more)
        return await world.http.post(f"/v1/providers/{provider}/updates", json=body, headers=headers)

    async def test_post_update_is_applied_once(self, world):
        await put(world, "web", PROVIDER)
        order_id = await world.approve("web")
        await world.reaches(order_id, "placing")
        body = {"update_id": "u1", "order_id": order_id, "status": "shipped", "occurred_at": a.NOON.isoformat()}

        first = await self.post(world, "web", body, "provider", provider_id="web")
        again = await self.post(world, "web", body, "provider", provider_id="web")
        other = await self.post(world, "web", body | {"status": "refused"}, "provider", provider_id="web")

        assert [answer.json().get("outcome") for answer in (first, again)] == ["applied", "repeated"]
        assert (other.status_code, other.json()["code"]) == (409, "update_id_taken")
        assert (await world.order(order_id))["state"] == "shipped"

    async def test_post_update_reads_words_in_any_spelling(self, world):
        await put(world, "spelled", PROVIDER)
        order_id = await world.approve("spelled")
        await world.reaches(order_id, "placing")
        body = {"update_id": "u1", "order_id": order_id, "status": "Canceled", "occurred_at": a.NOON.isoformat()}

        answer = await self.post(world, "spelled", body)
        unknown = await self.post(world, "spelled", body | {"update_id": "u2", "status": "lost"})

        assert answer.json() == {"outcome": "applied", "reason": "", "notes": []}
        assert (await world.order(order_id))["state"] == "cancelled"
        assert unknown.status_code == 422

    async def test_post_update_concurrently_is_applied_once(self, world):
        await put(world, "crowd", PROVIDER)
        body = {"update_id": "u1", "order_id": "unknown-order", "status": "accepted", "occurred_at": a.NOON.isoformat()}

        answers = await asyncio.gather(*(self.post(world, "crowd", body) for _ in range(10)))

        told = Counter(answer.json().get("outcome", answer.status_code) for answer in answers)
        assert told["unmatched"] == 1
        assert set(told) <= {"unmatched", "repeated", 503}

    @pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"])
    async def test_post_update_accepts_extreme_times(self, world, at):
        name = f"year-{int(at[:4])}-{at[-1].lower()}"
        await put(world, name, PROVIDER)
        order_id = await world.approve(name)
        await world.reaches(order_id, "placing")
        body = {"update_id": "u1", "order_id": order_id, "status": "delivered", "occurred_at": at, "expected_at": at}

        answer = await self.post(world, name, body)

        assert (answer.status_code, answer.json().get("outcome")) == (200, "applied"), answer.text
        order = await world.order(order_id)
        assert order["state"] == "delivered"
        assert datetime.fromisoformat(order["delivered_at"]) >= datetime.fromisoformat(order["drafted_at"])

    async def test_post_update_out_of_order_ends_with_latest_date(self, world):
        await put(world, "hasty", PROVIDER)
        order_id = await world.approve("hasty")
        await world.reaches(order_id, "placing")
        body = {"order_id": order_id, "status": "accepted"}
        sooner, later = ((a.NOON + a.days(days)).isoformat() for days in (2, 4))

        for hour, date in ((2, later), (1, sooner)):
            said = {
                "update_id": f"u{hour}",
                "occurred_at": (a.NOON + a.days(hour / 24)).isoformat(),
                "expected_at": date,
            }
            assert (await self.post(world, "hasty", body | said)).json()["outcome"] == "applied"

        assert datetime.fromisoformat((await world.order(order_id))["expected_at"]) == datetime.fromisoformat(later)

    async def test_list_updates_shows_unapplied_with_reasons(self, world):
        await put(world, "left", PROVIDER)
        await put(world, "right", PROVIDER)
        order_id = await world.approve("left")
        await world.reaches(order_id, "placing")
        body = {"update_id": "u1", "order_id": order_id, "status": "accepted", "occurred_at": a.NOON.isoformat()}

        foreign = await self.post(world, "right", body)
        nothing = await self.post(world, "right", body | {"update_id": "u2", "order_id": "none"})

        assert [answer.json()["outcome"] for answer in (foreign, nothing)] == ["refused", "unmatched"]
        shown = (await get(world, "providers/right/updates", "provider", provider_id="right")).json()["updates"]
        assert {row["update_id"]: row["outcome"] for row in shown} == {"u1": "refused", "u2": "unmatched"}
        assert (await get(world, "providers/right/updates", "provider", provider_id="left")).status_code == 403
        assert (await world.order(order_id))["updates"] == []
