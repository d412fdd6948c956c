"""Tests of payments at Stripe with localstripe, an independent server of its API without idempotency keys."""

import json
from dataclasses import replace

import httpx
import pytest
import stripe

from libs.kit import RetryLaterError
from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain import DeclineCause, Declined, PaymentRequest, Status
from services.order_dispatch.payments.services import open_payment_service
from tests.integration.order_dispatch.payments.stripe_server import (
    KEY,
    VISA,
    localstripe,
    proxy_losing_first_answer,
    running_at,
    server_answering,
)


@pytest.fixture(scope="module")
async def url():
    async with localstripe() as opened:
        yield opened


@pytest.fixture
async def account(url):
    """Lists objects at Stripe."""
    async with httpx.AsyncClient(base_url=url, auth=(KEY, "")) as http:
        await http.delete("/_config/data")

        async def list_objects(kind):
            return (await http.get(f"/v1/{kind}", params={"limit": 100})).json()["data"]

        yield list_objects


@pytest.fixture
async def environment(database, url, tmp_path):
    async with running_at(database, url, tmp_path) as opened:
        yield opened


def build_request(environment, step=PaymentStep.AUTHORIZE, token=VISA, **more):
    fields = {"amount": 500, "currency": "USD", "token": token} | more
    return PaymentRequest(step, f"k-{step}", "pay1", "o1", requested_at=environment.kit.clock.now(), **fields)


class TestSteps:
    async def test_captured_order(self, environment, account):
        order = await environment.captured_order(VISA, service="stripe")

        (intent,) = await account("payment_intents")
        assert (intent["status"], intent["amount"], intent["currency"]) == ("succeeded", 500, "usd")
        assert intent["metadata"]["order_id"] == order.order_id
        assert await environment.balances(order) == {"cash:stripe": 500, "provider:acme": -500}

    async def test_capture_of_part_releases_rest(self, environment, account):
        order = await environment.authorized_order(VISA, service="stripe")
        assert [intent["status"] for intent in await account("payment_intents")] == ["requires_capture"]

        await environment.capture(order, 300)
        await environment.wait_for_state(order, "captured")

        assert await environment.balances(order) == {"cash:stripe": 300, "provider:acme": -300}

    async def test_void_releases_authorization(self, environment, account):
        order = await environment.authorized_order(VISA, service="stripe")
        await environment.void(order)
        await environment.wait_for_state(order, "voided")

        assert [intent["status"] for intent in await account("payment_intents")] == ["canceled"]

    async def test_refund_in_parts(self, environment, account):
        order = await environment.captured_order(VISA, service="stripe")
        await environment.refund(order, 200)
        await environment.refund(order, 300)
        await environment.wait_for_state(order, "refunded")

        assert sorted(refund["amount"] for refund in await account("refunds")) == [200, 300]
        assert await environment.balances(order) == {}

    @pytest.mark.parametrize(
        ("token", "reason"), [("pm_card_chargeCustomerFail", "Your card was declined."), ("pm_nobody", "Not Found")]
    )
    async def test_declined_card_has_reason_of_stripe(self, environment, token, reason):
        order = await environment.draft_order(token, service="stripe")
        await environment.authorize(order)

        assert (await environment.wait_for_state(order, "declined")).reason == reason

    async def test_intent_canceled_at_stripe_counts_as_expired(self, environment, account, url):
        order = await environment.authorized_order(VISA, service="stripe")
        (intent,) = await account("payment_intents")
        async with httpx.AsyncClient(base_url=url, auth=(KEY, "")) as http:
            await http.post(f"/v1/payment_intents/{intent['id']}/cancel")
        await environment.capture(order, 500)

        payment = await environment.wait_for_state(order, "expired")

        assert (payment.captured, await environment.balances(order)) == (0, {})
        assert environment.results[-1][:2] == ("capture failed", order.order_id)

    async def test_part_waits_for_final_capture_of_card_without_several(self, environment, account):
        order = await environment.authorized_order(VISA, service="stripe")
        await environment.capture_part(order, 200)
        assert (await environment.payment(order)).captures_several is False
        assert [intent["status"] for intent in await account("payment_intents")] == ["requires_capture"]

        await environment.capture_part(order, 450, final=True)
        await environment.wait_for_state(order, "captured")

        assert await environment.balances(order) == {"cash:stripe": 450, "provider:acme": -450}


class TestUnknown:
    @pytest.mark.parametrize("step", ["authorize", "capture", "void", "refund"])
    async def test_lost_answer_is_found_and_step_not_repeated(self, database, url, account, tmp_path, step):
        async with running_at(database, url, tmp_path) as before:
            if step == "authorize":
                order = await before.draft_order(VISA, service="stripe")
            else:
                order = await (before.captured_order if step == "refund" else before.authorized_order)(
                    VISA, service="stripe"
                )
        async with (
            proxy_losing_first_answer(url) as proxy_url,
            running_at(database, proxy_url, tmp_path) as environment,
        ):
            commands = {
                "capture": (environment.capture, 500),
                "void": (environment.void,),
                "refund": (environment.refund, 500),
            }
            command, *amount = commands.get(step, (environment.authorize,))
            await command(order, *amount)
            end_states = {"authorize": "authorized", "capture": "captured", "void": "voided", "refund": "refunded"}
            await environment.wait_for_state(order, end_states[step])

            assert (await environment.states(order))[-2:] == ["unknown", end_states[step]]
        assert len(await account("payment_intents")) == 1
        assert len(await account("refunds")) == (step == "refund")

    async def test_server_error_leaves_outcome_unknown(self, database, tmp_path):
        async with server_answering(500) as proxy_url, running_at(database, proxy_url, tmp_path) as environment:
            with pytest.raises(stripe.APIError):
                await open_payment_service("stripe", environment.kit).authorize(build_request(environment))

    async def test_timeout_leaves_outcome_unknown(self, database, tmp_path):
        async with (
            server_answering(None) as proxy_url,
            running_at(database, proxy_url, tmp_path, payment_seconds=0.2) as environment,
        ):
            with pytest.raises(httpx.ReadTimeout):
                await open_payment_service("stripe", environment.kit).authorize(build_request(environment))


class TestRetryLater:
    @pytest.mark.parametrize("status", [429, 401, 403])
    async def test_rate_limit_and_refused_key_are_retried(self, database, tmp_path, status):
        body = b'{"error": {"type": "error", "message": "no"}}'
        async with (
            server_answering(status, body) as proxy_url,
            running_at(database, proxy_url, tmp_path) as environment,
        ):
            with pytest.raises(RetryLaterError):
                await open_payment_service("stripe", environment.kit).authorize(build_request(environment))

    async def test_unsent_request_is_retried(self, database, tmp_path):
        async with running_at(database, "http://127.0.0.1:9", tmp_path) as environment:
            with pytest.raises(RetryLaterError, match="cannot be reached"):
                await open_payment_service("stripe", environment.kit).authorize(build_request(environment))


class TestFind:
    async def test_find_returns_none_for_step_never_sent(self, environment, account):
        service = open_payment_service("stripe", environment.kit)
        answer = await service.authorize(build_request(environment))

        assert await service.find(build_request(environment, PaymentStep.CAPTURE, reference=answer.reference)) is None
        assert await service.find(build_request(environment)) == answer
        assert answer.status is Status.AUTHORIZED

    async def test_find_reads_all_pages(self, environment, account):
        service = open_payment_service("stripe", environment.kit)
        for number in range(101):
            await service.authorize(
                replace(build_request(environment, amount=100 + number), idempotency_key=f"k{number}")
            )

        last = replace(build_request(environment), idempotency_key="k100")
        assert (await service.find(last)).amount == 200

    @pytest.mark.parametrize(
        ("currency", "amount", "reason"),
        [
            ("KWD", 5124, "5.124 KWD is not a multiple of 0.010 KWD, as stripe requires"),
            ("EUR", 30, "0.30 EUR is less than stripe charges"),
            ("IRR", 500, "stripe does not charge in IRR"),
        ],
    )
    async def test_amount_that_stripe_cannot_charge_is_declined_without_call(
        self, environment, account, currency, amount, reason
    ):
        request = build_request(environment, currency=currency, amount=amount)

        declined = await open_payment_service("stripe", environment.kit).authorize(request)

        assert declined == Declined(reason, DeclineCause.OURS)
        assert await account("payment_intents") == []


class TestCurrencies:
    """Amounts are sent in Stripe's units and read back in ours."""

    @pytest.mark.parametrize(
        ("currency", "price", "sent"),
        [
            ("UGX", 5000, 500_000),
            ("ISK", 1790, 179_000),
            ("JPY", 500, 500),
            ("KWD", 1230, 1230),
            ("MGA", 500_000, 5000),
        ],
    )
    async def test_order_is_captured_and_refunded(self, environment, account, currency, price, sent):
        terms = {"service": "stripe", "price": price, "currency": currency, "mandate": 10 * price}
        order = await environment.captured_order(VISA, **terms)
        (intent,) = await account("payment_intents")
        assert (intent["amount"], intent["currency"], intent["status"]) == (sent, currency.lower(), "succeeded")
        assert await environment.balances(order) == {"cash:stripe": price, "provider:acme": -price}

        await environment.refund(order, price // 10)
        await environment.refund(order, price - price // 10)
        payment = await environment.wait_for_state(order, "refunded")

        refunds = sorted(refund["amount"] for refund in await account("refunds"))
        assert sum(refunds) == sent
        assert (payment.refunded, await environment.balances(order)) == (price, {})
        assert await environment.failed_checks() == []

    async def test_order_in_whole_currency_is_captured_in_part(self, environment, account):
        terms = {"service": "stripe", "price": 5000, "currency": "UGX", "mandate": 50_000}
        order = await environment.authorized_order(VISA, **terms)

        await environment.capture(order, 3500)
        payment = await environment.wait_for_state(order, "captured")

        assert (payment.captured, payment.released) == (3500, 1500)

    async def test_order_in_whole_currency_is_voided(self, environment, account):
        terms = {"service": "stripe", "price": 1790, "currency": "ISK", "mandate": 17_900}
        order = await environment.authorized_order(VISA, **terms)

        await environment.void(order)
        await environment.wait_for_state(order, "voided")

        assert [intent["status"] for intent in await account("payment_intents")] == ["canceled"]

    @pytest.mark.parametrize(("currency", "amount"), [("UGX", 5000), ("ISK", 1790)])
    async def test_authorization_and_refund_are_found_in_our_units(self, environment, account, currency, amount):
        service = open_payment_service("stripe", environment.kit)
        request = build_request(environment, amount=amount, currency=currency)
        answer = await service.authorize(request)
        captured = build_request(
            environment, PaymentStep.CAPTURE, amount=amount, currency=currency, reference=answer.reference
        )
        await service.capture(captured)
        refund = replace(captured, step=PaymentStep.REFUND, idempotency_key="k-refund", amount=10)
        refunded = await service.refund(refund)

        assert (answer.amount, answer.currency) == (amount, currency)
        assert (await service.find(request)).amount == amount
        assert (await service.find(captured)).amount == amount
        assert await service.find(refund) == refunded
        assert (refunded.amount, refunded.currency) == (10, currency)

    async def test_payment_that_stripe_cannot_charge_fails_without_call(self, environment, account):
        order = await environment.draft_order(VISA, service="stripe", price=30, currency="EUR")
        await environment.authorize(order)
        payment = await environment.wait_for_state(order, "declined")

        assert payment.reason == "0.30 EUR is less than stripe charges"
        assert await account("payment_intents") == []


class TestCause:
    @pytest.mark.parametrize(
        ("status", "error", "cause"),
        [
            (402, {"type": "card_error", "code": "card_declined", "decline_code": "do_not_honor"}, "bank"),
            (402, {"type": "card_error", "code": "authentication_required"}, "customer"),
            (402, {"type": "card_error", "code": "processing_error"}, "later"),
            (400, {"type": "invalid_request_error", "code": "amount_too_small", "param": "amount"}, "ours"),
            (400, {"type": "invalid_request_error", "param": "currency"}, "ours"),
            (404, {"type": "invalid_request_error", "code": "resource_missing", "param": "payment_method"}, "customer"),
        ],
        ids=["declined", "confirmation", "processing", "too small", "currency", "unknown method"],
    )
    async def test_error_of_authorization_has_cause(self, database, tmp_path, status, error, cause):
        body = json.dumps({"error": {"message": "no", **error}}).encode()
        async with server_answering(status, body) as url, running_at(database, url, tmp_path) as environment:
            declined = await open_payment_service("stripe", environment.kit).authorize(build_request(environment))

        assert declined.cause == cause
