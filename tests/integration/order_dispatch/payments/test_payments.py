"""An order's money with the sandbox: what our books say, what its own book says, and who was told."""

from datetime import timedelta

import pytest

from services.order_dispatch.orders.payment import expire_payments
from services.order_dispatch.payments import commands as payments
from tests.support.portal_server import until


class TestTheUsualWay:
    async def test_money_is_reserved_and_the_order_may_go_on(self, world):
        order = await world.authorized()

        assert world.told[-1] == ("authorized", order.order_id)
        assert await world.types(order) == ["PaymentAuthorized"]
        assert await world.balances(order) == {"held:sandbox": 500, f"customer:{order.customer_id}": -500}
        assert await world.book(order) == [("authorized", 500)]

    async def test_goods_that_left_are_paid_for_and_the_rest_is_free(self, world):
        order = await world.authorized()
        await world.capture(order, 300)
        await world.reaches(order, "captured")

        assert await world.types(order) == ["PaymentAuthorized", "PaymentCaptured"]
        assert await world.balances(order) == {"cash:sandbox": 300, "provider:acme": -300}
        assert await world.book(order) == [("authorized", 500), ("captured", 300)]

    async def test_asked_twice_each_step_happens_once(self, world):
        order = await world.order()
        await world.pay(order)
        await world.pay(order)
        await world.reaches(order, "authorized")
        await world.capture(order, 300)
        await world.capture(order, 300)
        await world.reaches(order, "captured")

        assert await world.book(order) == [("authorized", 500), ("captured", 300)]
        assert await world.states(order) == ["authorizing", "authorized", "capturing", "captured"]

    async def test_a_cancelled_order_frees_its_money(self, world):
        order = await world.authorized()
        await world.void(order)
        await world.reaches(order, "voided")

        assert await world.types(order) == ["PaymentAuthorized", "PaymentVoided"]
        assert await world.balances(order) == {}
        assert [op for op, _ in await world.book(order)] == ["authorized", "voided"]

    async def test_an_order_cancelled_before_anybody_was_asked_asks_nobody(self, world):
        order = await world.order()
        await world.pay(order, payments.void)
        await world.reaches(order, "voided")

        assert await world.book(order) == []
        assert ("authorized", order.order_id) not in world.told

    async def test_money_comes_back_in_parts(self, world):
        order = await world.captured()
        await world.refund(order, 200)
        await world.refund(order, 100)

        async def both_came():
            return (await world.payment(order)).refunded == 300

        await until(both_came, "300 came back")
        assert await world.refund(order, 201) != []
        await world.refund(order, 200)
        await world.reaches(order, "refunded")

        refunds = [data for name, data in await world.said(order) if name == "PaymentRefunded"]
        assert [(data["amount"], data["refunded"]) for data in refunds] == [(200, 200), (100, 300), (200, 500)]
        assert await world.balances(order) == {}
        assert [amount for op, amount in await world.book(order) if op == "refunded"] == [200, 100, 200]

    async def test_an_order_without_a_payment_has_no_money_to_move(self, world):
        order = await world.order()

        assert await world.capture(order, 1) == await world.void(order) == await world.refund(order, 1) == []


class TestDeclined:
    async def test_by_the_bank_the_order_is_told_why(self, world):
        order = await world.order("tok_declined")
        await world.pay(order)
        await world.reaches(order, "declined")

        assert world.told[-1] == ("failed", order.order_id, "the card was declined")
        assert await world.types(order) == ["PaymentFailed"]
        assert await world.balances(order) == {}

    @pytest.mark.parametrize(
        ("customer", "says"),
        [
            ({"token": None}, "no payment method"),
            ({"mandate": 499}, "limit of 4.99 USD"),
            ({"currency": "EUR"}, "limit is in USD"),
        ],
    )
    async def test_by_us_where_the_customer_did_not_agree_and_nobody_is_asked(self, world, customer, says):
        order = await world.order(**customer)
        await world.pay(order)
        payment = await world.reaches(order, "declined")

        assert says in payment.reason
        assert await world.book(order) == []

    async def test_at_capture_the_reservation_stays_and_somebody_is_told(self, world):
        order = await world.authorized("tok_capture_declined")
        await world.capture(order, 500)
        await until(lambda: _is_told(world, ("capture failed", order.order_id, "the card was closed")), "it is told")

        assert (await world.payment(order)).state == "authorized"
        assert await world.types(order) == ["PaymentAuthorized", "PaymentFailed"]
        assert await world.balances(order) == {"held:sandbox": 500, f"customer:{order.customer_id}": -500}

    async def test_at_capture_because_the_reservation_had_run_out(self, world):
        order = await world.authorized("tok_expires")
        await world.capture(order, 500)
        await world.reaches(order, "expired")

        assert world.told[-1][:2] == ("capture failed", order.order_id)
        assert await world.balances(order) == {}

    async def test_at_refund_the_money_stays_taken(self, world):
        order = await world.captured("tok_refund_declined")
        await world.refund(order, 100)

        async def failed():
            return (await world.types(order))[-1] == "PaymentFailed"

        await until(failed, "the refund failed")
        assert await world.balances(order) == {"cash:sandbox": 500, "provider:acme": -500}


async def _is_told(world, what):
    return what in world.told


class TestUnknown:
    @pytest.mark.parametrize("token", ["tok_cut", "tok_lost", "tok_slow"])
    async def test_a_call_without_an_answer_is_reconciled_and_happens_once(self, world, token):
        order = await world.captured(token)

        assert await world.book(order) == [("authorized", 500), ("captured", 500)]
        assert await world.states(order) == [
            *("authorizing", "unknown", "authorized"),
            *("capturing", "unknown", "captured"),
        ]
        assert await world.types(order) == ["PaymentAuthorized", "PaymentCaptured"]

    async def test_that_stays_unknown_is_in_sight_until_it_is_known(self, world):
        order = await world.order("tok_dark")
        await world.pay(order)
        lost = await world.reaches(order, "unknown")

        async with world.kit.read() as store:
            (row,) = [row for row in await store.list_unknown_payments(100) if row["order_id"] == order.order_id]
        assert (lost.step, row["step"], row["requested_amount"]) == ("authorize", "authorize", 500)
        assert await world.types(order) == []

        await world.reaches(order, "authorized", seconds=40)
        assert await world.book(order) == [("authorized", 500)]

    async def test_a_wrong_amount_is_believed_by_nobody(self, world):
        order = await world.order("tok_wrong")
        await world.pay(order)
        lost = await world.reaches(order, "unknown")

        assert (lost.authorized, await world.types(order), await world.balances(order)) == (0, [], {})

    @pytest.mark.parametrize("step", ["authorize", "capture", "void", "refund"])
    async def test_a_process_that_died_after_it_asked_asks_what_became_of_it(self, world, step):
        order = await (world.order() if step == "authorize" else world.authorized())
        if step == "refund":
            await world.capture(order, 500)
            await world.reaches(order, "captured")
        command = {"authorize": payments.authorize, "void": payments.void}.get(step) or getattr(payments, step)
        amount = (500,) if step in ("capture", "refund") else ()

        async with world.killed_after_asking(step, order) as tx:
            await command(order, *amount, tx.store)
        world.kit.committed(tx.store)
        ends = {"authorize": "authorized", "capture": "captured", "void": "voided", "refund": "refunded"}
        await world.reaches(order, ends[step])

        assert (await world.states(order))[-2:] == ["unknown", ends[step]]
        assert [op for op, _ in await world.book(order)].count(ends[step]) == 1

    async def test_cancelled_while_unknown_is_first_known_and_then_freed(self, world):
        order = await world.order("tok_dark")
        await world.pay(order)
        await world.reaches(order, "unknown")
        await world.void(order)
        await world.reaches(order, "voided", seconds=60)

        assert [op for op, _ in await world.book(order)] == ["authorized", "voided"]
        assert ("authorized", order.order_id) not in world.told


class TestTime:
    async def test_a_reservation_that_nobody_took_runs_out(self, world):
        order, young = await world.authorized(), await world.authorized()
        await world.rows(
            "UPDATE payment SET expires_at = expires_at - interval '7 days' WHERE order_id = $1", order.order_id
        )
        async with world.kit.transaction() as tx:
            tx.store.now += timedelta(minutes=1)
            tx.publish(*await expire_payments(tx.store))

        assert (await world.payment(order)).state == "expired"
        assert (await world.payment(young)).state == "authorized"
        assert world.told[-1] == ("failed", order.order_id, "the authorization expired")
        assert await world.types(order) == ["PaymentAuthorized", "PaymentFailed"]
        assert await world.balances(order) == {}


class TestSecrets:
    async def test_the_token_is_nowhere_in_the_clear_and_gone_once_it_was_used(self, world):
        order = await world.authorized("tok_secret_canary")

        everything = await world.rows(
            """SELECT string_agg(t::text, '') FROM (
                SELECT to_jsonb(p)::text AS t FROM payment AS p UNION ALL SELECT to_jsonb(i)::text FROM task AS i
                UNION ALL SELECT convert_from(value, 'UTF8') FROM outbox
                UNION ALL SELECT encode(token_sealed, 'escape') FROM payment_method) AS everything"""
        )
        assert "tok_secret_canary" not in everything[0][0]
        left = await world.rows("SELECT token_sealed FROM payment WHERE order_id = $1", order.order_id)
        assert left == [(None,)]


async def test_the_books_balance_after_all_of_that(world):
    assert await world.wrong() == []
    taken = sum(line["amount"] for line in await world.book() if line["op"] == "captured")
    back = sum(line["amount"] for line in await world.book() if line["op"] == "refunded")
    assert await world.rows("SELECT balance FROM money_balance WHERE account = 'cash:sandbox'") == [(taken - back,)]
