"""Orders with stock, payment, changes, fraud, claims, returns, substitutes and test providers."""

import pytest

from replenish_contracts.events import AllocationLine, Shortage, StockAllocated, StockShort
from services.order_dispatch.orders.payment import on_authorized, on_payment_failed
from tests.integration.order_dispatch.payment_log import payment_log
from tests.support import orders as a
from tests.support.portal_server import until

pytestmark = pytest.mark.usefixtures("protocols_of_tests")


@pytest.fixture(scope="module")
def till():
    with payment_log() as opened:
        yield opened


async def drafted(world, name, **terms):
    await world.put_provider(name, **terms)
    order_id = await world.approve(name)
    await world.reaches(order_id, "drafted" if terms.get("cancel_window_hours") else "placing")
    return order_id


async def delivered(world, name, **terms):
    order_id = await drafted(world, name, **terms)
    await world.tell(order_id, "delivered")
    return order_id


async def begun(world, name, **terms):
    """An order whose payment is being authorized."""
    await world.put_provider(name, payment="book", **terms)
    order_id = await world.approve(name)
    await world.reaches(order_id, "authorizing")
    return order_id


async def authorized_order(world, name):
    """An order that its provider is asked for, with its payment authorized."""
    order_id = await begun(world, name)
    await authorized(world, order_id)
    await world.reaches(order_id, "placing")
    return order_id


async def authorized(world, order_id):
    async with world.kit.transaction() as tx:
        tx.publish(*await on_authorized(order_id, tx.store))


async def kinds_on(world, topic):
    return [event["type"] for event in await world.topic(topic)]


def allocated(order_id, quantity=40):
    return StockAllocated(
        owner_id=order_id.rpartition("-")[0],
        order_id=order_id,
        customer_id="ann",
        lines=(AllocationLine(product_id="pods", quantity=quantity),),
        occurred_at=a.NOON,
    )


async def reserving(world, name, **terms):
    await world.put_provider(name, protocol="hosted_here", **terms)
    order_id = await world.approve(name)
    await world.reaches(order_id, "reserving")
    return order_id


class TestStock:
    async def test_stock_is_reserved_before_submission(self, world):
        order_id = await reserving(world, "shelf")
        assert await world.topic("provider-orders-shelf") == []

        await world.publish(allocated(order_id))
        placing = await world.reaches(order_id, "placing")

        (asked,) = await world.facts(order_id, "AllocationRequested")
        assert asked["lines"] == [{"product_id": "pods", "quantity": 40, "line_id": "1"}]
        assert [step["to_state"] for step in placing["history"]] == ["drafted", "reserving", "placing"]
        (request,) = await until(lambda: world.topic("provider-orders-shelf"), "the provider is asked")
        assert request["data"]["ship_to"]["city"] == "Ulm"

    async def test_stock_allocated_twice_submits_once(self, world):
        order_id = await reserving(world, "echoing")
        await world.publish(allocated(order_id))
        await world.publish(allocated(order_id))
        await world.reaches(order_id, "placing")

        await world.publish(allocated(order_id))
        marker = await reserving(world, "marker")
        await world.publish(allocated(marker))
        await world.reaches(marker, "placing")

        assert len(await world.topic("provider-orders-echoing")) == 1

    async def test_stock_short_refuses_with_quantities(self, world):
        order_id = await reserving(world, "empty")
        short = Shortage(product_id="pods", requested=40, available=7, restock_at=a.NOON + a.days(2))
        about = {"owner_id": "empty", "order_id": order_id, "customer_id": "ann", "occurred_at": a.NOON}

        await world.publish(StockShort(**about, shortages=(short,)))
        await world.reaches(order_id, "refused")

        (refused,) = await world.facts(order_id, "OrderRefused")
        assert refused["reason"] == "pods: 40 ordered, 7 available, restock on 2026-03-03"
        assert await world.topic("provider-orders-empty") == []

    async def test_stock_of_cancelled_order_is_not_used(self, world):
        order_id = await reserving(world, "changed")
        assert (await world.cancel(order_id)).status_code == 200

        await world.publish(allocated(order_id))
        marker = await reserving(world, "marker-two")
        await world.publish(allocated(marker))
        await world.reaches(marker, "placing")

        assert (await world.order(order_id))["state"] == "cancelled"


class TestPayment:
    async def test_payment_is_authorized_before_and_captured_at_shipment(self, world, till):
        order_id = await begun(world, "prepaid")
        assert await world.topic("provider-orders-prepaid") == []

        await authorized(world, order_id)
        await world.reaches(order_id, "placing")
        await world.tell(order_id, "accepted")
        assert till.about(order_id) == [("begin", 998)]
        await world.tell(order_id, "shipped", quantity=30)

        assert till.about(order_id) == [("begin", 998), ("capture", 748)]

    async def test_payment_follows_stock_and_is_skipped_on_shortage(self, world, till):
        order_id = await reserving(world, "both", payment="book")
        assert till.about(order_id) == []

        await world.publish(allocated(order_id))
        await world.reaches(order_id, "authorizing")
        await authorized(world, order_id)
        placing = await world.reaches(order_id, "placing")

        assert [step["to_state"] for step in placing["history"]] == [
            *("drafted", "reserving", "authorizing", "placing")
        ]

    async def test_payment_authorized_twice_submits_once(self, world, till):
        order_id = await begun(world, "stutter")

        await authorized(world, order_id)
        await authorized(world, order_id)
        await world.reaches(order_id, "placing")
        await authorized(world, order_id)

        assert till.about(order_id) == [("begin", 998)]
        assert len(await until(lambda: world.topic("provider-orders-stutter"), "the provider is asked")) == 1

    async def test_payment_failed_ends_order_before_submission(self, world, till):
        order_id = await begun(world, "broke")

        async with world.kit.transaction() as tx:
            tx.publish(*await on_payment_failed(order_id, "card declined", tx.store))
        await world.reaches(order_id, "failed")

        (failed,) = await world.facts(order_id, "OrderFailed")
        assert failed["reason"] == "the payment failed: card declined"

    async def test_payment_of_cancelled_order_is_voided(self, world, till):
        order_id = await begun(world, "regret")

        assert (await world.cancel(order_id)).status_code == 200
        await authorized(world, order_id)

        assert till.about(order_id) == [("begin", 998), ("void", 0), ("void", 0)]
        assert (await world.order(order_id))["state"] == "cancelled"

    async def test_payment_expired_before_shipment_requests_cancellation(self, world, till):
        order_id = await begun(world, "lapsed")
        await authorized(world, order_id)
        await world.reaches(order_id, "placing")
        await world.tell(order_id, "accepted")

        async with world.kit.transaction() as tx:
            tx.publish(*await on_payment_failed(order_id, "the reservation ran out", tx.store))
        await world.tell(order_id, "cancelled")

        (cancelled,) = await world.facts(order_id, "OrderCancelled")
        assert (cancelled["by"], cancelled["reason"]) == ("payment", "the payment failed: the reservation ran out")
        assert await kinds_on(world, "provider-orders-lapsed") == ["OrderRequested", "CancelRequested"]

    async def test_payment_failed_after_shipment_is_shown(self, world, till):
        order_id = await begun(world, "gone-wrong")
        await authorized(world, order_id)
        await world.reaches(order_id, "placing")
        await world.tell(order_id, "shipped")

        async with world.kit.transaction() as tx:
            assert await on_payment_failed(order_id, "card blocked", tx.store) == []

        order = await world.order(order_id)
        assert (order["state"], order["payment_problem"]) == ("shipped", "card blocked")

    async def test_payment_service_unknown_is_rejected(self, world, till):
        body = {"name": "X", "protocol": "kafka", "payment": "purse"}
        operator = world.desk.headers("operator")

        answer = await world.http.put("/v1/providers/xx", json=body, headers=operator)

        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_payment")
        assert answer.json()["errors"][0]["problem"] == "there is no payment service purse; known: book"


class TestWindows:
    async def test_cancel_window_of_provider_delays_submission(self, world):
        order_id = await drafted(world, "patient", cancel_window_hours=24)

        world.step(hours=23)
        assert (await world.order(order_id))["state"] == "drafted"
        world.step(hours=1)
        await world.reaches(order_id, "placing")

    async def test_modify_within_window_submits_changed_order(self, world):
        order_id = await drafted(world, "flexible", cancel_window_hours=24, modify_window_hours=12)
        caller = {"role": "customer", "customer_id": "ann"}

        changed = await world.post(f"orders/{order_id}/modify", {"packs": 3}, **caller)
        world.step(hours=12)
        late = await world.post(f"orders/{order_id}/modify", {"packs": 4}, **caller)
        world.step(hours=12)
        await world.reaches(order_id, "placing")

        assert changed.json()["quantity"] == {"quantity": "60", "unit": "C62"}
        assert changed.json()["price"] == {"amount": "14.97", "currency": "USD"}
        assert (late.status_code, late.json()["code"]) == (409, "too_late")
        assert late.json()["detail"].startswith("changes were possible until 2026-")
        (said,) = await world.facts(order_id, "OrderModified")
        (asked,) = await until(lambda: world.topic("provider-orders-flexible"), "the provider is asked")
        assert (said["packs"], asked["data"]["packs"], asked["data"]["quantity"]) == (3, 3, 60)

    @pytest.mark.parametrize("packs", [0, -1, 1.5, None])
    async def test_modify_rejects_invalid_packs(self, world, packs):
        order_id = f"nonsense{packs}".lower().replace(".", "").replace("-", "m") + "-1"
        await world.put_provider(order_id[:-2], cancel_window_hours=24)
        await world.approve(order_id[:-2])
        await world.reaches(order_id, "drafted")

        assert (await world.post(f"orders/{order_id}/modify", {"packs": packs})).status_code == 422

    async def test_modify_is_for_the_customer(self, world):
        order_id = await drafted(world, "private", cancel_window_hours=24)

        strangers = [{"role": "customer", "customer_id": "bob"}, {"role": "provider", "provider_id": "private"}]
        answers = [await world.post(f"orders/{order_id}/modify", {"packs": 3}, **who) for who in strangers]

        assert [answer.status_code for answer in answers] == [404, 403]


class TestFraud:
    async def flag(self, world, order_id, **who):
        return await world.post(f"orders/{order_id}/fraud", {"reason": "stolen card"}, **who)

    async def test_flag_fraud_cancels_and_blocks_pool(self, world):
        order_id = await drafted(world, "crime", cancel_window_hours=24)

        assert (await self.flag(world, order_id)).json()["state"] == "cancelled"
        again = a.approved(order_id="crime-2", pool_id=order_id, provider_id="crime", epoch=2)
        await world.publish(again)
        failed = await world.reaches("crime-2", "failed")
        assert failed["history"][-1]["because"] == f"order {order_id} of this pool is taken for fraud"

        assert (await world.post(f"orders/{order_id}/fraud/clear")).status_code == 200
        await world.publish(a.approved(order_id="crime-3", pool_id=order_id, provider_id="crime", epoch=3))
        await world.reaches("crime-3", "drafted")
        kinds = [event["type"] for event in await world.events(order_id)]
        assert kinds == ["OrderDrafted", "FraudFlagged", "OrderCancelled", "FraudCleared"]

    async def test_flag_fraud_requests_cancellation_of_submitted_order(self, world):
        order_id = await drafted(world, "asked-back")

        flagged = await self.flag(world, order_id)
        await world.tell(order_id, "cancelled")

        assert (flagged.status_code, flagged.json()["cancellation"]["by"]) == (202, "fraud")
        (cancelled,) = await world.facts(order_id, "OrderCancelled")
        assert cancelled["by"] == "fraud"
        kinds = [event["type"] for event in await world.topic("provider-orders-asked-back")]
        assert kinds == ["OrderRequested", "CancelRequested"]

    async def test_flag_fraud_refunds_captured_amount(self, world, till):
        order_id = await authorized_order(world, "thief")
        await world.tell(order_id, "shipped")

        flagged = await self.flag(world, order_id)

        assert (flagged.status_code, flagged.json()["state"]) == (200, "shipped")
        assert flagged.json()["refunded"] == {"amount": "9.98", "currency": "USD"}
        assert till.about(order_id) == [("begin", 998), ("capture", 998), ("refund", 998)]

    @pytest.mark.parametrize("who", [{"role": "customer", "customer_id": "ann"}, {"role": "service"}])
    async def test_flag_fraud_is_for_operators(self, world, who):
        assert (await self.flag(world, "any", **who)).status_code == 403
        assert (await world.post("orders/any/fraud/clear", **who)).status_code == 403


async def drawn(world, name, came):
    order_id = await drafted(world, name)
    await world.tell(order_id, "delivered", quantity=came)
    return order_id


class TestClaims:
    async def test_claims_are_raised_and_listed_to_those_concerned(self, world):
        order_id = await drafted(world, "shorty")
        await world.tell(order_id, "delivered", quantity=35)

        (said,) = await world.facts(order_id, "ClaimRaised")
        assert (said["ordered"], said["received"]) == (40, 35)
        for who in ({"role": "operator"}, {"role": "customer", "customer_id": "ann"}):
            assert order_id in [claim["order_id"] for claim in await self.listed(world, **who)]
        (own,) = await self.listed(world, role="provider", provider_id="shorty")
        assert (own["ordered"], own["received"]) == (
            {"quantity": "40", "unit": "C62"},
            {"quantity": "35", "unit": "C62"},
        )
        assert await self.listed(world, role="customer", customer_id="bob") == []
        assert await self.listed(world, role="provider", provider_id="other") == []

    async def test_claims_are_raised_once_by_customers_count(self, world):
        order_id = await delivered(world, "leaky")
        path, ann = f"orders/{order_id}/received", {"role": "customer", "customer_id": "ann"}

        all_there = await world.post(path, {"quantity": 40}, **ann)
        stranger = await world.post(path, {"quantity": 30}, role="customer", customer_id="bob")
        counted = await world.post(path, {"quantity": "30", "unit": "pods"}, **ann)
        again = await world.post(path, {"quantity": 20}, **ann)
        more = await world.post(path, {"quantity": 41}, **ann)

        assert [answer.status_code for answer in (all_there, stranger, counted)] == [200, 404, 200]
        assert (again.status_code, again.json()["code"]) == (409, "claimed")
        assert (more.status_code, more.json()["code"]) == (409, "not_there")
        (said,) = await world.facts(order_id, "ClaimRaised")
        assert (said["ordered"], said["received"]) == (40, 30)

    async def test_claims_are_lowered_once_by_customers_count(self, world):
        order_id = await drawn(world, "sloppy", 35)
        path, ann = f"orders/{order_id}/received", {"role": "customer", "customer_id": "ann"}

        counted = await world.post(path, {"quantity": 30}, **ann)
        again = await world.post(path, {"quantity": 20}, **ann)

        assert (counted.status_code, counted.json()["counted"]) == (200, {"quantity": "30", "unit": "C62"})
        assert (again.status_code, again.json()["code"]) == (409, "claimed")
        assert [said["received"] for said in await world.facts(order_id, "ClaimRaised")] == [35, 30]
        (own,) = await self.listed(world, role="provider", provider_id="sloppy")
        assert own["received"] == {"quantity": "30", "unit": "C62"}

    async def test_claims_of_count_before_reported_delivery(self, world):
        order_id = await drafted(world, "quiet")
        await world.tell(order_id, "shipped")

        counted = await world.post(f"orders/{order_id}/received", {"quantity": 30})

        assert (counted.json()["state"], counted.json()["evidence"]) == ("delivered", "reported")
        (arrived,) = await world.facts(order_id, "OrderDelivered")
        assert arrived["quantity"] == 30
        assert len(await world.facts(order_id, "ClaimRaised")) == 1

    async def listed(self, world, **who):
        answer = await world.http.get("/v1/claims", headers=world.desk.headers(**who))
        assert answer.status_code == 200, answer.text
        return answer.json()["claims"]


class TestReturn:
    async def return_goods(self, world, order_id, **body):
        caller = {"role": "customer", "customer_id": "ann"}
        return await world.post(f"orders/{order_id}/return", {"quantity": 10, "reason": "stale"} | body, **caller)

    async def test_return_publishes_once(self, world):
        order_id = await delivered(world, "lenient")

        answer = await self.return_goods(world, order_id)
        again = await self.return_goods(world, order_id)

        assert (answer.status_code, answer.json()["state"]) == (200, "returned")
        assert answer.json()["returned"] == {"quantity": "10", "unit": "C62"}
        (said,) = await world.facts(order_id, "OrderReturned")
        assert (said["quantity"], said["reason"], said["by"], said["slot"]) == (10, "stale", "customer", "1")
        assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "not_there", "returned")

    async def test_return_refunds_share(self, world, till):
        order_id = await authorized_order(world, "fair")
        await world.tell(order_id, "delivered")

        answer = await self.return_goods(world, order_id)

        assert answer.json()["refunded"] == {"amount": "2.49", "currency": "USD"}
        assert till.about(order_id)[-1] == ("refund", 249)

    async def test_return_refunds_what_was_captured_for_received_goods(self, world, till):
        order_id = await authorized_order(world, "partly")
        await world.tell(order_id, "shipped")
        await world.tell(order_id, "delivered", quantity=20)
        await world.tell(order_id, "delivered", quantity=20)
        short = (await world.order(order_id))["refunded"]

        answer = await self.return_goods(world, order_id, quantity=20)

        assert short == {"amount": "4.99", "currency": "USD"}
        assert answer.json()["refunded"] == {"amount": "9.98", "currency": "USD"}
        assert till.about(order_id) == [("begin", 998), ("capture", 998), ("refund", 499), ("refund", 499)]

    async def test_return_above_customers_count_is_rejected(self, world):
        order_id = await delivered(world, "vanished")
        await world.post(f"orders/{order_id}/received", {"quantity": 0})

        answer = await self.return_goods(world, order_id, quantity=40)

        assert (answer.status_code, answer.json()["code"]) == (409, "not_there")
        assert answer.json()["left"] == {"quantity": "0", "unit": "C62"}

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"quantity": 41}, 409, "not_there"),
            ({"quantity": 0}, 409, "not_there"),
            ({"quantity": "ten"}, 422, "not_a_number"),
            ({"quantity": 1, "unit": "kg"}, 422, "wrong_dimension"),
        ],
    )
    async def test_return_of_undelivered_goods_is_rejected(self, world, body, status, code):
        name = f"strict{abs(hash(str(body)))}"
        order_id = await delivered(world, name)

        answer = await self.return_goods(world, order_id, **body)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        if status == 409:
            assert answer.json()["left"] == {"quantity": "40", "unit": "C62"}

    async def test_return_of_another_customers_order_is_not_found(self, world):
        order_id = await delivered(world, "foreign")

        answer = await world.post(f"orders/{order_id}/return", {"quantity": 1}, role="customer", customer_id="bob")

        assert answer.status_code == 404


class TestSubstitutesAndPrices:
    async def test_substitute_is_refused_and_cancelled(self, world):
        order_id = await drafted(world, "swapper")

        answer = await world.tell(order_id, "accepted", product_id="beans")

        assert (answer["outcome"], answer["reason"]) == ("refused", "swapper may not send beans instead of pods")
        order = await world.order(order_id)
        assert (order["state"], order["cancellation"]["by"]) == ("placing", "substitution")
        kinds = [event["type"] for event in await world.topic("provider-orders-swapper")]
        assert kinds == ["OrderRequested", "CancelRequested"]

    async def test_substitute_is_accepted_if_allowed(self, world):
        order_id = await drafted(world, "chooser", allows_substitutes=True)

        await world.tell(order_id, "accepted", product_id="beans")

        order = await world.order(order_id)
        assert (order["state"], order["substitute"]) == ("placed", "beans")

    async def test_billed_price_is_shown(self, world):
        order_id = await drafted(world, "drifter")

        await world.tell(order_id, "accepted", price=1099, currency="USD")

        order = await world.order(order_id)
        assert order["price"] == {"amount": "9.98", "currency": "USD"}
        assert order["billed"] == {"amount": "10.99", "currency": "USD"}
        assert order["price_drift"] == {"amount": "1.01", "currency": "USD"}


class TestTestOrder:
    async def test_test_order_passes_all_states_without_money_and_goods(self, world, till):
        await world.put_provider("stage", protocol="hosted_here", payment="book", test=True)
        order_id = await world.approve("stage")
        placing = await world.reaches(order_id, "placing")
        await world.tell(order_id, "shipped", quantity=40)
        await world.tell(order_id, "delivered")

        events = [event for event in await world.events(order_id) if event["type"] != "OrderRequested"]
        assert [event["type"] for event in events] == ["OrderDrafted", "OrderPlaced", "OrderShipped", "OrderDelivered"]
        assert all(event["data"]["test"] for event in events)
        assert [event["data"]["quantity"] for event in events] == [40, 40, 0, 0]
        (asked,) = await until(lambda: world.topic("provider-orders-stage"), "the provider is asked")
        assert asked["data"]["test"] is True
        assert till.about(order_id) == []
        assert placing["test"] is True


class TestProviderTerms:
    async def put(self, world, **terms):
        body = {"name": "T", "protocol": "kafka"} | terms
        return await world.http.put("/v1/providers/terms", json=body, headers=world.desk.headers("operator"))

    async def test_terms_are_stored_and_shown(self, world):
        terms = {
            "url": "https://shop.example/api",
            "account": {"region": "eu"},
            "cancel_window_hours": 1,
            "modify_window_hours": 2,
            "resolution_hours": 48,
            "allows_substitutes": True,
            "test": True,
        }

        shown = (await self.put(world, **terms)).json()

        assert {name: shown[name] for name in terms} == terms
        assert shown["payment"] is None

    async def test_url_and_account_are_for_operators_and_the_provider(self, world):
        await self.put(world, url="https://shop.example/api", account={"region": "eu"})

        async def seen(role, **more):
            answer = await world.http.get("/v1/providers", headers=world.desk.headers(role, **more))
            (one,) = [p for p in answer.json()["providers"] if p["provider_id"] == "terms"]
            return "url" in one

        assert await seen("operator")
        assert await seen("provider", provider_id="terms")
        assert not await seen("provider", provider_id="other")
        assert not await seen("customer", customer_id="ann")

    @pytest.mark.parametrize(
        "url",
        [
            *("ftp://shop.example", "shop.example", "https://", "https://user:pw@shop.example", "file:///etc/passwd"),
            *("https://shop.example/#a", "https://shop.example/?a=b", "https://[::1", "https://shop.example:99999"),
        ],
    )
    async def test_url_that_cannot_be_called_is_rejected(self, world, url):
        answer = await self.put(world, url=url)

        assert (answer.status_code, answer.json()["code"]) == (422, "bad_url")
        assert answer.json()["errors"][0]["field"] == "url"

    @pytest.mark.parametrize(
        "wrong",
        [
            *({"cancel_window_hours": -1}, {"modify_window_hours": "x"}, {"resolution_hours": 0}, {"account": []}),
            *({"resolution_hours": 1e9}, {"test": None}, {"secrets": {"a": "b"}}),
        ],
    )
    async def test_terms_invalid_are_rejected(self, world, wrong):
        assert (await self.put(world, **wrong)).status_code == 422

    async def test_url_is_required_if_protocol_calls(self, world):
        assert (await self.put(world, protocol="courier")).status_code == 200  # it has a line of its own
