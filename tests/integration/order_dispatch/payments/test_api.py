"""Tests of the HTTP API of payment methods and payments."""

import asyncio

import pytest

from replenish_contracts.events import CustomerErased
from services.order_dispatch.orders.handlers import on_customer_erased
from tests.integration.order_dispatch.payments.environment import running, sandbox
from tests.support.portal_server import portal, until

BODY = {"service": "sandbox", "token": "tok_canary", "mandate": {"amount": "50.00", "currency": "EUR"}}
ANN = "/v1/customers/ann/payment-method"


@pytest.fixture(scope="module")
async def portal_server():
    async with portal() as opened:
        yield opened


@pytest.fixture(scope="module")
async def environment(database, portal_server, tmp_path_factory):
    log_path = tmp_path_factory.mktemp("pay") / "book.jsonl"
    async with (
        sandbox(log_path) as url,
        running(database, log_path, sandbox_pay_url=url, portal_url=portal_server.url) as opened,
    ):
        yield opened


@pytest.fixture
def ann(portal_server):
    return portal_server.headers("customer", customer_id="ann")


class TestPaymentMethod:
    async def test_put_payment_method_hides_token(self, environment, ann):
        put = await environment.http.put(ANN, json=BODY, headers=ann)
        got = await environment.http.get(ANN, headers=ann)

        assert (put.status_code, put.json()["mandate"]) == (200, {"amount": "50.00", "currency": "EUR"})
        assert got.json()["payment_methods"] == [put.json()]
        assert "tok_canary" not in put.text + got.text
        ((sealed, mandate),) = await environment.fetch("SELECT token_sealed, mandate FROM payment_method")
        assert (b"tok_canary" in sealed, mandate) == (False, 5000)

    async def test_put_payment_method_replaces_earlier_one(self, environment, ann):
        await environment.http.put(ANN, json=BODY, headers=ann)
        again = BODY | {"mandate": {"amount": 20, "currency": "USD"}}
        await environment.http.put(ANN, json=again, headers=ann)

        (method,) = (await environment.http.get(ANN, headers=ann)).json()["payment_methods"]
        assert method["mandate"] == {"amount": "20.00", "currency": "USD"}

    async def test_payment_method_set_by_operator_and_deleted(self, environment, portal_server, ann):
        assert (
            await environment.http.put(ANN, json=BODY, headers=portal_server.headers("operator"))
        ).status_code == 200

        for _ in range(2):
            assert (await environment.http.delete(ANN, headers=ann)).status_code == 204
        assert (await environment.http.get(ANN, headers=ann)).json() == {"payment_methods": []}

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    @pytest.mark.parametrize(
        ("role", "more", "status"),
        [
            ("customer", {"customer_id": "bob"}, 404),
            ("provider", {"provider_id": "acme"}, 403),
            ("service", {"service": "inventory"}, 403),
        ],
    )
    async def test_payment_method_refuses_other_principals(
        self, environment, portal_server, method, role, more, status
    ):
        headers = portal_server.headers(role, **more)

        answer = await environment.http.request(method, ANN, json=BODY if method == "PUT" else None, headers=headers)

        assert answer.status_code == status

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"service": "os"}, "unknown_payment_service"),
            ({"service": "domain"}, "unknown_payment_service"),
            ({"mandate": {"amount": 0, "currency": "EUR"}}, "out_of_range"),
            ({"mandate": {"amount": -1, "currency": "EUR"}}, "out_of_range"),
            ({"mandate": {"amount": "1.234", "currency": "EUR"}}, "not_whole"),
            ({"mandate": {"amount": 5, "currency": "euro"}}, "unknown_currency"),
            ({"token": ""}, "invalid"),
            ({"iban": "DE00"}, "invalid"),
        ],
    )
    async def test_put_payment_method_refuses_invalid_body(self, environment, ann, change, code):
        answer = await environment.http.put(ANN, json=BODY | change, headers=ann)

        assert (answer.status_code, answer.json()["code"]) == (422, code)

    async def test_erasure_deletes_payment_methods(self, environment, ann):
        await environment.http.put(ANN, json=BODY, headers=ann)
        async with environment.kit.transaction() as tx:
            await on_customer_erased(CustomerErased(customer_id="ann"), tx.store)

        assert (await environment.http.get(ANN, headers=ann)).json() == {"payment_methods": []}

    async def test_put_payment_method_after_erasure_is_refused(self, environment, portal_server):
        bea, path = portal_server.headers("customer", customer_id="bea"), "/v1/customers/bea/payment-method"
        async with environment.kit.transaction() as tx:
            await on_customer_erased(CustomerErased(customer_id="bea"), tx.store)

        put = await environment.http.put(path, json=BODY, headers=bea)

        assert (put.status_code, put.json()["code"]) == (404, "no_such_customer")
        assert await environment.fetch("SELECT FROM payment_method WHERE customer_id = 'bea'") == []

    async def test_put_payment_method_waits_for_concurrent_erasure(self, environment, portal_server):
        cem, path = portal_server.headers("customer", customer_id="cem"), "/v1/customers/cem/payment-method"
        async with environment.kit.transaction() as tx:
            await on_customer_erased(CustomerErased(customer_id="cem"), tx.store)
            request = asyncio.create_task(environment.http.put(path, json=BODY, headers=cem))
            waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            await until(lambda: environment.fetch(waits), "the request waits for the erasure")

        assert (await request).status_code == 404
        assert await environment.fetch("SELECT FROM payment_method WHERE customer_id = 'cem'") == []


class TestPayment:
    async def test_get_payment_returns_history(self, environment, portal_server):
        order = await environment.captured_order()
        mine = portal_server.headers("customer", customer_id=order.customer_id)

        shown = (await environment.http.get(f"/v1/orders/{order.order_id}/payment", headers=mine)).json()

        assert (shown["state"], shown["captured"]) == ("captured", {"amount": "5.00", "currency": "USD"})
        assert [transition["to_state"] for transition in shown["history"]] == await environment.states(order)

    async def test_get_payment_returns_captures(self, environment, portal_server):
        order = await environment.captured_part(200)
        await environment.capture_part(order, 350, final=True)
        await environment.wait_for_state(order, "captured")
        declined = await environment.authorized_order("tok_capture_declined")
        await environment.capture(declined, 500)
        await until(lambda: _capture_failed(environment, declined), "the capture failed")

        async def get(shown_order):
            mine = portal_server.headers("customer", customer_id=shown_order.customer_id)
            return (await environment.http.get(f"/v1/orders/{shown_order.order_id}/payment", headers=mine)).json()

        shown = await get(order)
        assert [capture["amount"] for capture in shown["captures"]] == ["2.00", "1.50"]
        assert {capture["currency"] for capture in shown["captures"]} == {"USD"}
        assert [capture["captured_at"] for capture in shown["captures"]] == [
            transition["occurred_at"]
            for transition in shown["history"]
            if (transition["from_state"], transition["step"]) == ("capturing", "capture")
        ]
        assert (shown["captured"]["amount"], shown["released"]["amount"]) == ("3.50", "1.50")
        assert (await get(declined))["captures"] == []

    async def test_get_payment_of_other_customer_is_404(self, environment, portal_server):
        order = await environment.authorized_order()

        for headers in (
            portal_server.headers("customer", customer_id="bob"),
            portal_server.headers("provider", provider_id="acme"),
        ):
            answer = await environment.http.get(f"/v1/orders/{order.order_id}/payment", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_payment")

    async def test_give_up_ends_unknown_payment(self, environment, portal_server):
        order = await environment.draft_order("tok_wrong")
        await environment.authorize(order)
        payment = await environment.wait_for_state(order, "unknown")
        path, body = f"/v1/payments/{payment.payment_id}/give-up", {"reason": "freed by hand at the bank"}

        def key(role, number):
            return portal_server.headers(role) | {"Idempotency-Key": f"{order.order_id}-{number}"}

        forbidden = await environment.http.post(path, json=body, headers=key("service", 1))
        given_up = await environment.http.post(path, json=body, headers=key("operator", 2))
        await environment.wait_for_state(order, "declined", seconds=40)
        late = await environment.http.post(path, json=body, headers=key("operator", 3))

        assert [answer.status_code for answer in (forbidden, given_up, late)] == [403, 202, 409]
        assert late.json()["code"] == "not_unknown"
        assert environment.results[-1] == (
            "failed",
            order.order_id,
            "given up by an operator: freed by hand at the bank",
        )
        assert (await environment.event_types(order), await environment.balances(order)) == (["PaymentFailed"], {})

    async def test_list_unknown_payments_is_for_operators(self, environment, portal_server, ann):
        assert (await environment.http.get("/v1/payments/unknown", headers=ann)).status_code == 403
        answer = await environment.http.get("/v1/payments/unknown", headers=portal_server.headers("operator"))
        assert answer.json() == {"payments": []}


async def _capture_failed(environment, order):
    return order.order_id in environment.captured


async def test_put_payment_method_without_sealing_key_is_503(database, portal_server, ann, tmp_path):
    async with running(database, tmp_path / "b", portal_url=portal_server.url, sealing_key="") as environment:
        answer = await environment.http.put(ANN, json=BODY, headers=ann)

    assert (answer.status_code, answer.json()["code"]) == (503, "no_sealing_key")
