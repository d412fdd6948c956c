"""Orders at shops that are kept here: told, answered by API or link, reminded, withdrawn."""

import time

import pytest

from services.order_dispatch.answers.answering import Step
from services.order_dispatch.answers.links import AnswerLink, sign_link
from services.order_dispatch.sealing import read_keys
from tests.integration.order_dispatch.hosted.street import (
    KNOBS,
    TERMS,
    allocated,
    asked,
    click,
    letter,
    says,
    shop,
)
from tests.support import orders as a
from tests.support.portal_server import until


@pytest.fixture(scope="module")
def knobs():
    return KNOBS


class TestTheWholeWay:
    async def test_from_stock_to_the_door_over_the_api(self, world):
        order_id = await asked(world, "corner", days=["wed", "fri"])
        mine = world.desk.headers("provider", provider_id="corner")

        listed = (await world.http.get("/v1/providers/corner/orders", headers=mine)).json()["orders"]
        assert [(order["order_id"], order["packs"]) for order in listed] == [(order_id, 2)]
        assert "customer_id" not in listed[0]
        assert "ship_to" not in listed[0]
        seen = (await world.http.get(f"/v1/providers/corner/orders/{order_id}", headers=mine)).json()
        assert seen["ship_to"]["city"] == "Ulm"

        taken = await says(world, order_id, "acknowledge")
        assert (taken.status_code, taken.json()["state"]) == (200, "placed")
        assert taken.json()["expected_at"].startswith("2026-03-04")  # three days on is a Wednesday
        assert (await says(world, order_id, "ship", tracking="T1", quantity=30)).json()["state"] == "shipped"
        assert (await says(world, order_id, "deliver")).json()["state"] == "delivered"

        delivered = await world.order(order_id)
        assert [step["to_state"] for step in delivered["history"]] == [
            *("drafted", "reserving", "placing", "placed", "shipped", "delivered")
        ]
        assert [update["outcome"] for update in delivered["updates"]] == ["applied"] * 3
        assert delivered["evidence"] == "reported"
        (told,) = await world.facts(order_id, "ShopOrderRequested")
        assert (told["packs"], told["quantity"]) == (2, 40)
        (claim,) = await world.facts(order_id, "ClaimRaised")
        assert (claim["ordered"], claim["received"]) == (40, 30)
        assert (await world.http.get("/v1/providers/corner/orders", headers=mine)).json()["orders"] == []

    async def test_by_links_in_a_mail(self, world):
        order_id = await asked(world, "mailed")
        first = await letter(world, order_id)

        assert first["contact"] == {"email": "shop@example.org", "name": "Mailed", "locale": "en"}
        assert sorted(first["answers"]) == ["acknowledge", "refuse", "ship"]
        looked = await world.http.get(f"/v1/answers/{first['answers']['acknowledge']}")
        assert (looked.status_code, looked.json()["title"], looked.json()["done"]) == (200, "Coffee pods", False)
        assert "Ulm" not in looked.text
        assert (await world.order(order_id))["state"] == "placing"

        taken = await click(world, first["answers"]["acknowledge"])
        assert (taken.json()["state"], taken.json()["ship_to"]["city"]) == ("placed", "Ulm")
        sent = await click(world, first["answers"]["ship"], tracking="T2")
        assert sent.json()["state"] == "shipped"
        assert (await world.order(order_id))["tracking"] == "T2"

    async def test_no_address_leaves_with_what_is_said(self, world):
        order_id = await asked(world, "discreet")

        assert "Ulm" not in str(await world.events(order_id))

    async def test_is_refused_with_the_shops_reason(self, world):
        order_id = await asked(world, "picky")

        assert (await says(world, order_id, "refuse", reason="no van today")).json()["state"] == "refused"

        (refused,) = await world.facts(order_id, "OrderRefused")
        assert refused["reason"] == "no van today"


class TestTwice:
    async def test_a_second_click_changes_nothing(self, world):
        order_id = await asked(world, "eager")
        links = (await letter(world, order_id))["answers"]

        first, second = [await click(world, links["acknowledge"]) for _ in range(2)]

        assert (first.status_code, second.status_code) == (200, 200)
        assert second.json()["state"] == "placed"
        assert len((await world.order(order_id))["updates"]) == 1
        assert len(await world.facts(order_id, "OrderPlaced")) == 1

    async def test_the_same_quantity_is_harmless_and_another_is_told_which_stands(self, world):
        order_id = await asked(world, "wavering")
        await says(world, order_id, "ship", quantity=33)

        same, other, silent = [
            await says(world, order_id, "ship", **said) for said in ({"quantity": 33}, {"quantity": 38}, {})
        ]

        assert [answer.status_code for answer in (same, other, silent)] == [200, 409, 200]
        assert other.json()["code"] == "said_otherwise"
        assert other.json()["detail"] == "33 C62 was said before, and that stands."
        assert same.json()["shipped"] == {"quantity": "33", "unit": "C62"}

    async def test_the_same_quantity_is_harmless_after_the_customer_counted_less(self, world):
        order_id = await asked(world, "hopeful")
        await says(world, order_id, "ship", quantity=33)
        await world.post(f"orders/{order_id}/received", {"quantity": 30})

        assert (await says(world, order_id, "ship", quantity=33)).status_code == 200
        assert (await says(world, order_id, "deliver", quantity=33)).json()["code"] == "said_otherwise"

    async def test_an_acknowledgement_of_what_was_sent_is_harmless(self, world):
        order_id = await asked(world, "swift")
        links = (await letter(world, order_id))["answers"]
        await click(world, links["ship"])

        again = await click(world, links["acknowledge"])

        assert (again.status_code, again.json()["state"]) == (200, "shipped")

    async def test_goods_that_left_are_not_refused(self, world):
        order_id = await asked(world, "torn")
        links = (await letter(world, order_id))["answers"]
        await click(world, links["ship"])

        late = await click(world, links["refuse"])

        assert (late.status_code, late.json()["code"]) == (409, "too_late")
        assert late.json()["detail"] == "The order has been sent already."


class TestLinks:
    async def test_of_other_hands_do_nothing(self, world):
        order_id = await asked(world, "guarded")
        word = (await letter(world, order_id))["answers"]["acknowledge"]
        said, signature = word.split(".")
        other = (await letter(world, order_id))["answers"]["ship"].split(".")[0]

        for forged in (f"{other}.{signature}", f"{said}.{signature[:-3]}AAA", f"{said}.x"):
            assert (await click(world, forged)).json()["code"] == "broken_link"
            assert (await world.http.get(f"/v1/answers/{forged}")).status_code == 404
        assert (await world.order(order_id))["state"] == "placing"

    async def test_end(self, world):
        order_id = await asked(world, "stale")
        keys = read_keys(world.kit.settings.sealing_key)
        word = sign_link(keys, AnswerLink(order_id, Step.ACKNOWLEDGE), int(time.time()))

        answer = await click(world, word)

        assert (answer.status_code, answer.json()["code"]) == (410, "expired_link")

    async def test_are_for_the_mailer_only(self, world):
        order_id = await asked(world, "private")

        for role in ("operator", "customer", "provider"):
            headers = world.desk.headers(role, customer_id="ann", provider_id="private")
            got = await world.http.get(f"/v1/orders/{order_id}/letter?responder=shop", headers=headers)
            assert got.status_code == 403

    async def test_of_a_shop_are_its_own(self, world):
        order_id = await asked(world, "mine")
        stranger = world.desk.headers("provider", provider_id="corner")

        for name in ("mine", "corner"):
            path = f"/v1/providers/{name}/orders/{order_id}"
            assert (await world.http.get(path, headers=stranger)).status_code in (403, 404)
            once = {"Idempotency-Key": name}
            got = await world.http.post(f"{path}/acknowledge", json={}, headers=stranger | once)
            assert got.status_code in (403, 404)
        assert (await world.order(order_id))["state"] == "placing"


class TestTerms:
    async def test_rule_out_a_small_order_by_name(self, world):
        await shop(world, "grand", minimum="25.00", currency="USD")
        order_id = await world.approve("grand")
        await world.reaches(order_id, "refused")

        (refused,) = await world.facts(order_id, "OrderRefused")
        assert refused["reason"] == "Grand delivers from 25.00 USD, and this order is 9.98"
        assert await world.facts(order_id, "AllocationRequested") == []

    async def test_rule_out_a_place_by_name(self, world):
        await shop(world, "local", regions=["DE-10", "AT"])
        order_id = await world.approve("local")
        await world.reaches(order_id, "refused")

        (refused,) = await world.facts(order_id, "OrderRefused")
        assert refused["reason"] == "Local does not deliver to DE-89073, only to DE-10, AT"

    async def test_let_a_customer_pick_up_from_anywhere(self, world):
        order_id = await asked(world, "kiosk", regions=["AT"], pick_up=True)

        assert (await world.order(order_id))["state"] == "placing"

    @pytest.mark.parametrize(
        ("terms", "problem"),
        [
            ({"delivery": False}, "set delivery, pick_up or both"),
            ({"email": "nobody"}, "email"),
            ({"regions": ["Bavaria"]}, "regions.0"),
            ({"minimum": "-1"}, "minimum"),
            ({"days": ["someday"]}, "days.0"),
        ],
    )
    async def test_that_make_no_sense_are_not_taken(self, world, terms, problem):
        body = {"name": "Odd", "protocol": "hosted", "account": TERMS | terms}
        put = await world.http.put("/v1/providers/odd", json=body, headers=world.desk.headers("operator"))

        assert (put.status_code, put.json()["code"]) == (422, "bad_account")
        assert problem in put.json()["errors"][0]["problem"]


class TestJoining:
    async def test_a_shop_is_ordered_from_once_it_is_admitted(self, world):
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


class TestSilence:
    async def test_is_answered_by_a_reminder_and_then_by_taking_the_order_back(self, world):
        order_id = await asked(world, "asleep")
        links = (await letter(world, order_id))["answers"]

        world.step(hours=24)
        await _said(world, order_id, "ShopReminded")
        assert (await world.order(order_id))["state"] == "placing"
        world.step(hours=24)
        cancelled = await world.reaches(order_id, "cancelled")

        assert cancelled["cancellation"]["by"] == "deadline"
        assert cancelled["cancellation"]["reason"] == "the shop did not answer within 48 hours"
        assert len(await world.facts(order_id, "ShopReminded")) == 1
        (said,) = await world.facts(order_id, "OrderCancelled")
        assert said["by"] == "deadline"
        for late in (await click(world, links["acknowledge"]), await says(world, order_id, "ship")):
            assert (late.status_code, late.json()["code"]) == (409, "too_late")
            assert "Please do not send anything" in late.json()["detail"]
        looked = (await world.http.get(f"/v1/answers/{links['ship']}")).json()
        assert "taken back" in looked["why_not"]
        assert (await world.order(order_id))["state"] == "cancelled"

    async def test_after_a_yes_is_another_matter(self, world):
        order_id = await asked(world, "sure")
        await says(world, order_id, "acknowledge")

        world.step(hours=96)
        await _said(world, order_id, "ShopReminded")

        assert (await world.order(order_id))["state"] == "placed"


class TestCancelling:
    async def test_is_at_once_before_the_shop_has_said_yes(self, world):
        order_id = await asked(world, "early")

        assert (await world.cancel(order_id)).status_code == 200

        late = await says(world, order_id, "acknowledge")
        assert (late.status_code, late.json()["state"]) == (409, "cancelled")
        assert late.json()["detail"] == "The order is cancelled. Please do not send anything."

    async def test_is_asked_of_a_shop_that_took_the_order(self, world):
        order_id = await asked(world, "committed")
        await says(world, order_id, "acknowledge")

        assert (await world.cancel(order_id)).status_code == 202
        (told,) = await world.facts(order_id, "ShopCancelRequested")
        assert told["reason"] == "enough"
        assert (await says(world, order_id, "refuse")).json()["state"] == "cancelled"
        (cancelled,) = await world.facts(order_id, "OrderCancelled")
        assert cancelled["by"] == "customer"


async def test_a_shop_that_was_not_asked_yet_finds_nothing_to_answer(world):
    await shop(world, "hasty")
    order_id = await world.approve("hasty")
    await world.reaches(order_id, "reserving")

    assert (await says(world, order_id, "acknowledge")).status_code == 404
    await world.publish(allocated(order_id))
    await world.reaches(order_id, "placing")
    assert (await says(world, order_id, "acknowledge")).status_code == 200


async def test_a_rehearsal_goes_the_whole_way_without_stock(world):
    await world.put_provider("drill", protocol="hosted", account=TERMS, test=True)
    order_id = await world.approve("drill")
    await world.reaches(order_id, "placing")
    await says(world, order_id, "ship")

    assert await world.facts(order_id, "AllocationRequested") == []
    (shipped,) = await world.facts(order_id, "OrderShipped")
    assert (shipped["test"], shipped["quantity"]) == (True, 0)


async def _said(world, order_id, kind):

    await until(lambda: world.facts(order_id, kind), f"{kind} is said")


def test_noon_is_a_sunday():
    assert a.NOON.strftime("%a") == "Sun"
