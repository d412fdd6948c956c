"""The whole way of an order at a shop that is kept here: page, stock, mail, links, and the shop's own program."""

import json
import re
from datetime import timedelta

import httpx
import pytest

from tests.integration.order_dispatch.hosted.company import SECONDS, company, links_in
from tests.support.portal_server import until


@pytest.fixture(scope="module")
async def street(database, kafka_url, tmp_path_factory):
    async with company(database, kafka_url, tmp_path_factory.mktemp("street")) as opened:
        yield opened


def csrf_of(html):
    return re.search(r'name="csrf" value="([^"]+)"', html)[1]


async def test_goods_are_set_aside_the_shop_answers_its_mail_and_the_goods_leave(street):
    shop = await street.open_shop("corner", stock=100)
    customer_id = await street.approve(shop, "by-mail")
    await street.reaches("by-mail", "placing")
    assert await street.stock(shop) == (100, 60, 40)

    mail = await street.mail("corner@example.org", "New order: Coffee pods")
    links = links_in(mail)
    assert sorted(links) == [
        "Accept the order",
        "Decline the order",
        "Mark it as shipped or ready for pickup",
    ]
    assert "Kowalska" not in mail["text"] + mail["html"]
    take = links["Accept the order"]
    assert f'<a href="{take}">' in mail["html"]
    for _ in range(2):  # a scanner follows every link
        looked = await street.http.get(take)
        assert looked.status_code == 200
        assert "Kowalska" not in looked.text
    assert (await street.reaches("by-mail", "placing"))["updates"] == []

    taken = await street.http.post(take)
    assert taken.status_code == 200
    assert "Ana Kowalska" in taken.text
    again = await street.http.post(take)
    assert (again.status_code, "You accepted the order." in again.text) == (200, True)
    await street.http.post(links["Mark it as shipped or ready for pickup"], data={"tracking": "T9"})

    shipped = await street.reaches("by-mail", "shipped")
    assert shipped["tracking"] == "T9"
    assert await until(lambda: is_stock(street, shop, (60, 60, 0)), "the goods are booked out", SECONDS)
    assert await street.mail("ana@example.org", "Ordered: Coffee pods")
    street.clock.step_to(street.clock.now() + timedelta(days=3))
    await street.reaches("by-mail", "delivered")
    assert street.mails("corner@example.org") == ["New order: Coffee pods"]
    notices = await street.http.get(
        f"{street.urls['notification']}/v1/customers/{customer_id}/notices", headers=await street.operator()
    )
    assert {one["kind"]: one["state"] for one in notices.json()["notices"]}["shop_asked"] == "sent"


async def is_stock(street, shop, numbers):
    return await street.stock(shop) == numbers


async def test_a_tampered_link_gets_a_clear_page(street):
    answer = await street.http.get(f"{street.urls['portal']}/answer/abc.def")

    assert answer.status_code == 404
    assert "This link is not one of ours" in answer.text


async def test_more_than_there_is_is_refused_with_what_there_is(street):
    shop = await street.open_shop("small", stock=30)
    await street.approve(shop, "too-much")

    refused = await street.reaches("too-much", "refused")

    assert refused["history"][-1]["because"].startswith("coffee-pods: 40 wanted, 30 available")
    assert await street.stock(shop) == (30, 30, 0)
    assert street.mails("small@example.org") == []


async def test_silence_is_reminded_of_once_and_then_lets_the_goods_go(street):
    shop = await street.open_shop("asleep", stock=40, language="de")
    await street.approve(shop, "silent")
    await street.reaches("silent", "placing")
    first = links_in(await street.mail("asleep@example.org", "Neue Bestellung: Coffee pods"))

    street.clock.step_to(street.clock.now() + timedelta(hours=24))
    await street.mail("asleep@example.org", "Erinnerung: Bestellung von Coffee pods")
    street.clock.step_to(street.clock.now() + timedelta(hours=24))
    await street.reaches("silent", "cancelled")

    late = await street.http.post(first["Bestellung annehmen"])
    assert late.status_code == 409
    assert "The time to answer is over and the order was taken back." in late.text
    assert await until(lambda: is_stock(street, shop, (40, 40, 0)), "the goods are for sale again", SECONDS)
    assert len(street.mails("asleep@example.org")) == 2


async def test_a_shops_own_program_takes_and_sends_what_it_can(street):
    shop = await street.open_shop("busy", stock=1000)
    async with street.polling(shop, "--delivers", "--largest", "3"):
        await street.approve(shop, "polled")
        await street.approve(shop, "too-large", packs=4)
        await street.reaches("polled", "delivered")
        await street.reaches("too-large", "refused")

    said = [json.loads(line) for line in (street.folder / "shop.jsonl").read_text().splitlines()]
    assert [row["op"] for row in said if row["order_id"] == "polled"] == ["acknowledge", "ship", "deliver"]
    assert await until(lambda: is_stock(street, shop, (960, 960, 0)), "only one order left", SECONDS)


async def test_a_shop_joins_and_answers_on_its_page(street):
    portal = street.urls["portal"]
    async with httpx.AsyncClient(base_url=portal, timeout=20) as browser:
        assert "Join" in (await browser.get("/shop")).text
        form = {
            "name": "Page Shop",
            "email": "page@example.org",
            "delivery": "yes",
            "regions": "de, at",
            "minimum": "5",
        }
        joined = await browser.post("/shop/join", data=form)
        assert joined.status_code == 201
        shop_id, key = re.findall("<code>([^<]+)</code>", joined.text)
        page = (await browser.get("/shop")).text
        assert "Customers can order once it is approved" in page
        csrf = csrf_of(page)
        offer = {"product_id": "coffee-pods", "title": "Pods", "quantity": "20", "unit": "pods", "amount": "4,50"}
        done = await browser.post("/shop/offers", data=offer | {"currency": "eur", "available": "yes", "csrf": csrf})
        assert done.status_code == 303, done.text
        done = await browser.post("/shop/stock", data={"product_id": "coffee-pods", "quantity": "50", "csrf": csrf})
        assert done.status_code == 303, done.text
        forged = await browser.post("/shop/stock", data={"product_id": "coffee-pods", "quantity": "9", "csrf": "x"})
        assert forged.status_code == 403
        wrong = await browser.post("/shop/terms", data={"email": "nobody", "delivery": "yes", "csrf": csrf})
        assert wrong.status_code == 409
        url = f"{street.urls['order_dispatch']}/v1/providers/{shop_id}/admission"
        once = {"Idempotency-Key": shop_id}
        await street.http.post(url, json={"admitted": True}, headers=await street.operator() | once)

        shop = {"provider_id": shop_id, "provider_key": key}
        shop["headers"] = await street.shop(shop)
        await street.approve(shop, "on-page")
        await street.reaches("on-page", "placing")
        assert "Kowalska" in (await browser.get("/shop/orders/on-page")).text
        taken = await browser.post("/shop/orders/acknowledge", data={"order_id": "on-page", "csrf": csrf})
        assert taken.status_code == 303
        await street.reaches("on-page", "placed")
        assert await street.stock(shop) == (50, 10, 40)

        await browser.post("/shop/sign-out", data={"csrf": csrf})
        assert "Join" in (await browser.get("/shop")).text
        assert (await browser.post("/shop/sign-in", data=shop | {"provider_key": "no"})).status_code == 409
        back = await browser.post("/shop/sign-in", data={"provider_id": shop_id, "provider_key": key})
        assert back.status_code == 303
        assert "Page Shop" in (await browser.get("/shop")).text


async def test_a_shop_sees_all_of_its_stock_on_its_page(street):
    shop = await street.open_shop("full", stock=40)
    for number in range(51):
        product = f"a-{number}"
        url = f"{street.urls['inventory']}/inventories/{product}/count"
        headers = shop["headers"] | {"Idempotency-Key": product}
        assert (await street.http.post(url, json={"quantity": 1}, headers=headers)).status_code == 201
    key = {"provider_id": shop["provider_id"], "provider_key": shop["provider_key"]}

    async with httpx.AsyncClient(base_url=street.urls["portal"], timeout=20) as browser:
        await browser.post("/shop/sign-in", data=key)
        page = (await browser.get("/shop")).text

    assert "Total stock, in steps (40 available)" in page


async def test_a_new_key_ends_the_old_one(street):
    shop = await street.open_shop("rekeyed", stock=1)
    url = f"{street.urls['portal']}/v1/providers/{shop['provider_id']}/keys"
    assert (await street.http.post(url, headers=shop["headers"])).status_code == 403

    made = await street.http.post(url, headers=await street.operator())

    assert made.status_code == 201
    old = {"provider_id": shop["provider_id"], "provider_key": shop["provider_key"]}
    assert (await street.http.post(f"{street.urls['portal']}/v1/tokens", json=old)).status_code == 401
    assert await street.shop(shop | made.json())


async def test_a_customer_orders_themselves_on_their_page(street):
    operator = await street.operator()
    terms = {"name": "Market", "protocol": "assisted", "lead_time_days": 2}
    terms["account"] = {"cart_url": "https://market.example/add/{product}?n={packs}"}
    url = f"{street.urls['order_dispatch']}/v1/providers/market"
    assert (await street.http.put(url, json=terms, headers=operator)).status_code == 200
    customer_id = await street.approve({"provider_id": "market"}, "own")
    await street.reaches("own", "placing")
    mail = await street.mail("ana@example.org", "Time to order: Coffee pods")
    assert "https://market.example/add/coffee-pods?n=2" in mail["text"]

    link = await street.http.post(f"{street.urls['portal']}/v1/customers/{customer_id}/sign-in-links", headers=operator)
    async with httpx.AsyncClient(base_url=street.urls["portal"], timeout=20, follow_redirects=False) as browser:
        await browser.get(link.json()["url"])

        async def waits():
            page = (await browser.get("/")).text
            return page if "Waiting for you to order" in page else None

        page = await until(waits, "the page asks", SECONDS)
        assert "ordered, expected" not in page
        cart = await browser.get("/page/orders/own/cart")
        assert cart.headers["location"] == "https://market.example/add/coffee-pods?n=2"
        said = await browser.post("/page/orders/said/ordered", data={"order_id": "own", "csrf": csrf_of(page)})
        assert said.headers["location"] == "/?said=done"
        await street.reaches("own", "placed")

        async def may_arrive():
            return "Mark as delivered" in (await browser.get("/")).text

        assert await until(may_arrive, "it may be said to have arrived", SECONDS)
        await browser.post("/page/orders/said/arrived", data={"order_id": "own", "csrf": csrf_of(page)})
    assert (await street.reaches("own", "delivered"))["evidence"] == "reported"
