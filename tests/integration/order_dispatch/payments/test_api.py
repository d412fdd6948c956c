"""What customers pay with, over HTTP; and that leaving takes it away."""

import asyncio

import pytest

from replenish_contracts.events import CustomerErased
from services.order_dispatch.orders.handlers import on_customer_erased
from tests.integration.order_dispatch.payments.world import running, sandbox
from tests.support.portal_server import portal, until

BODY = {"service": "sandbox", "token": "tok_canary", "mandate": {"amount": "50.00", "currency": "EUR"}}
ANN = "/v1/customers/ann/payment-method"


@pytest.fixture(scope="module")
async def desk():
    async with portal() as opened:
        yield opened


@pytest.fixture(scope="module")
async def world(database, desk, tmp_path_factory):
    log = tmp_path_factory.mktemp("pay") / "book.jsonl"
    async with (
        sandbox(log) as url,
        running(database, log, sandbox_pay_url=url, portal_url=desk.url) as opened,
    ):
        yield opened


@pytest.fixture
def ann(desk):
    return desk.headers("customer", customer_id="ann")


class TestPaymentMethod:
    async def test_is_kept_sealed_and_shown_without_its_token(self, world, ann):
        put = await world.http.put(ANN, json=BODY, headers=ann)
        got = await world.http.get(ANN, headers=ann)

        assert (put.status_code, put.json()["mandate"]) == (200, {"amount": "50.00", "currency": "EUR"})
        assert got.json()["payment_methods"] == [put.json()]
        assert "tok_canary" not in put.text + got.text
        ((sealed, mandate),) = await world.rows("SELECT token_sealed, mandate FROM payment_method")
        assert (b"tok_canary" in sealed, mandate) == (False, 5000)

    async def test_put_again_replaces_it(self, world, ann):
        await world.http.put(ANN, json=BODY, headers=ann)
        again = BODY | {"mandate": {"amount": 20, "currency": "USD"}}
        await world.http.put(ANN, json=again, headers=ann)

        (method,) = (await world.http.get(ANN, headers=ann)).json()["payment_methods"]
        assert method["mandate"] == {"amount": "20.00", "currency": "USD"}

    async def test_can_be_set_by_an_operator_and_deleted(self, world, desk, ann):
        assert (await world.http.put(ANN, json=BODY, headers=desk.headers("operator"))).status_code == 200

        for _ in range(2):
            assert (await world.http.delete(ANN, headers=ann)).status_code == 204
        assert (await world.http.get(ANN, headers=ann)).json() == {"payment_methods": []}

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    @pytest.mark.parametrize(
        ("role", "more", "status"),
        [
            ("customer", {"customer_id": "bob"}, 404),
            ("provider", {"provider_id": "acme"}, 403),
            ("service", {"service": "inventory"}, 403),
        ],
    )
    async def test_is_nobody_elses_business(self, world, desk, method, role, more, status):
        headers = desk.headers(role, **more)

        answer = await world.http.request(method, ANN, json=BODY if method == "PUT" else None, headers=headers)

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
    async def test_that_is_not_clear_is_refused(self, world, ann, change, code):
        answer = await world.http.put(ANN, json=BODY | change, headers=ann)

        assert (answer.status_code, answer.json()["code"]) == (422, code)

    async def test_goes_when_the_customer_does(self, world, ann):
        await world.http.put(ANN, json=BODY, headers=ann)
        async with world.kit.transaction() as tx:
            await on_customer_erased(CustomerErased(customer_id="ann"), tx.store)

        assert (await world.http.get(ANN, headers=ann)).json() == {"payment_methods": []}

    async def test_is_not_taken_from_a_token_that_outlived_its_customer(self, world, desk):
        bea, path = desk.headers("customer", customer_id="bea"), "/v1/customers/bea/payment-method"
        async with world.kit.transaction() as tx:
            await on_customer_erased(CustomerErased(customer_id="bea"), tx.store)

        put = await world.http.put(path, json=BODY, headers=bea)

        assert (put.status_code, put.json()["code"]) == (404, "no_such_customer")
        assert await world.rows("SELECT FROM payment_method WHERE customer_id = 'bea'") == []

    async def test_put_while_the_customer_is_being_erased_waits_and_is_refused(self, world, desk):
        cem, path = desk.headers("customer", customer_id="cem"), "/v1/customers/cem/payment-method"
        async with world.kit.transaction() as tx:
            await on_customer_erased(CustomerErased(customer_id="cem"), tx.store)
            putting = asyncio.create_task(world.http.put(path, json=BODY, headers=cem))
            waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            await until(lambda: world.rows(waits), "the request waits for the erasure")

        assert (await putting).status_code == 404
        assert await world.rows("SELECT FROM payment_method WHERE customer_id = 'cem'") == []


class TestPayment:
    async def test_is_shown_to_its_customer_with_every_move(self, world, desk):
        order = await world.captured()
        mine = desk.headers("customer", customer_id=order.customer_id)

        shown = (await world.http.get(f"/v1/orders/{order.order_id}/payment", headers=mine)).json()

        assert (shown["state"], shown["captured"]) == ("captured", {"amount": "5.00", "currency": "USD"})
        assert [move["to_state"] for move in shown["history"]] == await world.states(order)

    async def test_does_not_exist_for_others(self, world, desk):
        order = await world.authorized()

        for headers in (desk.headers("customer", customer_id="bob"), desk.headers("provider", provider_id="acme")):
            answer = await world.http.get(f"/v1/orders/{order.order_id}/payment", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_payment")

    async def test_that_nobody_can_believe_is_given_up_by_an_operator(self, world, desk):
        order = await world.order("tok_wrong")
        await world.pay(order)
        payment = await world.reaches(order, "unknown")
        path, body = f"/v1/payments/{payment.payment_id}/give-up", {"reason": "freed by hand at the bank"}

        def key(role, number):
            return desk.headers(role) | {"Idempotency-Key": f"{order.order_id}-{number}"}

        stranger = await world.http.post(path, json=body, headers=key("service", 1))
        given_up = await world.http.post(path, json=body, headers=key("operator", 2))
        await world.reaches(order, "declined", seconds=40)
        late = await world.http.post(path, json=body, headers=key("operator", 3))

        assert [answer.status_code for answer in (stranger, given_up, late)] == [403, 202, 409]
        assert late.json()["code"] == "not_unknown"
        assert world.told[-1] == ("failed", order.order_id, "given up by an operator: freed by hand at the bank")
        assert (await world.types(order), await world.balances(order)) == (["PaymentFailed"], {})

    async def test_unknown_ones_are_for_operators(self, world, desk, ann):
        assert (await world.http.get("/v1/payments/unknown", headers=ann)).status_code == 403
        answer = await world.http.get("/v1/payments/unknown", headers=desk.headers("operator"))
        assert answer.json() == {"payments": []}


async def test_without_a_key_to_seal_with_tokens_are_refused(database, desk, ann, tmp_path):
    async with running(database, tmp_path / "b", portal_url=desk.url, sealing_key="") as world:
        answer = await world.http.put(ANN, json=BODY, headers=ann)

    assert (answer.status_code, answer.json()["code"]) == (503, "no_sealing_key")
