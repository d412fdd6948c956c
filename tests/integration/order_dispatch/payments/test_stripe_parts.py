"""Tests of captures in several parts at Stripe, with a server that has them and no idempotency keys."""

import httpx
import pytest

from tests.integration.order_dispatch.payments.stripe_server import (
    KEY,
    VISA,
    localstripe,
    proxy_losing_first_answer,
    running_at,
)


@pytest.fixture(scope="module")
async def url():
    async with localstripe(captures_several=True) as opened:
        yield opened


@pytest.fixture
async def api(url):
    async with httpx.AsyncClient(base_url=f"{url}/v1", auth=(KEY, "")) as http:
        yield http


@pytest.fixture
async def environment(database, url, tmp_path):
    async with running_at(database, url, tmp_path) as opened:
        yield opened


async def authorized(environment):
    return await environment.authorized_order(VISA, service="stripe")


async def find_intent(environment, api, order):
    payment = await environment.payment(order)
    return (await api.get(f"/payment_intents/{payment.reference}")).json()


class TestParts:
    async def test_parts_keep_rest_capturable(self, environment, api):
        order = await authorized(environment)
        received = []
        for due_total, final in ((200, False), (350, False), (450, True)):
            await environment.capture_part(order, due_total, final=final)
            await environment.wait_for_captured(order, due_total)
            intent = await find_intent(environment, api, order)
            received.append((intent["amount_received"], intent["status"]))

        assert received == [(200, "requires_capture"), (350, "requires_capture"), (450, "succeeded")]
        assert (await environment.payment(order)).state == "captured"
        assert await environment.balances(order) == {"cash:stripe": 450, "provider:acme": -450}

    async def test_refund_between_parts(self, environment, api):
        order = await authorized(environment)
        await environment.capture_part(order, 200)
        await environment.wait_for_captured(order, 200)
        await environment.refund(order, 150)
        await environment.capture_part(order, 300, final=True)
        payment = await environment.wait_for_state(order, "captured")

        assert (payment.captured, payment.refunded) == (300, 150)

    @pytest.mark.parametrize("command", ["end", "void"])
    async def test_rest_is_released_without_capture(self, environment, api, command):
        order = await authorized(environment)
        await environment.capture_part(order, 200)
        await environment.wait_for_captured(order, 200)
        await (environment.void(order) if command == "void" else environment.capture_part(order, 200, final=True))
        await environment.wait_for_state(order, "refunded" if command == "void" else "captured")

        intent = await find_intent(environment, api, order)
        assert (intent["amount_received"], intent["status"]) == (200, "succeeded")

    async def test_void_without_capture_cancels(self, environment, api):
        order = await authorized(environment)
        await environment.void(order)
        await environment.wait_for_state(order, "voided")

        assert (await find_intent(environment, api, order))["status"] == "canceled"

    async def test_expiry_after_part_keeps_it(self, environment, api):
        order = await authorized(environment)
        await environment.capture_part(order, 200)
        payment = await environment.wait_for_captured(order, 200)
        # An intent that was captured in part has succeeded once its authorization expires.
        await api.post(f"/payment_intents/{payment.reference}/capture", data={"amount_to_capture": "0"})
        await environment.capture_part(order, 350)
        payment = await environment.wait_for_state(order, "captured")

        assert (payment.captured, payment.released) == (200, 300)
        assert environment.captured[order.order_id] == 200


class TestCurrencies:
    async def test_parts_of_whole_currency(self, environment, api):
        order = await environment.authorized_order(VISA, service="stripe", price=5000, currency="UGX", mandate=50_000)
        received = []
        for due_total, final in ((2000, False), (3500, False), (5000, True)):
            await environment.capture_part(order, due_total, final=final)
            await environment.wait_for_captured(order, due_total)
            received.append((await find_intent(environment, api, order))["amount_received"])

        assert received == [200_000, 350_000, 500_000]

    async def test_parts_of_three_decimals_end_in_zero_and_rest_is_settled_last(self, environment, api):
        order = await environment.authorized_order(VISA, service="stripe", price=3690, currency="KWD", mandate=50_000)
        received = []
        for due_total, captured, final in ((1234, 1230, False), (2468, 2460, False), (3690, 3690, True)):
            await environment.capture_part(order, due_total, final=final)
            await environment.wait_for_captured(order, captured)
            received.append((await find_intent(environment, api, order))["amount_received"])

        assert received == [1230, 2460, 3690]

    async def test_part_below_minimum_is_captured_with_the_next(self, environment, api):
        order = await environment.authorized_order(VISA, service="stripe", price=500, currency="EUR")
        await environment.capture_part(order, 49)
        assert (await environment.payment(order)).step is None
        await environment.capture_part(order, 99)
        await environment.wait_for_captured(order, 99)

        assert (await find_intent(environment, api, order))["amount_received"] == 99


@pytest.mark.parametrize(("due_total", "final"), [(350, False), (450, True), (200, True)])
async def test_lost_answer_after_part_is_found_and_not_repeated(database, url, api, tmp_path, due_total, final):
    async with running_at(database, url, tmp_path) as before:
        order = await authorized(before)
        await before.capture_part(order, 200)
        await before.wait_for_captured(order, 200)
    async with (
        proxy_losing_first_answer(url) as proxy_url,
        running_at(database, proxy_url, tmp_path) as environment,
    ):
        await environment.capture_part(order, due_total, final=final)
        await environment.wait_for_captured(order, due_total)

        assert (await environment.states(order))[-2:] == ["unknown", "captured" if final else "authorized"]
        assert (await find_intent(environment, api, order))["amount_received"] == due_total
