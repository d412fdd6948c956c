"""Tests of payments with the sandbox: states, books, events and reports to orders."""

from datetime import timedelta

import pytest

from services.order_dispatch.orders.payment import expire_payments
from services.order_dispatch.payments import commands as payments
from tests.support.portal_server import until


class TestSteps:
    async def test_authorize_books_and_reports(self, environment):
        order = await environment.authorized_order()

        assert environment.results[-1] == ("authorized", order.order_id)
        assert await environment.event_types(order) == ["PaymentAuthorized"]
        assert await environment.balances(order) == {"held:sandbox": 500, f"customer:{order.customer_id}": -500}
        assert await environment.sandbox_log(order) == [("authorized", 500)]

    async def test_capture_of_part_releases_rest(self, environment):
        order = await environment.authorized_order()
        await environment.capture(order, 300)
        await environment.wait_for_state(order, "captured")

        assert await environment.event_types(order) == ["PaymentAuthorized", "PaymentCaptured"]
        assert await environment.balances(order) == {"cash:sandbox": 300, "provider:acme": -300}
        assert await environment.sandbox_log(order) == [("authorized", 500), ("captured", 300)]

    async def test_repeated_commands_happen_once(self, environment):
        order = await environment.draft_order()
        await environment.authorize(order)
        await environment.authorize(order)
        await environment.wait_for_state(order, "authorized")
        await environment.capture(order, 300)
        await environment.capture(order, 300)
        await environment.wait_for_state(order, "captured")

        assert await environment.sandbox_log(order) == [("authorized", 500), ("captured", 300)]
        assert await environment.states(order) == ["authorizing", "authorized", "capturing", "captured"]

    async def test_void_releases_authorization(self, environment):
        order = await environment.authorized_order()
        await environment.void(order)
        await environment.wait_for_state(order, "voided")

        assert await environment.event_types(order) == ["PaymentAuthorized", "PaymentVoided"]
        assert await environment.balances(order) == {}
        assert [op for op, _ in await environment.sandbox_log(order)] == ["authorized", "voided"]

    async def test_void_before_authorization_calls_no_service(self, environment):
        order = await environment.draft_order()
        await environment.authorize(order, payments.void)
        await environment.wait_for_state(order, "voided")

        assert await environment.sandbox_log(order) == []
        assert ("authorized", order.order_id) not in environment.results

    async def test_refund_in_parts(self, environment):
        order = await environment.captured_order()
        await environment.refund(order, 200)
        await environment.refund(order, 100)

        async def both_refunded():
            return (await environment.payment(order)).refunded == 300

        await until(both_refunded, "300 is refunded")
        assert await environment.refund(order, 201) != []
        await environment.refund(order, 200)
        await environment.wait_for_state(order, "refunded")

        refunds = [data for name, data in await environment.events(order) if name == "PaymentRefunded"]
        assert [(data["amount"], data["refunded"]) for data in refunds] == [(200, 200), (100, 300), (200, 500)]
        assert await environment.balances(order) == {}
        assert [amount for op, amount in await environment.sandbox_log(order) if op == "refunded"] == [200, 100, 200]

    async def test_commands_without_payment_do_nothing(self, environment):
        order = await environment.draft_order()

        assert (
            await environment.capture(order, 1)
            == await environment.void(order)
            == await environment.refund(order, 1)
            == []
        )


class TestDeclined:
    async def test_authorization_declined_by_service_reports_reason(self, environment):
        order = await environment.draft_order("tok_declined")
        await environment.authorize(order)
        await environment.wait_for_state(order, "declined")

        assert environment.results[-1] == ("failed", order.order_id, "the card was declined")
        assert await environment.event_types(order) == ["PaymentFailed"]
        assert await environment.balances(order) == {}

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"token": None}, "no payment method"),
            ({"mandate": 499}, "limit of 4.99 USD"),
            ({"currency": "EUR", "limit_in": "USD"}, "limit is in USD"),
        ],
    )
    async def test_authorization_outside_mandate_calls_no_service(self, environment, changes, reason):
        order = await environment.draft_order(**changes)
        await environment.authorize(order)
        payment = await environment.wait_for_state(order, "declined")

        assert reason in payment.reason
        assert await environment.sandbox_log(order) == []

    async def test_capture_declined_keeps_authorization(self, environment):
        order = await environment.authorized_order("tok_capture_declined")
        await environment.capture(order, 500)
        await until(
            lambda: _is_reported(environment, ("capture failed", order.order_id, "the card was closed")),
            "the failure is reported",
        )

        assert (await environment.payment(order)).state == "authorized"
        assert await environment.event_types(order) == ["PaymentAuthorized", "PaymentFailed"]
        assert await environment.balances(order) == {"held:sandbox": 500, f"customer:{order.customer_id}": -500}

    async def test_capture_of_expired_authorization_ends_payment(self, environment):
        order = await environment.authorized_order("tok_expires")
        await environment.capture(order, 500)
        await environment.wait_for_state(order, "expired")

        assert environment.results[-1][:2] == ("capture failed", order.order_id)
        assert await environment.balances(order) == {}

    async def test_refund_declined_keeps_capture(self, environment):
        order = await environment.captured_order("tok_refund_declined")
        await environment.refund(order, 100)

        async def failed():
            return (await environment.event_types(order))[-1] == "PaymentFailed"

        await until(failed, "the refund failed")
        assert await environment.balances(order) == {"cash:sandbox": 500, "provider:acme": -500}


async def _is_reported(environment, result):
    return result in environment.results


class TestUnknown:
    @pytest.mark.parametrize("token", ["tok_cut", "tok_lost", "tok_slow"])
    async def test_call_without_answer_is_reconciled_once(self, environment, token):
        order = await environment.captured_order(token)

        assert await environment.sandbox_log(order) == [("authorized", 500), ("captured", 500)]
        assert await environment.states(order) == [
            *("authorizing", "unknown", "authorized"),
            *("capturing", "unknown", "captured"),
        ]
        assert await environment.event_types(order) == ["PaymentAuthorized", "PaymentCaptured"]

    async def test_unknown_payment_is_listed_until_reconciled(self, environment):
        order = await environment.draft_order("tok_dark")
        await environment.authorize(order)
        unknown = await environment.wait_for_state(order, "unknown")

        async with environment.kit.read() as store:
            (row,) = [row for row in await store.list_unknown_payments(100) if row["order_id"] == order.order_id]
        assert (unknown.step, row["step"], row["requested_amount"]) == ("authorize", "authorize", 500)
        assert await environment.event_types(order) == []

        await environment.wait_for_state(order, "authorized", seconds=40)
        assert await environment.sandbox_log(order) == [("authorized", 500)]

    async def test_answer_with_wrong_amount_stays_unknown(self, environment):
        order = await environment.draft_order("tok_wrong")
        await environment.authorize(order)
        unknown = await environment.wait_for_state(order, "unknown")

        assert (unknown.authorized, await environment.event_types(order), await environment.balances(order)) == (
            0,
            [],
            {},
        )

    @pytest.mark.parametrize("step", ["authorize", "capture", "void", "refund"])
    async def test_step_of_killed_process_is_reconciled(self, environment, step):
        order = await (environment.draft_order() if step == "authorize" else environment.authorized_order())
        if step == "refund":
            await environment.capture(order, 500)
            await environment.wait_for_state(order, "captured")
        command = {"authorize": payments.authorize, "void": payments.void}.get(step) or getattr(payments, step)
        amount = (500,) if step in ("capture", "refund") else ()

        async with environment.killed_after_call(step, order) as tx:
            await command(order, *amount, tx.store)
        environment.kit.committed(tx.store)
        end_states = {"authorize": "authorized", "capture": "captured", "void": "voided", "refund": "refunded"}
        await environment.wait_for_state(order, end_states[step])

        assert (await environment.states(order))[-2:] == ["unknown", end_states[step]]
        assert [op for op, _ in await environment.sandbox_log(order)].count(end_states[step]) == 1

    async def test_void_while_unknown_is_reconciled_first(self, environment):
        order = await environment.draft_order("tok_dark")
        await environment.authorize(order)
        await environment.wait_for_state(order, "unknown")
        await environment.void(order)
        await environment.wait_for_state(order, "voided", seconds=60)

        assert [op for op, _ in await environment.sandbox_log(order)] == ["authorized", "voided"]
        assert ("authorized", order.order_id) not in environment.results


class TestExpiry:
    async def test_expire_payments_ends_old_authorization(self, environment):
        order, recent = await environment.authorized_order(), await environment.authorized_order()
        await environment.fetch(
            "UPDATE payment SET expires_at = expires_at - interval '7 days' WHERE order_id = $1", order.order_id
        )
        async with environment.kit.transaction() as tx:
            tx.store.now += timedelta(minutes=1)
            tx.publish(*await expire_payments(tx.store))

        assert (await environment.payment(order)).state == "expired"
        assert (await environment.payment(recent)).state == "authorized"
        assert environment.results[-1] == ("failed", order.order_id, "the authorization expired")
        assert await environment.event_types(order) == ["PaymentAuthorized", "PaymentFailed"]
        assert await environment.balances(order) == {}


class TestSecrets:
    async def test_token_is_encrypted_and_deleted_after_use(self, environment):
        order = await environment.authorized_order("tok_secret_canary")

        everything = await environment.fetch(
            """SELECT string_agg(t::text, '') FROM (
                SELECT to_jsonb(p)::text AS t FROM payment AS p UNION ALL SELECT to_jsonb(i)::text FROM task AS i
                UNION ALL SELECT convert_from(value, 'UTF8') FROM outbox
                UNION ALL SELECT encode(token_sealed, 'escape') FROM payment_method) AS everything"""
        )
        assert "tok_secret_canary" not in everything[0][0]
        tokens = await environment.fetch("SELECT token_sealed FROM payment WHERE order_id = $1", order.order_id)
        assert tokens == [(None,)]


async def test_books_match_sandbox_after_all_tests(environment):
    assert await environment.failed_checks() == []
    captured = sum(line["amount"] for line in await environment.sandbox_log() if line["op"] == "captured")
    refunded = sum(line["amount"] for line in await environment.sandbox_log() if line["op"] == "refunded")
    assert await environment.fetch("SELECT balance FROM money_balance WHERE account = 'cash:sandbox'") == [
        (captured - refunded,)
    ]
