"""Tests of paid orders through the whole service, with the sandbox."""

import json

import pytest

from libs.kit.clock import SteppedClock
from libs.kit.testing import running
from replenish_contracts.events import DeviceRegistered, SlotSpec
from services.order_dispatch.service import SERVICE
from tests.integration.order_dispatch.payments.environment import KEY, sandbox
from tests.support import orders as a
from tests.support.order_environment import World, own_logs
from tests.support.portal_server import portal, until


@pytest.fixture(scope="module")
async def environment(database, kafka_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("paid")
    clock = SteppedClock.create(folder / "clock", a.NOON)
    async with own_logs(kafka_url), portal() as portal_server, sandbox(folder / "book.jsonl") as url:
        knobs = {"clock_file": folder / "clock", "sandbox_pay_url": url, "sealing_key": KEY.hex()}
        knobs |= {"stripe_url": "http://127.0.0.1:9", "stripe_api_key": "sk_test_1"}  # nothing listens there
        async with running(
            SERVICE, kafka_url=kafka_url, database_urls=database, portal_url=portal_server.url, **knobs
        ) as kit:
            opened = World(kit, kafka_url, clock, portal_server, folder)
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


async def place_order(environment, name, token, service="sandbox"):
    """Set Ann's payment method and approve an order for 9.98 USD."""
    body = {"service": service, "token": token, "mandate": {"amount": 10, "currency": "USD"}}
    headers = environment.desk.headers("customer", customer_id="ann")
    put = await environment.http.put("/v1/customers/ann/payment-method", json=body, headers=headers)
    assert put.status_code == 200, put.text
    await environment.put_provider(name, payment=service)
    return await environment.approve(name)


async def send_update(environment, order_id, status, **more):
    provider = order_id.rpartition("-")[0]
    body = {"update_id": status, "order_id": order_id, "status": status, "occurred_at": a.NOON.isoformat()} | more
    headers = environment.desk.headers("operator")
    answer = await environment.http.post(f"/v1/providers/{provider}/updates", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def wait_for_payment(environment, order_id, state):
    async def found_or_none():
        headers = environment.desk.headers("customer", customer_id="ann")
        found = (await environment.http.get(f"/v1/orders/{order_id}/payment", headers=headers)).json()
        return found if found.get("state") == state else None

    return await until(found_or_none, f"the payment of {order_id} is {state}")


def sandbox_operations(environment):
    return [json.loads(line) for line in (environment.folder / "book.jsonl").read_text().splitlines()]


class TestPaidOrder:
    async def test_order_is_placed_after_authorization_and_captured_when_shipped(self, environment):
        order_id = await place_order(environment, "fine", "tok_ok")
        placing = await environment.reaches(order_id, "placing")
        await send_update(environment, order_id, "accepted")
        assert (await wait_for_payment(environment, order_id, "authorized"))["captured"]["amount"] == "0.00"

        await send_update(environment, order_id, "shipped", quantity=30)
        payment = await wait_for_payment(environment, order_id, "captured")

        assert [step["to_state"] for step in placing["history"]] == ["drafted", "authorizing", "placing"]
        assert payment["captured"] == {"amount": "7.48", "currency": "USD"}
        mine = [
            (line["op"], line["amount"])
            for line in sandbox_operations(environment)
            if line["payment_id"] == payment["payment_id"]
        ]
        assert mine == [("authorized", 998), ("captured", 748)]

    async def test_declined_order_is_never_sent_to_provider(self, environment):
        order_id = await place_order(environment, "poor", "tok_declined")
        order = await environment.reaches(order_id, "failed")

        assert "the card was declined" in order["history"][-1]["because"]
        assert await environment.topic("provider-orders-poor") == []

    async def test_order_fails_after_day_without_payment_service(self, environment):
        order_id = await place_order(environment, "patient", "pm_ok", "stripe")
        await environment.reaches(order_id, "authorizing")

        environment.step(hours=25)
        order = await environment.reaches(order_id, "failed")

        assert "the payment service was not available: Stripe cannot be reached" in order["history"][-1]["because"]
        assert (await wait_for_payment(environment, order_id, "declined"))["authorized"]["amount"] == "0.00"

    async def test_refused_order_voids_payment(self, environment):
        order_id = await place_order(environment, "stern", "tok_ok")
        await environment.reaches(order_id, "placing")
        await send_update(environment, order_id, "refused")

        assert (await wait_for_payment(environment, order_id, "voided"))["captured"]["amount"] == "0.00"

    async def test_shipped_order_shows_declined_capture(self, environment):
        order_id = await place_order(environment, "gone", "tok_capture_declined")
        await environment.reaches(order_id, "placing")
        await send_update(environment, order_id, "shipped")

        async def flagged():
            return (await environment.order(order_id))["payment_problem"]

        assert await until(flagged, "the order is flagged") == "the card was closed"
