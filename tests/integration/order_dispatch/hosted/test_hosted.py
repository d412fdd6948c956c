"""Tests of orders at hosted shops: submission, answers by API and by link, reminders, deadlines."""

import time

import pytest

from services.order_dispatch.answers.answering import Step
from services.order_dispatch.answers.links import AnswerLink, sign_link
from services.order_dispatch.sealing import read_keys
from tests.integration.order_dispatch.hosted.shop_steps import (
    SETTINGS,
    TERMS,
    allocated,
    answer_as_shop,
    click,
    mail_data,
    put_shop,
    submitted_order,
)
from tests.support import orders as a
from tests.support.portal_server import until


@pytest.fixture(scope="module")
def knobs():
    return SETTINGS


class TestFulfilment:
    async def test_order_is_fulfilled_over_the_api(self, world):
        order_id = await submitted_order(world, "corner", days=["wed", "fri"])
        mine = world.desk.headers("provider", provider_id="corner")

        listed = (await world.http.get("/v1/providers/corner/orders", headers=mine)).json()["orders"]
        assert [(order["order_id"], order["packs"]) for order in listed] == [(order_id, 2)]
        assert "customer_id" not in listed[0]
        assert "ship_to" not in listed[0]
        seen = (await world.http.get(f"/v1/providers/corner/orders/{order_id}", headers=mine)).json()
        assert seen["ship_to"]["city"] == "Ulm"

        taken = await answer_as_shop(world, order_id, "acknowledge")
        assert (taken.status_code, taken.json()["state"]) == (200, "placed")
        assert taken.json()["expected_at"].startswith("2026-03-04")  # three days on is a Wednesday
        assert (await answer_as_shop(world, order_id, "ship", tracking="T1", quantity=30)).json()["state"] == "shipped"
        assert (await answer_as_shop(world, order_id, "deliver")).json()["state"] == "delivered"

        delivered = await world.order(order_id)
        assert [step["to_state"] for step in delivered["history"]] == [
            *("drafted", "reserving", "placing", "placed", "shipped", "delivered")
        ]
        assert [update["outcome"] for update in delivered["updates"]] == ["applied"] * 3
        assert delivered["evidence"] == "reported"
        (event,) = await world.facts(order_id, "ShopOrderRequested")
        assert (event["packs"], event["quantity"]) == (2, 40)
        (claim,) = await world.facts(order_id, "ClaimRaised")
        assert (claim["ordered"], claim["received"]) == (40, 30)
        assert (await world.http.get("/v1/providers/corner/orders", headers=mine)).json()["orders"] == []

    @pytest.mark.parametrize("promise", [{"expected_at": "2026-03-06"}, {"expected_date": "2026-03-06"}])
    async def test_shop_promises_a_date(self, world, promise):
        (name,) = promise
        order_id = await submitted_order(world, name.replace("_", "-"))

        taken = await answer_as_shop(world, order_id, "acknowledge", **promise)

        shown = taken.json()
        assert (shown["expected_date"], shown["expected_at"]) == ("2026-03-06", "2026-03-06T23:59:59.999999Z")
        assert (await world.facts(order_id, "OrderPlaced"))[0]["expected_date"] == "2026-03-06"

    @pytest.mark.parametrize("promise", [{"expected_at": "soon"}, {"expected_date": "2026-02-30"}])
    async def test_promise_that_is_no_date_is_refused(self, world, promise):
        order_id = await submitted_order(world, f"vague-{len(next(iter(promise.values())))}")

        assert (await answer_as_shop(world, order_id, "acknowledge", **promise)).status_code == 422

    async def test_order_is_fulfilled_by_links_in_mail(self, world):
        order_id = await submitted_order(world, "mailed")
        first = await mail_data(world, order_id)

        assert first["contact"] == {"email": "shop@example.org", "name": "Mailed", "locale": "en"}
        assert sorted(first["answers"]) == ["acknowledge", "refuse", "ship"]
        preview = await world.http.get(f"/v1/answers/{first['answers']['acknowledge']}")
        assert (preview.status_code, preview.json()["title"], preview.json()["done"]) == (200, "Coffee pods", False)
        assert "Ulm" not in preview.text
        assert (await world.order(order_id))["state"] == "placing"

        taken = await click(world, first["answers"]["acknowledge"])
        assert (taken.json()["state"], taken.json()["ship_to"]["city"]) == ("placed", "Ulm")
        sent = await click(world, first["answers"]["ship"], tracking="T2")
        assert sent.json()["state"] == "shipped"
        assert (await world.order(order_id))["tracking"] == "T2"

    async def test_events_do_not_contain_the_address(self, world):
        order_id = await submitted_order(world, "discreet")

        assert "Ulm" not in str(await world.events(order_id))

    async def test_refusal_has_the_reason_of_the_shop(self, world):
        order_id = await submitted_order(world, "picky")

        assert (await answer_as_shop(world, order_id, "refuse", reason="no van today")).json()["state"] == "refused"

        (refused,) = await world.facts(order_id, "OrderRefused")
        assert refused["reason"] == "no van today"


class TestRepeatedAnswer:
    async def test_repeated_link_changes_nothing(self, world):
        order_id = await submitted_order(world, "eager")
        links = (await mail_data(world, order_id))["answers"]

        first, second = [await click(world, links["acknowledge"]) for _ in range(2)]

        assert (first.status_code, second.status_code) == (200, 200)
        assert second.json()["state"] == "placed"
        assert len((await world.order(order_id))["updates"]) == 1
        assert len(await world.facts(order_id, "OrderPlaced")) == 1

    async def test_same_quantity_is_accepted_and_another_refused(self, world):
        order_id = await submitted_order(world, "wavering")
        await answer_as_shop(world, order_id, "ship", quantity=33)

        same, other, without = [
            await answer_as_shop(world, order_id, "ship", **detail)
            for detail in ({"quantity": 33}, {"quantity": 38}, {})
        ]

        assert [answer.status_code for answer in (same, other, without)] == [200, 409, 200]
        assert other.json()["code"] == "conflicting_answer"
        assert other.json()["detail"] == "The quantity was already reported as 33 C62 and cannot be changed."
        assert same.json()["shipped"] == {"quantity": "33", "unit": "C62"}

    async def test_totals_of_a_line_that_left_in_parts_are_accepted_again(self, world):
        order_id = await submitted_order(world, "piecemeal")
        for total, rest in ((10, 30), (40, 0), (40, 0), (10, 30)):
            line = {"line_id": "1", "quantity": total, "remaining": rest}
            answer = await answer_as_shop(world, order_id, "ship", lines=[line])
            assert (answer.status_code, answer.json()["state"]) == (200, "shipped")

        other = await answer_as_shop(world, order_id, "ship", lines=[{"line_id": "1", "quantity": 20}])
        assert other.json()["code"] == "conflicting_answer"

    async def test_same_quantity_is_accepted_after_customer_counted_less(self, world):
        order_id = await submitted_order(world, "hopeful")
        await answer_as_shop(world, order_id, "ship", quantity=33)
        await world.post(f"orders/{order_id}/received", {"quantity": 30})

        assert (await answer_as_shop(world, order_id, "ship", quantity=33)).status_code == 200
        assert (await answer_as_shop(world, order_id, "deliver", quantity=33)).json()["code"] == "conflicting_answer"

    async def test_acknowledge_after_ship_changes_nothing(self, world):
        order_id = await submitted_order(world, "swift")
        links = (await mail_data(world, order_id))["answers"]
        await click(world, links["ship"])

        again = await click(world, links["acknowledge"])

        assert (again.status_code, again.json()["state"]) == (200, "shipped")

    async def test_refuse_after_ship_is_too_late(self, world):
        order_id = await submitted_order(world, "torn")
        links = (await mail_data(world, order_id))["answers"]
        await click(world, links["ship"])

        late = await click(world, links["refuse"])

        assert (late.status_code, late.json()["code"]) == (409, "too_late")
        assert late.json()["detail"] == "The order has already been sent."


class TestLinks:
    async def test_tampered_link_is_refused(self, world):
        order_id = await submitted_order(world, "guarded")
        token = (await mail_data(world, order_id))["answers"]["acknowledge"]
        payload, signature = token.split(".")
        other = (await mail_data(world, order_id))["answers"]["ship"].split(".")[0]

        for forged in (f"{other}.{signature}", f"{payload}.{signature[:-3]}AAA", f"{payload}.x"):
            assert (await click(world, forged)).json()["code"] == "broken_link"
            assert (await world.http.get(f"/v1/answers/{forged}")).status_code == 404
        assert (await world.order(order_id))["state"] == "placing"

    async def test_expired_link_is_refused(self, world):
        order_id = await submitted_order(world, "stale")
        keys = read_keys(world.kit.settings.sealing_key)
        token = sign_link(keys, AnswerLink(order_id, Step.ACKNOWLEDGE), int(time.time()))

        answer = await click(world, token)

        assert (answer.status_code, answer.json()["code"]) == (410, "expired_link")

    async def test_mail_data_is_for_services_only(self, world):
        order_id = await submitted_order(world, "private")

        for role in ("operator", "customer", "provider"):
            headers = world.desk.headers(role, customer_id="ann", provider_id="private")
            got = await world.http.get(f"/v1/orders/{order_id}/mail-data?responder=shop", headers=headers)
            assert got.status_code == 403

    async def test_order_of_another_shop_is_refused(self, world):
        order_id = await submitted_order(world, "mine")
        stranger = world.desk.headers("provider", provider_id="corner")

        for name in ("mine", "corner"):
            path = f"/v1/providers/{name}/orders/{order_id}"
            assert (await world.http.get(path, headers=stranger)).status_code in (403, 404)
            once = {"Idempotency-Key": name}
            got = await world.http.post(f"{path}/acknowledge", json={}, headers=stranger | once)
            assert got.status_code in (403, 404)
        assert (await world.order(order_id))["state"] == "placing"


class TestTerms:
    async def test_order_below_minimum_is_refused(self, world):
        await put_shop(world, "grand", minimum="25.00", currency="USD")
        order_id = await world.approve("grand")
        await world.reaches(order_id, "refused")

        (refused,) = await world.facts(order_id, "OrderRefused")
        assert refused["reason"] == "Grand has a minimum order of 25.00 USD; this order comes to 9.98"
        assert await world.facts(order_id, "AllocationRequested") == []

    async def test_address_outside_regions_is_refused(self, world):
        await put_shop(world, "local", regions=["DE-10", "AT"])
        order_id = await world.approve("local")
        await world.reaches(order_id, "refused")

        (refused,) = await world.facts(order_id, "OrderRefused")
        assert refused["reason"] == "Local does not deliver to DE-89073, only to DE-10, AT"

    async def test_pick_up_is_possible_from_any_address(self, world):
        order_id = await submitted_order(world, "kiosk", regions=["AT"], pick_up=True)

        assert (await world.order(order_id))["state"] == "placing"

    @pytest.mark.parametrize(
        ("terms", "problem"),
        [
            ({"delivery": False}, "set delivery, pick_up or both"),
            ({"email": "unknown"}, "email"),
            ({"regions": ["Bavaria"]}, "regions.0"),
            ({"minimum": "-1"}, "minimum"),
            ({"days": ["someday"]}, "days.0"),
        ],
    )
    async def test_invalid_terms_are_refused(self, world, terms, problem):
        body = {"name": "Odd", "protocol": "hosted", "account": TERMS | terms}
        put = await world.http.put("/v1/providers/odd", json=body, headers=world.desk.headers("operator"))

        assert (put.status_code, put.json()["code"]) == (422, "bad_account")
        assert problem in put.json()["errors"][0]["problem"]


class TestRegistration:
    async def test_shop_is_inactive_until_admitted(self, world):
        body = {"name": "Mario's Café", "terms": TERMS | {"fee": "3.90"}, "lead_time_days": 2}
        joined = await world.post("shops", body, role="service", service="portal")
        assert joined.status_code == 201, joined.text
        shop_id = joined.json()["provider_id"]
        assert shop_id.startswith("mario-s-caf-")
        assert joined.json()["active"] is False
        mine = world.desk.headers("provider", provider_id=shop_id)

        terms = {"terms": TERMS | {"minimum": "20"}, "lead_time_days": 1}
        put = await world.http.put(f"/v1/providers/{shop_id}/terms", json=terms, headers=mine)
        assert put.json()["account"]["minimum"] == "20"
        assert put.json()["active"] is False
        refused = await world.post(
            f"providers/{shop_id}/admission", {"admitted": True}, role="provider", provider_id=shop_id
        )
        assert refused.status_code == 403
        admitted = await world.post(f"providers/{shop_id}/admission", {"admitted": True})

        assert admitted.json()["active"] is True
        assert admitted.json()["account"]["minimum"] == "20"


class TestDeadline:
    async def test_unanswered_order_is_reminded_and_then_cancelled(self, world):
        order_id = await submitted_order(world, "asleep")
        links = (await mail_data(world, order_id))["answers"]

        world.step(hours=24)
        await _published(world, order_id, "ShopReminded")
        assert (await world.order(order_id))["state"] == "placing"
        world.step(hours=24)
        cancelled = await world.reaches(order_id, "cancelled")

        assert cancelled["cancellation"]["by"] == "deadline"
        assert cancelled["cancellation"]["reason"] == "the shop did not answer within 48 hours"
        assert len(await world.facts(order_id, "ShopReminded")) == 1
        (event,) = await world.facts(order_id, "OrderCancelled")
        assert event["by"] == "deadline"
        for late in (await click(world, links["acknowledge"]), await answer_as_shop(world, order_id, "ship")):
            assert (late.status_code, late.json()["code"]) == (409, "too_late")
            assert "Please do not send anything" in late.json()["detail"]
        preview = (await world.http.get(f"/v1/answers/{links['ship']}")).json()
        assert "was cancelled" in preview["refusal"]
        assert (await world.order(order_id))["state"] == "cancelled"

    async def test_accepted_order_is_reminded_but_not_cancelled(self, world):
        order_id = await submitted_order(world, "sure")
        await answer_as_shop(world, order_id, "acknowledge")

        world.step(hours=96)
        await _published(world, order_id, "ShopReminded")

        assert (await world.order(order_id))["state"] == "placed"


class TestCancellation:
    async def test_cancel_is_immediate_before_acceptance(self, world):
        order_id = await submitted_order(world, "early")

        assert (await world.cancel(order_id)).status_code == 200

        late = await answer_as_shop(world, order_id, "acknowledge")
        assert (late.status_code, late.json()["state"]) == (409, "cancelled")
        assert late.json()["detail"] == "The order is cancelled. Please do not send anything."

    async def test_cancel_after_acceptance_needs_the_shop(self, world):
        order_id = await submitted_order(world, "committed")
        await answer_as_shop(world, order_id, "acknowledge")

        assert (await world.cancel(order_id)).status_code == 202
        (event,) = await world.facts(order_id, "ShopCancelRequested")
        assert event["reason"] == "enough"
        assert (await answer_as_shop(world, order_id, "refuse")).json()["state"] == "cancelled"
        (cancelled,) = await world.facts(order_id, "OrderCancelled")
        assert cancelled["by"] == "customer"


async def test_answer_before_submission_is_not_found(world):
    await put_shop(world, "hasty")
    order_id = await world.approve("hasty")
    await world.reaches(order_id, "reserving")

    assert (await answer_as_shop(world, order_id, "acknowledge")).status_code == 404
    await world.publish(allocated(order_id))
    await world.reaches(order_id, "placing")
    assert (await answer_as_shop(world, order_id, "acknowledge")).status_code == 200


async def test_test_order_needs_no_stock(world):
    await world.put_provider("drill", protocol="hosted", account=TERMS, test=True)
    order_id = await world.approve("drill")
    await world.reaches(order_id, "placing")
    await answer_as_shop(world, order_id, "ship")

    assert await world.facts(order_id, "AllocationRequested") == []
    (shipped,) = await world.facts(order_id, "OrderShipped")
    assert (shipped["test"], shipped["quantity"]) == (True, 0)


async def _published(world, order_id, kind):
    await until(lambda: world.facts(order_id, kind), f"{kind} is published")


def test_noon_is_a_sunday():
    assert a.NOON.strftime("%a") == "Sun"
