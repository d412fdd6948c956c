"""The whole service with the sandbox: no order is asked for before its money is reserved, none leaves unpaid."""

import json

import pytest

from libs.kit.clock import SteppedClock
from libs.kit.testing import running
from replenish_contracts.events import DeviceRegistered, SlotSpec
from services.order_dispatch.service import SERVICE
from tests.integration.order_dispatch.payments.world import KEY, sandbox
from tests.support import orders as a
from tests.support.order_environment import World, own_logs
from tests.support.portal_server import portal, until


@pytest.fixture(scope="module")
async def world(database, kafka_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("paid")
    clock = SteppedClock.create(folder / "clock", a.NOON)
    async with own_logs(kafka_url), portal() as desk, sandbox(folder / "book.jsonl") as url:
        knobs = {"clock_file": folder / "clock", "sandbox_pay_url": url, "sealing_key": KEY.hex()}
        knobs |= {"stripe_url": "http://127.0.0.1:9", "stripe_api_key": "sk_test_1"}  # where nobody listens
        async with running(SERVICE, kafka_url=kafka_url, database_urls=database, portal_url=desk.url, **knobs) as kit:
            opened = World(kit, kafka_url, clock, desk, folder)
            await opened.publish(
                DeviceRegistered(
                    customer_id="ann",
                    device_id="brewer",
                    registration=1,
                    credential_sha256="0" * 64,
                    slots=(SlotSpec(slot="1", product_id="pods", unit="C62", capacity=100),),
                )
            )
            yield opened
            await opened.http.aclose()


async def ordered(world, name, token, service="sandbox"):
    """Ann pays with this token and orders for 9.98 USD."""
    body = {"service": service, "token": token, "mandate": {"amount": 10, "currency": "USD"}}
    headers = world.desk.headers("customer", customer_id="ann")
    put = await world.http.put("/v1/customers/ann/payment-method", json=body, headers=headers)
    assert put.status_code == 200, put.text
    await world.put_provider(name, payment=service)
    return await world.approve(name)


async def says(world, order_id, status, **more):
    provider = order_id.rpartition("-")[0]
    body = {"update_id": status, "order_id": order_id, "status": status, "occurred_at": a.NOON.isoformat()} | more
    headers = world.desk.headers("operator")
    answer = await world.http.post(f"/v1/providers/{provider}/updates", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def paid(world, order_id, state):
    async def found_or_none():
        headers = world.desk.headers("customer", customer_id="ann")
        found = (await world.http.get(f"/v1/orders/{order_id}/payment", headers=headers)).json()
        return found if found.get("state") == state else None

    return await until(found_or_none, f"the payment of {order_id} is {state}")


def book(world):
    return [json.loads(line) for line in (world.folder / "book.jsonl").read_text().splitlines()]


class TestAnOrder:
    async def test_is_asked_for_once_its_money_is_reserved_and_paid_for_when_it_leaves(self, world):
        order_id = await ordered(world, "fine", "tok_ok")
        placing = await world.reaches(order_id, "placing")
        await says(world, order_id, "accepted")
        assert (await paid(world, order_id, "authorized"))["captured"]["amount"] == "0.00"

        await says(world, order_id, "shipped", quantity=30)
        payment = await paid(world, order_id, "captured")

        assert [step["to_state"] for step in placing["history"]] == ["drafted", "authorizing", "placing"]
        assert payment["captured"] == {"amount": "7.48", "currency": "USD"}
        mine = [(line["op"], line["amount"]) for line in book(world) if line["payment_id"] == payment["payment_id"]]
        assert mine == [("authorized", 998), ("captured", 748)]

    async def test_that_cannot_be_paid_ends_before_its_provider_heard_of_it(self, world):
        order_id = await ordered(world, "poor", "tok_declined")
        order = await world.reaches(order_id, "failed")

        assert "the card was declined" in order["history"][-1]["because"]
        assert await world.topic("provider-orders-poor") == []

    async def test_whose_payment_service_is_away_for_a_day_ends_and_holds_nothing_up(self, world):
        order_id = await ordered(world, "patient", "pm_ok", "stripe")
        await world.reaches(order_id, "authorizing")

        world.step(hours=25)
        order = await world.reaches(order_id, "failed")

        assert "the payment service was not available: Stripe cannot be reached" in order["history"][-1]["because"]
        assert (await paid(world, order_id, "declined"))["authorized"]["amount"] == "0.00"

    async def test_that_is_refused_frees_its_money(self, world):
        order_id = await ordered(world, "stern", "tok_ok")
        await world.reaches(order_id, "placing")
        await says(world, order_id, "refused")

        assert (await paid(world, order_id, "voided"))["captured"]["amount"] == "0.00"

    async def test_that_left_and_cannot_be_paid_is_in_sight(self, world):
        order_id = await ordered(world, "gone", "tok_capture_declined")
        await world.reaches(order_id, "placing")
        await says(world, order_id, "shipped")

        async def flagged():
            return (await world.order(order_id))["payment_problem"]

        assert await until(flagged, "the order is flagged") == "the card was closed"
