"""Tests of hosted shops with portal, inventory and notification: page, stock, mail, links, polling program."""

import json
import re
from datetime import timedelta

import httpx
import pytest

from tests.integration.order_dispatch.hosted.environment import SECONDS, environment, links_in
from tests.support.portal_server import until


@pytest.fixture(scope="module")
async def services(database, kafka_url, tmp_path_factory):
    async with environment(database, kafka_url, tmp_path_factory.mktemp("hosted")) as opened:
        yield opened


def csrf_of(html):
    return re.search(r'name="csrf" value="([^"]+)"', html)[1]


async def test_order_is_allocated_answered_by_mail_and_booked_out(services):
    shop = await services.open_shop("corner", stock=100)
    customer_id = await services.approve(shop, "by-mail")
    await services.reaches("by-mail", "placing")
    assert await services.stock(shop) == (100, 60, 40)

    mail = await services.mail("corner@example.org", "New order: Coffee pods")
    links = links_in(mail)
    assert sorted(links) == [
        "Accept the order",
        "Decline the order",
        "Mark it as shipped or ready for pickup",
    ]
    assert "Kowalska" not in mail["text"] + mail["html"]
    accept_url = links["Accept the order"]
    assert f'<a href="{accept_url}">' in mail["html"]
    for _ in range(2):  # a scanner follows every link
        preview = await services.http.get(accept_url)
        assert preview.status_code == 200
        assert "Kowalska" not in preview.text
    assert (await services.reaches("by-mail", "placing"))["updates"] == []

    taken = await services.http.post(accept_url)
    assert taken.status_code == 200
    assert "Ana Kowalska" in taken.text
    again = await services.http.post(accept_url)
    assert (again.status_code, "You accepted the order." in again.text) == (200, True)
    await services.http.post(links["Mark it as shipped or ready for pickup"], data={"tracking": "T9"})

    shipped = await services.reaches("by-mail", "shipped")
    assert shipped["tracking"] == "T9"
    assert await until(lambda: is_stock(services, shop, (60, 60, 0)), "the stock is booked out", SECONDS)
    assert await services.mail("ana@example.org", "Ordered: Coffee pods")
    services.clock.step_to(services.clock.now() + timedelta(days=3))
    await services.reaches("by-mail", "delivered")
    assert services.mails("corner@example.org") == ["New order: Coffee pods"]
    notices = await services.http.get(
        f"{services.urls['notification']}/v1/customers/{customer_id}/notices", headers=await services.operator_headers()
    )
    assert {one["kind"]: one["state"] for one in notices.json()["notices"]}["shop_asked"] == "sent"


async def is_stock(services, shop, numbers):
    return await services.stock(shop) == numbers


async def test_tampered_link_shows_error_page(services):
    answer = await services.http.get(f"{services.urls['portal']}/answer/abc.def")

    assert answer.status_code == 404
    assert "This link is incomplete or not valid" in answer.text


async def test_order_beyond_stock_is_refused_with_available_quantity(services):
    shop = await services.open_shop("small", stock=30)
    await services.approve(shop, "too-much")

    refused = await services.reaches("too-much", "refused")

    assert refused["history"][-1]["because"].startswith("coffee-pods: 40 ordered, 30 available")
    assert await services.stock(shop) == (30, 30, 0)
    assert services.mails("small@example.org") == []


async def test_unanswered_order_is_reminded_once_and_releases_stock(services):
    shop = await services.open_shop("asleep", stock=40, language="de")
    await services.approve(shop, "silent")
    await services.reaches("silent", "placing")
    first = links_in(await services.mail("asleep@example.org", "Neue Bestellung: Coffee pods"))

    services.clock.step_to(services.clock.now() + timedelta(hours=24))
    await services.mail("asleep@example.org", "Erinnerung: Bestellung von Coffee pods")
    services.clock.step_to(services.clock.now() + timedelta(hours=24))
    await services.reaches("silent", "cancelled")

    late = await services.http.post(first["Bestellung annehmen"])
    assert late.status_code == 409
    assert "The time to answer has expired and the order was cancelled." in late.text
    assert await until(lambda: is_stock(services, shop, (40, 40, 0)), "the stock is released", SECONDS)
    assert len(services.mails("asleep@example.org")) == 2


async def test_polling_program_accepts_and_refuses_orders(services):
    shop = await services.open_shop("busy", stock=1000)
    async with services.polling(shop, "--delivers", "--largest", "3"):
        await services.approve(shop, "polled")
        await services.approve(shop, "too-large", packs=4)
        await services.reaches("polled", "delivered")
        await services.reaches("too-large", "refused")

    lines = [json.loads(line) for line in (services.folder / "shop.jsonl").read_text().splitlines()]
    assert [row["op"] for row in lines if row["order_id"] == "polled"] == ["acknowledge", "ship", "deliver"]
    assert await until(lambda: is_stock(services, shop, (960, 960, 0)), "one order is booked out", SECONDS)


async def test_polling_program_ships_two_lines_in_two_parcels(services):
    shop = await services.open_shop("parcels", stock=1000)
    async with services.polling(shop, "--delivers", "--part-shipments"):
        await services.approve(shop, "two-lines", lines=2)
        order = await services.reaches("two-lines", "delivered")

    assert [line["state"] for line in order["lines"]] == ["delivered", "delivered"]
    parcels = {parcel["shipment_id"]: [line["line_id"] for line in parcel["lines"]] for parcel in order["shipments"]}
    assert parcels == {"two-lines-1": ["2"], "two-lines-2": ["1"]}
    assert await until(lambda: is_stock(services, shop, (920, 920, 0)), "each line is booked out once", SECONDS)


async def test_shop_registers_and_answers_on_its_page(services):
    portal = services.urls["portal"]
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
        wrong = await browser.post("/shop/terms", data={"email": "unknown", "delivery": "yes", "csrf": csrf})
        assert wrong.status_code == 409
        url = f"{services.urls['order_dispatch']}/v1/providers/{shop_id}/admission"
        once = {"Idempotency-Key": shop_id}
        await services.http.post(url, json={"admitted": True}, headers=await services.operator_headers() | once)

        shop = {"provider_id": shop_id, "provider_key": key}
        shop["headers"] = await services.shop_headers(shop)
        await services.approve(shop, "on-page")
        await services.reaches("on-page", "placing")
        assert "Kowalska" in (await browser.get("/shop/orders/on-page")).text
        taken = await browser.post("/shop/orders/acknowledge", data={"order_id": "on-page", "csrf": csrf})
        assert taken.status_code == 303
        await services.reaches("on-page", "placed")
        assert await services.stock(shop) == (50, 10, 40)

        await browser.post("/shop/sign-out", data={"csrf": csrf})
        assert "Join" in (await browser.get("/shop")).text
        assert (await browser.post("/shop/sign-in", data=shop | {"provider_key": "no"})).status_code == 409
        back = await browser.post("/shop/sign-in", data={"provider_id": shop_id, "provider_key": key})
        assert back.status_code == 303
        assert "Page Shop" in (await browser.get("/shop")).text


async def test_shop_page_shows_whole_stock(services):
    shop = await services.open_shop("full", stock=40)
    for number in range(51):
        product = f"a-{number}"
        url = f"{services.urls['inventory']}/inventories/{product}/count"
        headers = shop["headers"] | {"Idempotency-Key": product}
        assert (await services.http.post(url, json={"quantity": 1}, headers=headers)).status_code == 201
    key = {"provider_id": shop["provider_id"], "provider_key": shop["provider_key"]}

    async with httpx.AsyncClient(base_url=services.urls["portal"], timeout=20) as browser:
        await browser.post("/shop/sign-in", data=key)
        page = (await browser.get("/shop")).text

    assert "Total stock, in steps (40 available)" in page


async def test_new_key_replaces_old_key(services):
    shop = await services.open_shop("rekeyed", stock=1)
    url = f"{services.urls['portal']}/v1/providers/{shop['provider_id']}/keys"
    assert (await services.http.post(url, headers=shop["headers"])).status_code == 403

    made = await services.http.post(url, headers=await services.operator_headers())

    assert made.status_code == 201
    old = {"provider_id": shop["provider_id"], "provider_key": shop["provider_key"]}
    assert (await services.http.post(f"{services.urls['portal']}/v1/tokens", json=old)).status_code == 401
    assert await services.shop_headers(shop | made.json())


async def test_customer_confirms_order_on_page(services):
    operator = await services.operator_headers()
    terms = {"name": "Market", "protocol": "assisted", "lead_time_days": 2}
    terms["account"] = {"cart_url": "https://market.example/add/{product}?n={packs}"}
    url = f"{services.urls['order_dispatch']}/v1/providers/market"
    assert (await services.http.put(url, json=terms, headers=operator)).status_code == 200
    customer_id = await services.approve({"provider_id": "market"}, "own")
    await services.reaches("own", "placing")
    mail = await services.mail("ana@example.org", "Time to order: Coffee pods")
    assert "https://market.example/add/coffee-pods?n=2" in mail["text"]

    link = await services.http.post(
        f"{services.urls['portal']}/v1/customers/{customer_id}/sign-in-links", headers=operator
    )
    async with httpx.AsyncClient(base_url=services.urls["portal"], timeout=20, follow_redirects=False) as browser:
        await browser.get(link.json()["url"])

        async def waits():
            page = (await browser.get("/")).text
            return page if "Waiting for you to order" in page else None

        page = await until(waits, "the page shows the order", SECONDS)
        assert "ordered, expected" not in page
        cart = await browser.get("/page/orders/own/cart")
        assert cart.headers["location"] == "https://market.example/add/coffee-pods?n=2"
        done = await browser.post("/page/orders/answer/ordered", data={"order_id": "own", "csrf": csrf_of(page)})
        assert done.headers["location"] == "/?said=done"
        await services.reaches("own", "placed")

        async def may_arrive():
            return "Mark as delivered" in (await browser.get("/")).text

        assert await until(may_arrive, "the order can be marked as delivered", SECONDS)
        await browser.post("/page/orders/answer/arrived", data={"order_id": "own", "csrf": csrf_of(page)})
    assert (await services.reaches("own", "delivered"))["evidence"] == "reported"
