"""Tests of orders that customers place at the shop themselves: nothing is on order until they confirm."""

import pytest

from tests.integration.order_dispatch.hosted.shop_steps import SETTINGS, click, event_types, mail_data
from tests.support import orders as a
from tests.support.portal_server import until

ACCOUNT = {"cart_url": "https://shop.example/add?sku={product}&n={packs}", "products": {"pods": "Käffchen & Co"}}


@pytest.fixture(scope="module")
def knobs():
    return SETTINGS


async def prepared(world, name, account=ACCOUNT):
    await world.put_provider(name, protocol="assisted", account=account)
    order_id = await world.approve(name)
    await world.reaches(order_id, "placing")
    return order_id


async def answer_as_customer(world, order_id, answer, customer="ann"):
    return await world.post(f"orders/{order_id}/answer", {"answer": answer}, role="customer", customer_id=customer)


async def test_cart_is_prepared_and_nothing_is_on_order(world):
    order_id = await prepared(world, "market")

    data = await mail_data(world, order_id, "customer")

    assert data["cart_url"] == "https://shop.example/add?sku=K%C3%A4ffchen%20%26%20Co&n=2"
    assert sorted(data["answers"]) == ["no", "not_yet", "ordered"]
    assert (data["title"], data["packs"], data["contact"]) == ("Coffee pods", 2, None)
    assert await event_types(world, order_id) == ["CartPrepared", "OrderDrafted"]


async def test_shop_without_cart_url_has_a_list(world):
    order_id = await prepared(world, "stall", account={})

    cart = await world.http.get(
        f"/v1/orders/{order_id}/cart", headers=world.desk.headers("customer", customer_id="ann")
    )

    assert (cart.json()["cart_url"], cart.json()["title"], cart.json()["packs"]) == (None, "Coffee pods", 2)


async def test_ordered_places_order_and_lead_time_delivers_it(world):
    order_id = await prepared(world, "grocer")
    links = (await mail_data(world, order_id, "customer"))["answers"]

    placed = [await click(world, links["ordered"]) for _ in range(2)]
    assert [(one.status_code, one.json()["state"]) for one in placed] == [(200, "placed")] * 2
    assert len(await world.facts(order_id, "OrderPlaced")) == 1
    world.step(days=3)
    delivered = await world.reaches(order_id, "delivered")

    assert delivered["evidence"] == "estimated"
    assert [step["to_state"] for step in delivered["history"]] == [
        *("drafted", "placing", "placed", "shipped", "delivered")
    ]
    (arrived,) = await world.facts(order_id, "OrderDelivered")
    assert arrived["quantity"] == 40


async def test_arrived_delivers_order_that_was_not_confirmed(world):
    order_id = await prepared(world, "baker")

    assert (await answer_as_customer(world, order_id, "arrived")).json()["state"] == "delivered"

    assert (await world.order(order_id))["evidence"] == "reported"


async def test_no_cancels_order_by_customer(world):
    order_id = await prepared(world, "butcher")

    assert [(await answer_as_customer(world, order_id, "no")).json()["state"] for _ in range(2)] == ["cancelled"] * 2

    (cancelled,) = await world.facts(order_id, "OrderCancelled")
    assert cancelled["by"] == "customer"
    late = await answer_as_customer(world, order_id, "ordered")
    assert (late.status_code, late.json()["code"]) == (409, "too_late")


async def test_no_cancels_confirmed_order(world):
    order_id = await prepared(world, "florist")
    await answer_as_customer(world, order_id, "ordered")

    assert (await answer_as_customer(world, order_id, "no")).json()["state"] == "cancelled"


async def test_unanswered_order_is_reminded_and_expires(world):
    order_id = await prepared(world, "forgotten")
    links = (await mail_data(world, order_id, "customer"))["answers"]

    world.step(hours=24)
    await until(lambda: world.facts(order_id, "CartReminded"), "the customer is reminded")
    world.step(hours=24)
    await world.reaches(order_id, "cancelled")

    (cancelled,) = await world.facts(order_id, "OrderCancelled")
    assert cancelled["by"] == "expired"
    assert await event_types(world, order_id) == ["CartPrepared", "CartReminded", "OrderCancelled", "OrderDrafted"]
    assert (await click(world, links["ordered"])).status_code == 409


async def test_not_yet_restarts_deadline(world):
    order_id = await prepared(world, "later")
    world.step(hours=24)
    await until(lambda: world.facts(order_id, "CartReminded"), "the customer is reminded")

    assert (await answer_as_customer(world, order_id, "not_yet")).json()["state"] == "placing"
    world.step(hours=24)
    marker = await prepared(world, "marker")
    assert (await world.order(order_id))["state"] == "placing"
    world.step(hours=24)
    await world.reaches(order_id, "cancelled")

    assert len(await world.facts(order_id, "CartReminded")) == 1
    await answer_as_customer(world, marker, "no")


async def test_answer_of_another_customer_or_shop_is_refused(world):
    order_id = await prepared(world, "secret")

    assert (await answer_as_customer(world, order_id, "ordered", "bob")).status_code == 404
    path = f"providers/secret/orders/{order_id}/ship"
    as_shop = await world.post(path, {}, role="provider", provider_id="secret")
    assert as_shop.status_code == 404
    assert (await world.order(order_id))["state"] == "placing"


@pytest.mark.parametrize(
    "cart_url",
    [
        "http://shop.example/{product}",
        "https://{product}.example/",
        "https://shop.example/{product.__class__}",
        "https://shop.example/{product!r}",
        "https://shop.example/cart",
        "https://shop.example/ü/{product}",
        "https://shop.example/{product}{email}",
        'https://shop.example/{product}"',
    ],
)
async def test_invalid_cart_url_is_refused(world, cart_url):
    body = {"name": "Odd", "protocol": "assisted", "account": {"cart_url": cart_url}}
    put = await world.http.put("/v1/providers/odd", json=body, headers=world.desk.headers("operator"))

    assert (put.status_code, put.json()["code"]) == (422, "bad_account")


def test_default_order_has_two_packs():
    assert a.approved().packs == 2
