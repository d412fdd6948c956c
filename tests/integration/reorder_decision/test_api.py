"""Subscriptions and approvals over HTTP."""

import asyncio

import pytest

from tests.support import decision_events as events
from tests.support.decision_environment import DEADLINE_SECONDS, of
from tests.support.decision_environment import world as opened
from tests.support.portal_server import until


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    async with opened(database, kafka_url, tmp_path_factory.mktemp("world")) as world:
        yield world


class TestSubscriptions:
    async def test_subscription_is_shown_in_slot_unit(self, world):
        grinder = events.registered(
            "grinder", events.spec(product_id="beans", unit="GRM", scale=1, capacity=10_000), customer_id="bea"
        )
        await world.publish(grinder)

        answer = await world.subscribe(
            "bea",
            product_id="beans",
            pack_size={"quantity": "0.5", "unit": "kg"},
            at_level={"quantity": 120, "unit": "g"},
        )

        shown = answer.json()
        assert answer.status_code == 201
        assert shown["pack_size"] == {"quantity": "500", "unit": "g"}
        assert shown["at_level"] == {"quantity": "120", "unit": "g"}
        assert (shown["pool"]["situation"], shown["pool"]["reason"]) == ("held", "no_offer")

    @pytest.mark.parametrize(
        ("wish", "status", "code", "field"),
        [
            ({"pack_size": {"quantity": "1", "unit": "kg"}}, 422, "wrong_dimension", "pack_size"),
            ({"pack_size": "many"}, 422, "not_a_number", "pack_size"),
            ({"pack_size": 0}, 422, "out_of_range", "pack_size"),
            ({"pack_size": True}, 422, "invalid", "pack_size"),
            ({"pack_size": {"quantity": True}}, 422, "invalid", "pack_size.quantity"),
            ({"at_level": False}, 422, "invalid", "at_level"),
            ({"packs": True}, 422, "invalid", "packs"),
            ({"packs": "1"}, 422, "invalid", "packs"),
            ({"days": True}, 422, "invalid", "days"),
            ({"reports": True}, 422, "invalid", "reports"),
            ({"at_level": -1}, 422, "out_of_range", "at_level"),
            ({"packs": 0}, 422, "invalid", "packs"),
            ({"packs": 10**6, "pack_size": 2**53}, 422, "out_of_range", "packs"),
            ({"days": -1}, 422, "invalid", "days"),
            ({"reports": 0}, 422, "invalid", "reports"),
            ({"collect_hours": -1}, 422, "invalid", "collect_hours"),
            ({"collect_hours": 168.1}, 422, "invalid", "collect_hours"),
            ({"collect_hours": True}, 422, "invalid", "collect_hours"),
            ({"mode": "sometimes"}, 422, "invalid", "mode"),
            ({"colour": "red"}, 422, "invalid", "colour"),
            ({"product_id": "tea"}, 409, "no_slot", None),
        ],
    )
    async def test_invalid_subscription_is_refused_with_field(self, world, wish, status, code, field):
        await world.publish(events.registered("brewer of carl", customer_id="carl"))
        path, body = "/v1/customers/carl/subscriptions", {"product_id": "pods", "provider_id": "acme", "pack_size": 40}
        await until(lambda: self.is_known(world, "carl"), "the device is known", DEADLINE_SECONDS)

        answer = await world.decisions("POST", path, body | wish)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        if field:
            assert answer.json()["errors"][0]["field"] == field

    @staticmethod
    async def is_known(world, customer_id):
        """An invalid amount is only checked once the slot exists."""
        body = {"product_id": "pods", "provider_id": "acme", "pack_size": "?"}
        answer = await world.decisions("POST", f"/v1/customers/{customer_id}/subscriptions", body)
        return answer.status_code == 422

    async def test_one_subscription_per_product(self, world):
        first = await world.moved_in("dora")

        second = await world.subscribe("dora")

        assert (second.status_code, second.json()["code"]) == (409, "already_subscribed")
        assert second.json()["subscription_id"] == first["subscription_id"]

    async def test_concurrent_requests_create_one_subscription(self, world):
        await world.publish(events.registered("brewer of dirk", customer_id="dirk"))
        await until(lambda: self.is_known(world, "dirk"), "the device is known", DEADLINE_SECONDS)
        path, body = "/v1/customers/dirk/subscriptions", {"product_id": "pods", "provider_id": "acme", "pack_size": 40}

        answers = await asyncio.gather(*(world.decisions("POST", path, body) for _ in range(8)))

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7

    async def test_repeated_key_creates_one_subscription(self, world):
        await world.publish(events.registered("brewer of emil", customer_id="emil"))
        await until(lambda: self.is_known(world, "emil"), "the device is known", DEADLINE_SECONDS)
        path, body = "/v1/customers/emil/subscriptions", {"product_id": "pods", "provider_id": "acme", "pack_size": 40}

        first = await world.decisions("POST", path, body, key="k1")
        again = await world.decisions("POST", path, body, key="k1")
        other = await world.decisions("POST", path, body | {"packs": 2}, key="k1")

        assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")

    async def test_subscription_is_paused_resumed_and_ended(self, world):
        subscription = await world.moved_in("fred")
        path = f"/v1/subscriptions/{subscription['subscription_id']}"

        paused = (await world.decisions("PATCH", path, {"status": "paused"})).json()
        resumed = (await world.decisions("PATCH", path, {"status": "active"})).json()
        same = (await world.decisions("PATCH", path, {"status": "active"})).json()
        ended = (await world.decisions("DELETE", path)).json()
        again = await world.decisions("PATCH", path, {"status": "active"})

        assert (paused["status"], paused["pool"]["reason"]) == ("paused", "paused")
        assert (resumed["status"], resumed["pool"]["situation"]) == ("active", "armed")
        assert same == resumed
        assert (ended["status"], ended["pool"]["reason"]) == ("ended", "no_subscription")
        assert (again.status_code, again.json()["code"]) == (409, "ended")
        assert (await world.subscribe("fred")).status_code == 201
        listed = (await world.decisions("GET", "/v1/customers/fred/subscriptions")).json()["subscriptions"]
        assert [one["status"] for one in listed] == ["ended", "active"]

    async def test_time_to_collect_is_shown_and_changed(self, world):
        subscription = await world.moved_in("gus", collect_hours=24)
        path = f"/v1/subscriptions/{subscription['subscription_id']}"

        changed = (await world.decisions("PATCH", path, {"collect_hours": 1.5})).json()
        other = (await world.decisions("PATCH", path, {"days": 3.0})).json()

        assert [one["collect_hours"] for one in (subscription, changed, other)] == [24, 1.5, 1.5]
        assert (await world.moved_in("gwen"))["collect_hours"] == 0

    async def test_subscription_of_other_customer_is_refused(self, world):
        subscription = await world.moved_in("gina")
        path = f"/v1/subscriptions/{subscription['subscription_id']}"
        paths = [
            ("GET", path, None),
            ("PATCH", path, {"days": 3}),
            ("DELETE", path, None),
            ("GET", "/v1/customers/gina/subscriptions", None),
            ("GET", "/v1/customers/gina/receipts", None),
            ("GET", "/v1/receipts", None),
        ]

        foreign = [
            (await world.decisions(method, path, body, role="customer", customer_id="mallory")).status_code
            for method, path, body in paths
        ]
        own = await world.decisions("GET", path, role="customer", customer_id="gina")

        assert foreign == [404, 404, 404, 404, 404, 403]
        assert own.status_code == 200


class TestApproval:
    async def proposed(self, world, customer_id):
        await world.moved_in(customer_id, mode="approve")
        await world.publish(of(customer_id, events.crossed(1)))
        return (await world.heard("reorders", 3, customer_id=customer_id))[-1]["data"]["order_id"]

    async def test_approval_places_order(self, world):
        order_id = await self.proposed(world, "hans")

        answer = await world.decisions(
            "POST", f"/v1/reorders/{order_id}/approve", role="customer", customer_id="hans", key="yes"
        )
        again = await world.decisions(
            "POST", f"/v1/reorders/{order_id}/approve", role="customer", customer_id="hans", key="yes"
        )
        other = await world.decisions("POST", f"/v1/reorders/{order_id}/decline", role="customer", customer_id="hans")

        assert (answer.status_code, answer.json()["state"]) == (200, "open")
        assert again.json() == answer.json()
        assert (other.status_code, other.json()["code"], other.json()["state"]) == (409, "not_proposed", "open")
        approved = (await world.heard("reorders", 4, customer_id="hans"))[-1]
        assert (approved["type"], approved["data"]["order_id"]) == ("ReorderApproved", order_id)
        receipt = (await world.decisions("GET", f"/v1/orders/{order_id}/receipt")).json()
        assert receipt["words"][-1] == "So 1 x 40 from acme were ordered after the customer approved."
        assert [one["outcome"] for one in (receipt, *receipt["earlier"])] == ["order", "propose"]

    async def test_concurrent_approvals_place_one_order(self, world):
        order_id = await self.proposed(world, "hugo")

        answers = await asyncio.gather(
            *(world.decisions("POST", f"/v1/reorders/{order_id}/{way}") for way in ("approve", "decline") * 4)
        )

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7

    async def test_declined_proposal_backs_off(self, world):
        order_id = await self.proposed(world, "ida")

        answer = await world.decisions("POST", f"/v1/reorders/{order_id}/decline", role="customer", customer_id="ida")

        assert answer.json()["state"] == "declined"
        said = await world.heard("reorders", 5, customer_id="ida")
        assert [one["type"] for one in said[-2:]] == ["ReorderDeclined", "ReorderHeld"]

    async def test_approval_by_other_customer_is_refused(self, world):
        order_id = await self.proposed(world, "jo")

        answer = await world.decisions("POST", f"/v1/reorders/{order_id}/approve", role="customer", customer_id="bob")

        assert answer.status_code == 404
        assert (await world.decisions("POST", "/v1/reorders/unknown/approve")).status_code == 404

    async def test_approval_that_cannot_be_ordered_returns_reason(self, world):
        order_id = await self.proposed(world, "kim")
        await world.know_offer(available=False)

        answer = await world.decisions("POST", f"/v1/reorders/{order_id}/approve")
        await world.know_offer()

        assert (answer.status_code, answer.json()["code"]) == (409, "cannot_order_now")
        assert answer.json()["reason"] == "offer_unavailable"
        assert answer.json()["detail"] == "The provider cannot deliver this product at present."

    async def test_approval_takes_along_what_collects(self, world):
        await world.two_products("lou", {"collect_hours": 24, "days": 14.0}, {"mode": "approve", "days": 14.0})
        await world.publish(world.crossed("lou", "pods"), world.crossed("lou", "filters"))
        said = await world.heard("reorders", 7, customer_id="lou")
        proposed = next(one["data"]["order_id"] for one in said if one["data"].get("wake_up") == "approval")

        await world.decisions("POST", f"/v1/reorders/{proposed}/approve", role="customer", customer_id="lou")

        approved = (await world.heard("reorders", 8, customer_id="lou"))[-1]["data"]
        receipt = (await world.decisions("GET", f"/v1/orders/{proposed}/receipt")).json()
        (other,) = receipt["other_lines"]
        assert (approved["order_id"], approved["pool_id"]) == (proposed, "lou/filters")
        assert [line["pool_id"] for line in approved["lines"]] == ["lou/filters", "lou/pods"]
        assert [one["outcome"] for one in (receipt, *receipt["earlier"])] == ["order", "propose"]
        assert (other["pool_id"], other["outcome"], other["earlier"]) == ("lou/pods", "order", [])
        assert other["words"][-1].endswith(
            "after waiting for other products: filters was ordered from the same provider."
        )
        assert [receipt["receipt_id"], other["receipt_id"]] == [line["receipt_id"] for line in approved["lines"]]
