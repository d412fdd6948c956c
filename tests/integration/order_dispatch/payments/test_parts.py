"""Tests of payments that are captured in parts, with the sandbox: lost answers, failures, refunds and the books."""

from dataclasses import replace
from datetime import timedelta

import pytest

from libs.kit import Task, TaskResult
from services.order_dispatch.domain.money import MoneyMove, PaymentMove
from services.order_dispatch.orders.decisions import move_money
from services.order_dispatch.orders.payment import expire_payments
from services.order_dispatch.payments import commands as payments
from services.order_dispatch.payments.tasks import complete_step
from tests.support.portal_server import until


async def captures(environment, order):
    """Return amount and more_follows of each PaymentCaptured."""
    events = await environment.events(order)
    return [(data["amount"], data["more_follows"]) for name, data in events if name == "PaymentCaptured"]


class TestParts:
    async def test_parts_are_captured_as_goods_leave(self, environment):
        order = await environment.captured_part(200)
        await environment.capture_part(order, 350)
        await environment.wait_for_captured(order, 350)
        assert await environment.balances(order) == {
            "cash:sandbox": 350,
            "provider:acme": -350,
            "held:sandbox": 150,
            f"customer:{order.customer_id}": -150,
        }

        await environment.capture_part(order, 450, final=True)
        await environment.wait_for_state(order, "captured")

        assert await environment.sandbox_log(order) == [
            *(("authorized", 500), ("captured", 200), ("captured", 150), ("captured", 100))
        ]
        assert await captures(environment, order) == [(200, True), (150, True), (100, False)]
        assert await environment.balances(order) == {"cash:sandbox": 450, "provider:acme": -450}
        assert await environment.failed_checks() == []

    @pytest.mark.parametrize("token", ["tok_cut", "tok_lost", "tok_slow"])
    async def test_lost_answer_of_each_part_is_reconciled_once(self, environment, token):
        order = await environment.authorized_order(token)
        for due_total in (100, 250):
            await environment.capture_part(order, due_total)
            await environment.wait_for_captured(order, due_total)
        await environment.capture_part(order, 400, final=True)
        await environment.wait_for_state(order, "captured")

        assert await environment.sandbox_log(order) == [
            *(("authorized", 500), ("captured", 100), ("captured", 150), ("captured", 150))
        ]
        assert (await environment.states(order)).count("unknown") == 4
        assert await captures(environment, order) == [(100, True), (150, True), (150, False)]

    async def test_parts_requested_at_once_are_captured_with_largest_total(self, environment):
        order = await environment.authorized_order("tok_slow")
        for due_total, final in ((100, False), (250, False), (180, False), (400, True), (400, True)):
            await environment.capture_part(order, due_total, final=final)
        await environment.wait_for_state(order, "captured")

        assert await environment.sandbox_log(order) == [("authorized", 500), ("captured", 100), ("captured", 300)]

    async def test_end_without_further_goods_releases_rest(self, environment):
        order = await environment.captured_part(300)
        await environment.capture_part(order, 300, final=True)
        await environment.wait_for_state(order, "captured")

        assert await environment.sandbox_log(order) == [("authorized", 500), ("captured", 300), ("voided", 200)]
        assert await environment.event_types(order) == ["PaymentAuthorized", "PaymentCaptured", "PaymentVoided"]
        assert await environment.balances(order) == {"cash:sandbox": 300, "provider:acme": -300}

    async def test_part_of_killed_process_is_reconciled(self, environment):
        order = await environment.captured_part(200)
        async with environment.killed_after_call("capture", order) as tx:
            await payments.capture(order, 300, tx.store, final=False)
        environment.kit.committed(tx.store)
        await environment.wait_for_captured(order, 300)

        assert await environment.sandbox_log(order) == [("authorized", 500), ("captured", 200), ("captured", 100)]

    async def test_second_answer_to_part_is_refused(self, environment):
        order = await environment.authorized_order()
        await environment.capture_part(order, 200)
        payment = await environment.wait_for_captured(order, 200)
        task = Task(
            f"{payment.payment_id}-capture-3",
            {"payment_id": payment.payment_id, "obstacle": None, "cause": "customer"},
            2,
        )
        answer = {"status": "captured", "reference": payment.reference, "amount": 200, "currency": "USD"}

        async with environment.kit.transaction() as tx:
            with pytest.raises(LookupError, match="has a result"):
                await complete_step(task, TaskResult(task, answer | {"expires_at": None}), tx.store)

        assert await environment.payment(order) == payment


class TestRefunds:
    async def test_refund_between_parts(self, environment):
        order = await environment.captured_part(300)
        await environment.refund(order, 100)

        async def refunded():
            return (await environment.payment(order)).refunded == 100

        await until(refunded, "100 is refunded")
        await environment.capture_part(order, 450, final=True)
        await environment.wait_for_state(order, "captured")

        assert await environment.sandbox_log(order) == [
            *(("authorized", 500), ("captured", 300), ("refunded", 100), ("captured", 150))
        ]
        assert await environment.balances(order) == {"cash:sandbox": 350, "provider:acme": -350}

    async def test_refund_of_part_in_progress_waits_for_it(self, environment):
        order = await environment.authorized_order("tok_slow")
        await environment.capture_part(order, 300)
        assert await environment.refund(order, 300) == []
        await environment.capture_part(order, 300, final=True)
        await environment.wait_for_state(order, "refunded")

        assert [op for op, _ in await environment.sandbox_log(order)] == [
            *("authorized", "captured", "refunded", "voided")
        ]

    async def test_void_after_part_releases_rest_and_refunds_part(self, environment):
        order = await environment.captured_part(300)
        await environment.void(order)
        await environment.wait_for_state(order, "refunded")

        assert await environment.sandbox_log(order) == [
            *(("authorized", 500), ("captured", 300), ("voided", 200), ("refunded", 300))
        ]
        assert await environment.balances(order) == {}


class TestFailures:
    async def test_declined_part_reports_captured_total(self, environment):
        order = await environment.captured_part(300, "tok_later_capture_declined")
        await environment.capture_part(order, 400)

        async def reported():
            return environment.captured.get(order.order_id) == 300

        await until(reported, "the failure is reported with the captured total")
        payment = await environment.payment(order)
        assert (payment.state, payment.captured, payment.held) == ("authorized", 300, 200)
        assert environment.results[-1] == ("capture failed", order.order_id, "the card was closed")

        await environment.refund(order, 300)

        async def refunded():
            return (await environment.payment(order)).refunded == 300

        await until(refunded, "what was captured can be refunded")

    async def test_declined_part_is_reported_once_if_later_one_includes_it(self, environment):
        order = await environment.authorized_order("tok_capture_declined")
        async with environment.kit.transaction() as tx:
            await tx.store.lock_order(order.order_id)
            tx.publish(*await payments.capture(order, 300, tx.store, final=False))
            tx.publish(*await payments.capture(order, 400, tx.store, final=True))

        async def both_failed():
            return (await environment.event_types(order)).count("PaymentFailed") == 2

        await until(both_failed, "both captures failed")
        failed = [data["amount"] for name, data in await environment.events(order) if name == "PaymentFailed"]
        assert failed == [300, 400]
        reports = [result for result in environment.results if result[1] == order.order_id]
        assert reports[1:] == [("capture failed", order.order_id, "the card was closed")]

    async def test_part_that_expired_at_service_reports_captured_total(self, environment):
        order = await environment.captured_part(300, "tok_expires_later")
        await environment.capture_part(order, 400)
        payment = await environment.wait_for_state(order, "captured")

        assert (payment.captured, payment.released) == (300, 200)
        assert environment.captured[order.order_id] == 300
        assert await environment.balances(order) == {"cash:sandbox": 300, "provider:acme": -300}

    @pytest.mark.parametrize("ended", [True, False])
    async def test_expiry_after_part_is_failure_if_goods_are_to_follow(self, environment, ended):
        order = await environment.captured_part(300)
        if ended:  # as after a declined release
            await environment.fetch("UPDATE payment SET capture_final = true WHERE order_id = $1", order.order_id)
        await environment.fetch(
            "UPDATE payment SET expires_at = expires_at - interval '7 days' WHERE order_id = $1", order.order_id
        )
        async with environment.kit.transaction() as tx:
            tx.store.now += timedelta(minutes=1)
            tx.publish(*await expire_payments(tx.store))

        payment = await environment.payment(order)
        assert (payment.state, payment.captured, payment.released) == ("captured", 300, 200)
        assert environment.captured.get(order.order_id) == (None if ended else 300)
        last_event = (await environment.event_types(order))[-1]
        assert last_event == ("PaymentVoided" if ended else "PaymentFailed")
        await environment.refund(order, 300)
        await environment.wait_for_state(order, "refunded")


async def test_shipment_after_the_expiry_keeps_what_earlier_parts_brought(environment):
    order = await environment.captured_part(300)
    async with environment.kit.transaction() as tx:
        await tx.store.connection.execute(
            "UPDATE payment SET expires_at = expires_at - interval '7 days' WHERE order_id = $1", order.order_id
        )
        await expire_payments(tx.store)
        order = await tx.store.lock_order(order.order_id)
        shipped = order.with_lines([replace(order.lines[0], captured=500, captured_quantity=20)])
        await move_money([PaymentMove(MoneyMove.CAPTURE, 500, final=True)], shipped, tx.store)

        stored = await tx.store.find_order(order.order_id)

    assert (stored.captured, stored.payment_problem) == (*(300, "nothing is authorized: the payment is captured"),)
    assert await environment.failed_checks() == []


async def test_books_match_sandbox_after_all_tests(environment):
    assert await environment.failed_checks() == []
    log = await environment.sandbox_log()
    captured = sum(line["amount"] for line in log if line["op"] == "captured")
    refunded = sum(line["amount"] for line in log if line["op"] == "refunded")
    assert await environment.fetch("SELECT balance FROM money_balance WHERE account = 'cash:sandbox'") == [
        (captured - refunded,)
    ]
