"""Orders that are paid here, with the payment sandbox as a separate process."""

import json

import pytest
from pydantic import SecretStr

from tests.integration.order_dispatch.payments.environment import KEY, sandbox
from tests.support.portal_server import until


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return tmp_path_factory.mktemp("pay") / "book.jsonl"


@pytest.fixture(scope="module")
async def knobs(book):
    async with sandbox(book, "--slow-seconds", "0.8") as url:
        yield {"sandbox_pay_url": url, "sealing_key": SecretStr(KEY.hex()), "payment_seconds": 0.3}


async def pays_with(world, token):
    body = {"service": "sandbox", "token": token, "mandate": {"amount": "50.00", "currency": "USD"}}
    headers = world.desk.headers("customer", customer_id="ann")
    put = await world.http.put("/v1/customers/ann/payment-method", json=body, headers=headers)
    assert put.status_code == 200, put.text


async def ordered(world, name, token="tok_ok", **terms):
    await pays_with(world, token)
    await world.put_provider(name, payment="sandbox", **terms)
    return await world.approve(name)


async def says_at_last(world, order_id, kind):
    async def said():
        return await world.facts(order_id, kind)

    return (await until(said, f"{order_id}: {kind}"))[0]


async def money(world, order_id, book):
    """What the payment service wrote down about an order."""
    payment_id = (await world.facts(order_id, "PaymentAuthorized"))[0]["payment_id"]
    lines = map(json.loads, book.read_text().splitlines())
    return [(line["op"], line.get("amount")) for line in lines if line["payment_id"] == payment_id]


async def kinds(world, order_id):
    events = await world.events(order_id)
    return [event["type"] for event in events if event["type"] != "OrderRequested"]


class TestPaidOrder:
    async def test_paid_order_is_authorized_before_and_captured_at_shipment(self, world, book):
        order_id = await ordered(world, "paid")
        await world.reaches(order_id, "placing")
        await world.tell(order_id, "accepted")
        await world.tell(order_id, "shipped", quantity=30)

        taken = await says_at_last(world, order_id, "PaymentCaptured")

        assert (taken["amount"], taken["currency"]) == (748, "USD")
        assert await money(world, order_id, book) == [("authorized", 998), ("captured", 748)]
        assert await kinds(world, order_id) == [
            *("OrderDrafted", "PaymentAuthorized", "OrderPlaced", "OrderShipped", "PaymentCaptured")
        ]

    async def test_paid_order_refunds_returned_goods(self, world, book):
        order_id = await ordered(world, "returned")
        await world.reaches(order_id, "placing")
        await world.tell(order_id, "delivered")
        await says_at_last(world, order_id, "PaymentCaptured")

        answer = await world.post(f"orders/{order_id}/return", {"quantity": 10})
        back = await says_at_last(world, order_id, "PaymentRefunded")

        assert answer.json()["refunded"] == {"amount": "2.49", "currency": "USD"}
        assert back["amount"] == 249
        assert (await money(world, order_id, book))[-1] == ("refunded", 249)

    async def test_paid_order_refunds_missing_goods(self, world, book):
        order_id = await ordered(world, "leaky")
        await world.reaches(order_id, "placing")
        await world.tell(order_id, "shipped")
        await world.tell(order_id, "delivered", quantity=20)
        await says_at_last(world, order_id, "PaymentRefunded")

        await world.post(f"orders/{order_id}/received", {"quantity": 10})
        flagged = await world.post(f"orders/{order_id}/fraud", {"reason": "stolen card"})
        await world.post(f"orders/{order_id}/fraud/clear")

        async def repaid():
            return (await world.facts(order_id, "PaymentRefunded"))[-1]["refunded"] == 998

        assert await until(repaid, "all is given back")
        assert flagged.json()["refunded"] == {"amount": "9.98", "currency": "USD"}
        lines = await money(world, order_id, book)
        assert lines[:3] == [("authorized", 998), ("captured", 998), ("refunded", 499)]
        assert sum(amount for op, amount in lines if op == "refunded") == 998

    async def test_paid_order_refunds_before_capture_is_complete(self, world, book):
        order_id = await ordered(world, "hasty")
        await world.reaches(order_id, "placing")
        await world.tell(order_id, "delivered")

        await world.post(f"orders/{order_id}/return", {"quantity": 40})
        back = await says_at_last(world, order_id, "PaymentRefunded")

        assert back["amount"] == 998
        assert (await money(world, order_id, book))[1:] == [("captured", 998), ("refunded", 998)]

    async def test_paid_order_fails_if_card_is_declined(self, world):
        order_id = await ordered(world, "declined", "tok_declined")

        failed = await world.reaches(order_id, "failed")

        assert failed["history"][-1]["because"].startswith("the payment failed: ")
        assert "declined" in failed["history"][-1]["because"]
        assert await world.topic("provider-orders-declined") == []
        assert (await kinds(world, order_id))[-2:] == ["PaymentFailed", "OrderFailed"]

    @pytest.mark.parametrize(
        ("token", "fault", "because"),
        [
            ("tok_confirm", "payment", "the payment failed: the bank requires the customer's confirmation"),
            (
                "tok_misconfigured",
                "billing",
                "the payment could not be processed: the account does not charge in this currency",
            ),
            ("tok_unavailable", "billing", "the payment could not be processed: the bank was not available"),
        ],
    )
    async def test_paid_order_fails_by_who_can_put_it_right(self, world, token, fault, because):
        order_id = await ordered(world, token.replace("_", "-"), token)

        failed = await world.reaches(order_id, "failed")

        assert failed["history"][-1]["because"] == because
        (event,) = await world.facts(order_id, "OrderFailed")
        assert (event["fault"], event["reason"]) == (fault, because)

    @pytest.mark.parametrize("ends", ["refused", "cancelled"])
    async def test_paid_order_voids_if_no_goods_ship(self, world, book, ends):
        order_id = await ordered(world, f"{ends}-paid")
        await world.reaches(order_id, "placing")

        await world.tell(order_id, ends)
        await says_at_last(world, order_id, "PaymentVoided")

        assert await money(world, order_id, book) == [("authorized", 998), ("voided", 998)]

    async def test_paid_order_cancelled_during_authorization_is_voided(self, world, book):
        order_id = await ordered(world, "second-thoughts", "tok_slow")
        await world.reaches(order_id, "authorizing")

        cancelled = await world.cancel(order_id)
        await says_at_last(world, order_id, "PaymentVoided")

        assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
        assert await world.topic("provider-orders-second-thoughts") == []
        assert (await world.order(order_id))["state"] == "cancelled"

    async def test_paid_order_with_lost_authorization_response_is_placed_once(self, world, book):
        order_id = await ordered(world, "cut-off", "tok_cut")

        await world.reaches(order_id, "placing")

        assert await money(world, order_id, book) == [("authorized", 998)]
        assert len(await until(lambda: world.topic("provider-orders-cut-off"), "the provider is asked")) == 1

    async def test_paid_order_shows_failed_capture(self, world):
        order_id = await ordered(world, "closed-card", "tok_capture_declined")
        await world.reaches(order_id, "placing")

        await world.tell(order_id, "shipped")

        async def trouble():
            return (await world.order(order_id))["payment_problem"]

        assert "the card was closed" in await until(trouble, "the trouble is in sight")
        assert (await world.order(order_id))["state"] == "shipped"
        await world.post(f"orders/{order_id}/received", {"quantity": 0})
        assert (await world.order(order_id))["refunded"] is None

    async def test_paid_order_is_cancelled_when_authorization_expires(self, world):
        order_id = await ordered(world, "slowpoke")
        await world.reaches(order_id, "placing")
        await world.tell(order_id, "accepted", expected_at="2026-04-20T12:00:00Z")

        world.step(days=8)

        async def asked():
            return [event["type"] for event in await world.topic("provider-orders-slowpoke")][1:]

        assert (await until(asked, "the provider is asked"))[0] == "CancelRequested"
        assert (await world.order(order_id))["cancellation"]["by"] == "billing"
