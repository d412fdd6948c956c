"""The customer's page over HTTP: sign-in, content, commands and live updates."""

import asyncio
import html
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from deploy.local.waiting import until
from replenish_contracts.events import LinkEnded, OrderModified, ProviderSubscriptionChanged, SubscribedItem
from services.portal.api.live import live_updates_of
from tests.integration.portal import builders as a
from tests.integration.portal.event_publisher import open_publisher
from tests.integration.portal.fake_services import fake_services
from tests.support import routes as doors

SOON_S = 20


@pytest.fixture(scope="module")
async def others():
    async with fake_services() as said:
        yield said


@pytest.fixture(scope="module")
async def portal(kafka_url, database, others):
    async with doors.portal(kafka_url, database, live_levels_seconds=0.2, **others.urls) as door:
        yield door


@pytest.fixture(scope="module")
async def publisher(kafka_url, portal):
    async with open_publisher(kafka_url) as told:
        yield told


@asynccontextmanager
async def signed_in(portal, customer_id):
    """Signed-in browser without scripts."""
    link = await portal.http.post(f"/v1/customers/{customer_id}/sign-in-links", headers=await portal.operator())
    async with httpx.AsyncClient(base_url=portal.url, timeout=20) as browser:
        assert (await browser.get(link.json()["url"])).status_code == 303
        yield browser


def csrf_of(page):
    return re.search(r'name="csrf" value="([^"]+)"', page)[1]


def flash_of(page):
    return re.search(r'<p class="flash [a-z]+" role="status">(.*)</p>', page)[1]


async def shows(browser, *words):
    """Wait until the page contains all words and return it."""
    page = ""

    async def has_all():
        nonlocal page
        page = (await browser.get("/")).text
        return all(word in page for word in words)

    await until(has_all, f"the page shows {words}", within_s=SOON_S)
    return page


class TestSigningIn:
    async def test_a_link_works_once(self, portal):
        customer_id = await portal.join()
        link = await portal.http.post(f"/v1/customers/{customer_id}/sign-in-links", headers=await portal.operator())

        first, second = await portal.http.get(link.json()["url"]), await portal.http.get(link.json()["url"])

        assert (first.status_code, first.headers["location"]) == (303, "/")
        cookie = first.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/"))
        assert second.status_code == 410
        assert "set-cookie" not in second.headers
        portal.http.cookies.clear()

    async def test_cookies_are_for_https_only_where_the_portal_is(self, portal):
        with doors.changed(portal.kit, public_url="https://home.example"):
            path = f"/v1/customers/{await portal.join()}/sign-in-links"
            link = (await portal.http.post(path, headers=await portal.operator())).json()["url"]

            answer = await portal.http.get(link.removeprefix("https://home.example"))

        assert link.startswith("https://home.example/sign-in?token=")
        assert answer.headers["set-cookie"].startswith("__Host-replenish=")
        assert "; Secure" in answer.headers["set-cookie"]
        portal.http.cookies.clear()

    async def test_unknown_cookie_shows_welcome_page(self, portal):
        answer = await portal.http.get("/", headers={"Cookie": "replenish=made-up"})

        assert answer.status_code == 200
        assert "How to sign in" in answer.text

    async def test_signing_out_ends_the_session(self, portal):
        async with signed_in(portal, await portal.join()) as browser:
            page = (await browser.get("/")).text
            cookie = browser.cookies["replenish"]

            answer = await browser.post("/page/sign-out", data={"csrf": csrf_of(page)})

        assert answer.status_code == 303
        assert "How to sign in" in (await portal.http.get("/", headers={"Cookie": f"replenish={cookie}"})).text

    @pytest.mark.parametrize("path", ["/page/board", "/live", "/page/orders/o/why"])
    async def test_other_paths_require_session(self, portal, path):
        assert (await portal.http.get(path)).status_code == 401


class TestPage:
    async def test_has_security_headers(self, portal):
        async with signed_in(portal, await portal.join()) as browser:
            headers = (await browser.get("/")).headers

        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"

    async def test_static_files_are_immutable(self, portal):
        async with signed_in(portal, await portal.join()) as browser:
            page = (await browser.get("/")).text
            addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
            answers = [await browser.get(address) for address in addresses]

        assert len(addresses) == 4
        assert all(answer.status_code == 200 and "immutable" in answer.headers["cache-control"] for answer in answers)
        assert (await portal.http.get("/static/../settings.py")).status_code == 404

    async def test_shows_events_of_other_services(self, portal, publisher, others):
        customer_id = await portal.join(name="Ana")
        device = await portal.register(customer_id)
        others.receipts["o-1"] = ["There were 14.", "So 50 were ordered."]

        await publisher.publish(a.provider(), a.offer(), a.subscription(customer_id))
        await publisher.publish(a.crossed(customer_id, device["device_id"]), a.approved(customer_id, "o-1"))
        await publisher.publish(
            a.drafted(customer_id, "o-1"), a.placed(customer_id, "o-1"), a.shipped(customer_id, "o-1")
        )
        await publisher.publish(a.notified(customer_id, "order_shipped"))

        async with signed_in(portal, customer_id) as browser:
            page = await shows(browser, "On its way", "Shipping notice", "about 5 days left")
            why = await browser.get("/page/orders/o-1/why")
        for words in ("Hello Ana", "Lungo pods", "<strong data-level>14</strong>", "from Globex for 19.90 EUR", "GX-1"):
            assert words in page
        assert "Cancel order" not in page
        assert "So 50 were ordered." in why.text

    async def test_shows_open_order_behind_many_newer_ones(self, portal, publisher):
        customer_id, long_ago = await portal.join(), a.now() - a.days(90)
        never = datetime(9999, 12, 31, 23, tzinfo=UTC)  # has no date in Berlin
        await publisher.publish(a.placed(customer_id, "o-old", occurred_at=long_ago, expected_at=never))
        later = [f"o-new-{number}" for number in range(30)]

        await publisher.publish(*(a.delivered(customer_id, order_id) for order_id in later))

        async with signed_in(portal, customer_id) as browser:
            page = await shows(browser, f"order-{later[-1]}")
        assert "order-o-old" in page

    async def test_shows_modified_order(self, portal, publisher):
        customer_id = await portal.join()
        changed = a.drafted(customer_id, "o-9", packs=2, quantity=100, price=3980)

        await publisher.publish(a.drafted(customer_id, "o-9"), OrderModified(**dict(changed)))

        async with signed_in(portal, customer_id) as browser:
            await shows(browser, "39.80 EUR")

    async def test_shows_lines_after_events_in_any_order_and_twice(self, portal, publisher, others):
        """The customer of each order receives its events in another order, and those of the second one twice."""
        pods, tea = ("1", "coffee-pods", 50), ("2", "tea", 20)
        customers = [await portal.join() for _ in range(3)]
        both = (a.terms(*pods), a.terms(*tea))
        told = [
            (a.approved, {"lines": (a.to_order(*pods), a.to_order(*tea))}),
            (a.drafted, {"lines": both, "price": 2270, "fee": 290}),
            (a.placed, {"lines": both, "expected_at": None}),
            (a.shipped, {"lines": (a.line("1", "coffee-pods", 30),), "shipment_id": "parcel-1", "complete": False}),
            (a.shipped, {"lines": (a.line("1", "coffee-pods", 20),), "shipment_id": "parcel-2", "complete": True}),
            (a.delivered, {"lines": (a.line(*pods),), "complete": True}),
        ]
        orders = [told, [*told[::-1], *told], [told[place] for place in (5, 1, 4, 0, 3, 2)]]
        at = a.now()
        for customer_id, known in zip(customers, orders, strict=True):
            for build, about in known:
                when = "decided_at" if build is a.approved else "occurred_at"
                times = {when: at + a.days(told.index((build, about)))}
                await publisher.publish(build(customer_id, f"o-{customer_id}", **about | times))
            cancelled = a.lines_cancelled(customer_id, f"o-{customer_id}", a.line(*tea), occurred_at=at)
            await publisher.publish(cancelled)

        orders_shown = []
        for customer_id in customers:
            async with signed_in(portal, customer_id) as browser:
                page = await shows(browser, "Not needed.", "Past orders", "Arrived")
            order = re.search(r'<li class="card order.*?</dl>', page, re.DOTALL)[0]
            orders_shown.append(" ".join(re.sub(r"<[^>]+>", " ", order).split()))
        assert orders_shown[0] == orders_shown[1] == orders_shown[2]
        assert "Lungo pods 50 · 9.90 EUR Arrived" in orders_shown[0]
        assert "Tea 20 · 9.90 EUR Cancelled Not needed. Delivery fee 2.90 EUR Total 12.80 EUR" in orders_shown[0]

    async def test_explains_each_line(self, portal, publisher, others):
        customer_id = await portal.join()
        others.receipts["o-two"] = {
            "receipt_id": "receipt-tea",
            "words": ["There were 3 bags."],
            "earlier": [{"receipt_id": "proposal-tea", "words": ["It was proposed."]}],
            "other_lines": [{"receipt_id": "receipt-coffee-pods", "words": ["There were 14 pods."], "earlier": []}],
        }
        both = (a.terms("1", "coffee-pods", 50), a.terms("2", "tea", 20), a.terms("3", "beans", 20))
        await publisher.publish(a.offer(), a.drafted(customer_id, "o-two", lines=both))

        async with signed_in(portal, customer_id) as browser:
            await shows(browser, "3 things from")
            why = (await browser.get("/page/orders/o-two/why", headers={"X-Fragment": "1"})).text

        missing = "The reason is not available right now. Please try again in a few minutes."
        assert re.sub(r"<[^>]+>", " ", why).split() == [
            *(["Lungo", "pods", "There", "were", "14", "pods."]),
            *(["Tea", "There", "were", "3", "bags."]),
            *(f"Beans {missing}".split()),
        ]

    async def test_hides_suspected_fraud(self, portal, publisher, database):
        customer_id = await portal.join()
        raw = "order o-77 of this pool is taken for fraud"

        await publisher.publish(a.failed(customer_id, "o-71", reason=raw, fault="fraud"))
        await publisher.publish(a.failed(customer_id, "o-72", reason=raw))  # event without a fault field
        await publisher.publish(a.cancelled(customer_id, "o-73", by="fraud", reason="stolen card of Mallory"))
        await publisher.publish(a.cancelled(customer_id, "o-74"), a.failed(customer_id, "o-75"))

        async with signed_in(portal, customer_id) as browser:
            page = await shows(browser, "Cancelled on the page.", "Globex is not active.")
        assert page.count("This order is on hold while we review it.") == 3
        assert not re.search("fraud|stolen|Mallory", page)
        assert await doors.rows_with(database, "Mallory") == []

    async def test_shows_live_levels(self, portal, others):
        customer_id = await portal.join()
        device = await portal.register(customer_id)
        others.set_level(device["device_id"], "1", 23, rate_per_day="1.5", state="quarantined")

        async with signed_in(portal, customer_id) as browser:
            page = (await browser.get("/")).text

        assert "<strong data-level>23</strong>" in page
        assert "1.5 a day" in page
        assert "The reports of this device contradict each other." in page

    async def test_late_events_of_erased_customer_have_no_effect(self, portal, publisher, database):
        customer_id, other = await portal.join(), await portal.join()
        async with signed_in(portal, customer_id) as browser:
            await portal.http.delete(f"/v1/customers/{customer_id}", headers=await portal.operator())
            await publisher.publish(
                a.approved(customer_id, "o-2"), a.placed(customer_id, "o-2"), a.subscription(customer_id)
            )
            await publisher.publish(a.notified(customer_id, "order_placed"), a.arrived(customer_id, "o-2"))
            await publisher.publish(a.placed(other, "o-3"))
            async with signed_in(portal, other) as theirs:
                await shows(theirs, "order-o-3")

            assert "How to sign in" in (await browser.get("/")).text

        tables = await doors.rows_with(database, customer_id)
        assert set(tables) <= {"customer", "checkpoint", "outbox"}

    async def test_hides_orders_of_other_customers(self, portal, publisher):
        mine, other = await portal.join(), await portal.join()
        await publisher.publish(a.placed(mine, "o-4"))

        async with signed_in(portal, mine) as browser, signed_in(portal, other) as stranger:
            await shows(browser, "order-o-4")

            assert "o-4" not in (await stranger.get("/")).text
            assert (await stranger.get("/page/orders/o-4/why")).status_code == 404


class TestCommands:
    async def test_are_forwarded_with_customer_token(self, portal, others):
        customer_id = await portal.join()
        others.done.clear()
        async with signed_in(portal, customer_id) as browser:
            proof = {"csrf": csrf_of((await browser.get("/")).text)}
            place = proof | {"device_id": "m", "slot": "1"}

            for path, form in (
                ("/page/level", place | {"level": "2,5", "unit": "kg"}),
                ("/page/refilled", place),
                ("/page/orders/cancel", proof | {"order_id": "o"}),
                ("/page/orders/cancel", proof | {"order_id": "o", "line_id": "2"}),
                ("/page/orders/received", proof | {"order_id": "o", "quantity": " 4,5 "}),
                ("/page/orders/received", proof | {"order_id": "o", "line_id": "2", "quantity": "0", "unit": "kg"}),
                ("/page/orders/return", proof | {"order_id": "o", "quantity": "9"}),
                ("/page/orders/return", proof | {"order_id": "o", "line_id": "1", "quantity": "1", "unit": "kg"}),
                ("/page/orders/approve", proof | {"order_id": "o"}),
                ("/page/orders/decline", proof | {"order_id": "o"}),
                ("/page/subscriptions/pause", proof | {"subscription_id": "s"}),
                ("/page/subscriptions/resume", proof | {"subscription_id": "s"}),
                ("/page/holiday", proof | {"leaves": "2026-07-01", "returns": "2026-07-15"}),
                ("/page/holiday/end", proof),
            ):
                answer = await browser.post(path, data=form, headers={"Accept": "application/json"})
                assert (answer.status_code, answer.json()["ok"]) == (200, True), answer.text

        measured = {"type": "SlotMeasured", "device_id": "m", "slot": "1", "level": "2.5", "unit": "kg", "by": "person"}
        refilled = {"type": "SlotRefilled", "device_id": "m", "slot": "1", "by": "person"}
        assert others.done == [
            ("POST", "/v1/usage", measured),
            ("POST", "/v1/usage", refilled),
            ("POST", "/v1/orders/o/cancel", {"reason": "cancelled on the page"}),
            ("POST", "/v1/orders/o/cancel", {"reason": "cancelled on the page", "line_ids": ["2"]}),
            ("POST", "/v1/orders/o/received", {"quantity": "4.5"}),
            ("POST", "/v1/orders/o/received", {"line_id": "2", "quantity": "0", "unit": "kg"}),
            ("POST", "/v1/orders/o/return", {"quantity": "9", "reason": "returned on the page"}),
            (
                "POST",
                "/v1/orders/o/return",
                {"line_id": "1", "quantity": "1", "unit": "kg", "reason": "returned on the page"},
            ),
            ("POST", "/v1/reorders/o/approve", None),
            ("POST", "/v1/reorders/o/decline", None),
            ("PATCH", "/v1/subscriptions/s", {"status": "paused"}),
            ("PATCH", "/v1/subscriptions/s", {"status": "active"}),
            (
                "PUT",
                f"/v1/customers/{customer_id}/holiday",
                {"from": "2026-07-01T00:00:00+02:00", "until": "2026-07-15T00:00:00+02:00"},
            ),
            ("DELETE", f"/v1/customers/{customer_id}/holiday", None),
        ]

    @pytest.mark.parametrize(
        ("status", "problem", "message"),
        [
            (409, {"title": "Too late", "detail": "It is shipped already."}, "It is shipped already."),
            (422, {"title": "Refused", "refused": [{"problem": "no such unit"}]}, "no such unit"),
            (
                500,
                {"title": "Oops", "detail": "secret"},
                "Something went wrong on our side. Please try again in a few minutes.",
            ),
        ],
    )
    async def test_rejected_show_the_message(self, portal, others, status, problem, message):
        others.refusals["/v1/orders/late/cancel"] = (status, problem)
        async with signed_in(portal, await portal.join()) as browser:
            form = {"csrf": csrf_of((await browser.get("/")).text), "order_id": "late"}

            scripted = await browser.post("/page/orders/cancel", data=form, headers={"Accept": "application/json"})
            plain = await browser.post("/page/orders/cancel", data=form)

            page = (await browser.get(plain.headers["location"])).text

        assert scripted.json() == {"ok": False, "message": message}
        assert plain.status_code == 303
        assert flash_of(page) == message

    @pytest.mark.parametrize("level", ["-1", "1e99", "abc", "5 kg", "<b>5</b>", "\N{EURO SIGN}" * 199])
    async def test_rejected_show_any_message_escaped(self, portal, others, level):
        problem = f'{level!r} is no "level"; send less'
        others.refusals["/v1/usage"] = (422, {"refused": [{"problem": problem}]})
        async with signed_in(portal, await portal.join()) as browser:
            form = {"csrf": csrf_of((await browser.get("/")).text), "device_id": "m", "slot": "1", "unit": "count"}

            plain = await browser.post("/page/level", data=form | {"level": level})
            page = (await browser.get(plain.headers["location"])).text
        del others.refusals["/v1/usage"]

        assert html.unescape(flash_of(page)) == problem
        assert "<b>" not in page

    async def test_rejected_message_is_bound_to_session(self, portal, others):
        others.refusals["/v1/orders/late/cancel"] = (409, {"title": "Too late"})
        usual = "Something went wrong. Please try again."
        async with signed_in(portal, await portal.join()) as browser, signed_in(portal, await portal.join()) as other:
            form = {"csrf": csrf_of((await browser.get("/")).text), "order_id": "late"}
            kept = (await browser.post("/page/orders/cancel", data=form)).headers["set-cookie"]
            other.cookies.set("replenish-refusal", browser.cookies["replenish-refusal"])

            shown = [(await one.get("/?said=failed")).text for one in (browser, other)]
            done = (await browser.get("/?said=done")).text
            crafted = (await other.get("/?said=Too+late&why=Too+late")).text

        assert [flash_of(page) for page in (*shown, done)] == ["Too late", usual, "Done."]
        assert "Too late" not in crafted
        assert all(word in kept.lower() for word in ("httponly", "samesite=lax", "path=/", "max-age=60"))

    @pytest.mark.parametrize(
        ("path", "location"),
        [
            ("/page/orders/one/cart", "https://acme.example/pods"),
            ("/page/orders/two/cart?line_id=2", "https://acme.example/tea"),
            ("/page/orders/two/cart?line_id=3", "/?said=nocart"),
            ("/page/orders/two/cart", "/?said=nocart"),
            ("/page/orders/unknown/cart?line_id=1", "/?said=nocart"),
        ],
    )
    async def test_open_the_cart_of_an_order_or_line(self, portal, others, path, location):
        carts = [{"line_id": "1", "cart_url": "https://acme.example/pods"}]
        others.carts["one"] = {"cart_url": "https://acme.example/pods", "lines": carts}
        carts = [*carts, {"line_id": "2", "cart_url": "https://acme.example/tea"}, {"line_id": "3", "cart_url": None}]
        others.carts["two"] = {"cart_url": None, "lines": carts}

        async with signed_in(portal, await portal.join()) as browser:
            answer = await browser.get(path)

        assert (answer.status_code, answer.headers["location"]) == (303, location)

    @pytest.mark.parametrize("csrf", ["", "guess"])
    async def test_require_csrf_token(self, portal, others, csrf):
        others.done.clear()
        async with signed_in(portal, await portal.join()) as browser:
            answers = [
                await browser.post("/page/orders/cancel", data={"order_id": "o", "csrf": csrf}),
                await browser.post("/page/orders/received", data={"order_id": "o", "quantity": "1", "csrf": csrf}),
                await browser.post("/page/orders/return", data={"order_id": "o", "quantity": "1", "csrf": csrf}),
                await browser.post("/page/subscriptions/pause", data={"subscription_id": "s", "csrf": csrf}),
                await browser.post("/page/refilled", data={"device_id": "m", "slot": "1", "csrf": csrf}),
                await browser.post("/page/sign-out", data={"csrf": csrf}),
            ]

        assert {answer.status_code for answer in answers} <= {403, 422}
        assert not others.done

    async def test_reject_large_forms(self, portal):
        async with signed_in(portal, await portal.join()) as browser:
            answer = await browser.post("/page/refilled", data={"csrf": "x" * 20_000})

        assert answer.status_code == 413

    async def test_accept_small_forms_without_content_length(self, portal, others):
        async def body(form):
            yield form.encode()

        async with signed_in(portal, await portal.join()) as browser:
            csrf = csrf_of((await browser.get("/")).text)
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            sent = body(f"device_id=m&slot=1&csrf={csrf}")
            small = await browser.post("/page/refilled", content=sent, headers=form)
            large = await browser.post("/page/refilled", content=body(f"csrf={csrf}&slot={'x' * 20_000}"), headers=form)
            link = await browser.post("/answer/unknown", content=body("reason=none"), headers=form)

        assert small.status_code == 303
        assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
        assert link.status_code != 413


class TestLive:
    async def test_sends_hello_then_changed(self, portal, publisher):
        customer_id, other = await portal.join(), await portal.join()
        await portal.register(customer_id)
        async with signed_in(portal, customer_id) as browser, browser.stream("GET", "/live") as stream:
            events = aiter_events(stream)
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert await soon(events) == "hello"

            await publisher.publish(a.placed(other, "o-5"), a.placed(customer_id, "o-6"))

            assert await soon(events) == "changed"

    async def test_sends_changed_for_new_live_levels(self, portal, others):
        customer_id = await portal.join()
        device = await portal.register(customer_id)
        others.set_level(device["device_id"], "1", 30)
        async with signed_in(portal, customer_id) as browser, browser.stream("GET", "/live") as stream:
            events = aiter_events(stream)
            assert await soon(events) == "hello"
            assert "data-level>30<" in (await browser.get("/page/board")).text

            others.set_level(device["device_id"], "1", 29)

            assert await soon(events) == "changed"
            assert "data-level>29<" in (await browser.get("/page/board")).text

    async def test_ends_with_the_session(self, portal):
        customer_id = await portal.join()
        with doors.changed(live_updates_of(portal.kit), live_heartbeat_seconds=0.05):
            async with signed_in(portal, customer_id) as browser, browser.stream("GET", "/live") as stream:
                events = aiter_events(stream)
                assert await soon(events) == "hello"

                await portal.http.delete(f"/v1/customers/{customer_id}", headers=await portal.operator())

                assert [name async for name in events][-1] == "ended"

    async def test_limits_open_pages(self, portal):
        with doors.changed(live_updates_of(portal.kit), live_pages_per_customer=1):
            async with signed_in(portal, await portal.join()) as browser, browser.stream("GET", "/live") as stream:
                events = aiter_events(stream)
                assert await soon(events) == "hello"

                assert (await browser.get("/live")).status_code == 503


def aiter_events(stream):
    async def names():
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                yield line.removeprefix("event: ")

    return names()


async def soon(events):
    return await asyncio.wait_for(anext(events), SOON_S)


class TestAccountAtShop:
    async def test_shows_pause_products_and_end_of_the_link(self, portal, publisher):
        customer_id = await portal.join()
        device = await portal.register(customer_id)
        at = {"customer_id": customer_id, "provider_id": "globex", "device_id": device["device_id"]}
        slot = at | {"slot": device["slots"][0]["slot"], "occurred_at": a.now()}
        product_id = device["slots"][0]["product_id"]
        chosen = SubscribedItem(reference="B0PODS", quantity=None)
        why = {"reason": "paused_at_provider", "wake_up": "ProviderSubscriptionChanged", "provider_id": "globex"}
        async with signed_in(portal, customer_id) as browser:
            await publisher.publish(a.provider(), ProviderSubscriptionChanged(**slot, subscribed=True, items=(chosen,)))
            await shows(browser, "Chosen at Globex: B0PODS")
            await publisher.publish(ProviderSubscriptionChanged(**slot, subscribed=False))
            await shows(browser, "Paused at Globex since today")
            await publisher.publish(a.held(customer_id, product_id, **why, since=a.now()))
            page = await shows(browser, "Not being reordered: Paused at Globex since today. You can resume it")
            await publisher.publish(LinkEnded(**at, link_id="l1", reason="deregistered", occurred_at=a.now()))
            await publisher.publish(a.held(customer_id, product_id, **why | {"reason": "link_ended"}, since=a.now()))
            ended = await shows(browser, "This device has not been linked to your account with Globex since today.")

        assert page.count("Paused at Globex") == 1
        assert "Paused at Globex" not in ended

    async def test_says_that_an_order_is_a_test(self, portal, publisher):
        customer_id = await portal.join()
        await portal.register(customer_id)
        async with signed_in(portal, customer_id) as browser:
            await publisher.publish(a.drafted(customer_id, f"test of {customer_id}", test=True))

            await shows(browser, "This is a test order: nothing is charged and nothing is delivered.", "Test: ")
