"""Payments at Stripe, as localstripe speaks it: an independent server of the same API that knows no idempotency."""

from dataclasses import replace

import httpx
import pytest
import stripe
from pydantic import SecretStr

from libs.kit import RetryLaterError
from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain import Declined, PaymentRequest, Status
from services.order_dispatch.payments.services import open_payment_service
from tests.integration.order_dispatch.payments.stripe_like import KEY, always, cutting_off, localstripe
from tests.integration.order_dispatch.payments.world import running

VISA = "pm_card_visa"


@pytest.fixture(scope="module")
async def url():
    async with localstripe() as opened:
        yield opened


@pytest.fixture
async def account(url):
    """What Stripe itself has."""
    async with httpx.AsyncClient(base_url=url, auth=(KEY, "")) as http:
        await http.delete("/_config/data")

        async def listed(kind):
            return (await http.get(f"/v1/{kind}", params={"limit": 100})).json()["data"]

        yield listed


def at(database, url, tmp_path, **knobs):
    knobs = {"stripe_url": url, "stripe_api_key": SecretStr(KEY), "payment_seconds": 5, **knobs}
    return running(database, tmp_path / "nobook", **knobs)


@pytest.fixture
async def world(database, url, tmp_path):
    async with at(database, url, tmp_path) as opened:
        yield opened


def ask(world, step=PaymentStep.AUTHORIZE, token=VISA, **more):
    fields = {"amount": 500, "currency": "USD", "token": token} | more
    return PaymentRequest(step, f"k-{step}", "pay1", "o1", requested_at=world.kit.clock.now(), **fields)


class TestAnOrder:
    async def test_is_paid_for_when_it_leaves(self, world, account):
        order = await world.captured(VISA, service="stripe")

        (intent,) = await account("payment_intents")
        assert (intent["status"], intent["amount"], intent["currency"]) == ("succeeded", 500, "usd")
        assert intent["metadata"]["order_id"] == order.order_id
        assert await world.balances(order) == {"cash:stripe": 500, "provider:acme": -500}

    async def test_is_reserved_first_and_taken_in_part(self, world, account):
        order = await world.authorized(VISA, service="stripe")
        assert [intent["status"] for intent in await account("payment_intents")] == ["requires_capture"]

        await world.capture(order, 300)
        await world.reaches(order, "captured")

        assert await world.balances(order) == {"cash:stripe": 300, "provider:acme": -300}

    async def test_that_is_cancelled_frees_its_money(self, world, account):
        order = await world.authorized(VISA, service="stripe")
        await world.void(order)
        await world.reaches(order, "voided")

        assert [intent["status"] for intent in await account("payment_intents")] == ["canceled"]

    async def test_that_comes_back_is_refunded_in_parts(self, world, account):
        order = await world.captured(VISA, service="stripe")
        await world.refund(order, 200)
        await world.refund(order, 300)
        await world.reaches(order, "refunded")

        assert sorted(refund["amount"] for refund in await account("refunds")) == [200, 300]
        assert await world.balances(order) == {}

    @pytest.mark.parametrize(
        ("token", "says"), [("pm_card_chargeCustomerFail", "Your card was declined."), ("pm_nobody", "Not Found")]
    )
    async def test_with_a_bad_card_is_declined_with_stripes_words(self, world, token, says):
        order = await world.order(token, service="stripe")
        await world.pay(order)

        assert (await world.reaches(order, "declined")).reason == says

    async def test_voided_at_stripe_meanwhile_counts_as_run_out(self, world, account, url):
        order = await world.authorized(VISA, service="stripe")
        (intent,) = await account("payment_intents")
        async with httpx.AsyncClient(base_url=url, auth=(KEY, "")) as http:
            await http.post(f"/v1/payment_intents/{intent['id']}/cancel")
        await world.capture(order, 500)

        payment = await world.reaches(order, "expired")

        assert (payment.captured, await world.balances(order)) == (0, {})
        assert world.told[-1][:2] == ("capture failed", order.order_id)


class TestUnknown:
    @pytest.mark.parametrize("step", ["authorize", "capture", "void", "refund"])
    async def test_an_answer_that_got_lost_is_found_and_nothing_happens_twice(
        self, database, url, account, tmp_path, step
    ):
        async with at(database, url, tmp_path) as before:
            if step == "authorize":
                order = await before.order(VISA, service="stripe")
            else:
                order = await (before.captured if step == "refund" else before.authorized)(VISA, service="stripe")
        async with cutting_off(url) as door, at(database, door, tmp_path) as world:
            wants = {"capture": (world.capture, 500), "void": (world.void,), "refund": (world.refund, 500)}
            command, *amount = wants.get(step, (world.pay,))
            await command(order, *amount)
            ends = {"authorize": "authorized", "capture": "captured", "void": "voided", "refund": "refunded"}
            await world.reaches(order, ends[step])

            assert (await world.states(order))[-2:] == ["unknown", ends[step]]
        assert len(await account("payment_intents")) == 1
        assert len(await account("refunds")) == (step == "refund")

    async def test_is_what_a_broken_server_leaves(self, database, tmp_path):
        async with always(500) as door, at(database, door, tmp_path) as world:
            with pytest.raises(stripe.APIError):
                await open_payment_service("stripe", world.kit).authorize(ask(world))

    async def test_is_what_silence_leaves(self, database, tmp_path):
        async with always(None) as door, at(database, door, tmp_path, payment_seconds=0.2) as world:
            with pytest.raises(httpx.ReadTimeout):
                await open_payment_service("stripe", world.kit).authorize(ask(world))


class TestLater:
    @pytest.mark.parametrize("status", [429, 401, 403])
    async def test_is_tried_again_what_stripe_would_not_do_now(self, database, tmp_path, status):
        body = b'{"error": {"type": "whatever", "message": "no"}}'
        async with always(status, body) as door, at(database, door, tmp_path) as world:
            with pytest.raises(RetryLaterError):
                await open_payment_service("stripe", world.kit).authorize(ask(world))

    async def test_is_tried_again_what_never_arrived(self, database, tmp_path):
        async with at(database, "http://127.0.0.1:9", tmp_path) as world:
            with pytest.raises(RetryLaterError, match="cannot be reached"):
                await open_payment_service("stripe", world.kit).authorize(ask(world))


class TestFind:
    async def test_knows_nothing_of_what_was_never_asked(self, world, account):
        service = open_payment_service("stripe", world.kit)
        receipt = await service.authorize(ask(world))

        assert await service.find(ask(world, PaymentStep.CAPTURE, reference=receipt.reference)) is None
        assert await service.find(ask(world)) == receipt
        assert receipt.status is Status.AUTHORIZED

    async def test_looks_beyond_the_first_page(self, world, account):
        service = open_payment_service("stripe", world.kit)
        for number in range(101):
            await service.authorize(replace(ask(world, amount=100 + number), idempotency_key=f"k{number}"))

        last = replace(ask(world), idempotency_key="k100")
        assert (await service.find(last)).amount == 200

    async def test_a_currency_that_stripe_counts_otherwise_is_declined(self, world):
        declined = await open_payment_service("stripe", world.kit).authorize(ask(world, currency="ISK"))

        assert isinstance(declined, Declined)
