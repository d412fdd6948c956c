"""Carts, checkouts, payments and shipments: goods are allocated once and never oversold."""

import asyncio

import pytest

from tests.integration.inventory.environment import goods, open_environment, shortages
from tests.support import inventory_events as a


@pytest.fixture(scope="module")
async def shop(database, kafka_url, tmp_path_factory):
    async with open_environment(database, kafka_url, tmp_path_factory.mktemp("shop"), database_connections=20) as shop:
        yield shop


@pytest.fixture(autouse=True)
async def books_balance(shop):
    yield
    assert await shop.findings() == {}


class TestCart:
    async def test_cart_accepts_available_items_without_allocating(self, shop):
        await shop.move("tea", "increment", 10)

        path, added = await shop.cart(("tea", 6), ("tea", 3))
        more = await shop.ask("POST", f"{path}/items", {"items": goods(("tea", 1))})

        assert added.json()["items"] == goods(("tea", 9))
        assert more.json()["items"] == goods(("tea", 10))
        assert await shop.numbers("tea") == (10, 10, 0)

    async def test_cart_lists_all_shortages(self, shop):
        await shop.move("oats", "increment", 10)
        await shop.move("nuts", "increment", 2)
        at = {"expected_at": "2026-06-01T00:00:00Z", "quantity": 5}
        await shop.ask("PUT", "/v1/owners/acme/inventories/nuts/restock", at)

        path, short = await shop.cart(("oats", 5), ("nuts", 2), ("nuts", 1), ("gold", 1))
        summed = await shop.ask("POST", f"{path}/items", {"items": goods(("oats", 6), ("oats", 6))})

        assert (short.status_code, short.json()["code"]) == (400, "insufficient_stock")
        assert shortages(short) == [("nuts", 3, 2), ("gold", 1, 0)]
        assert [one["restock_at"] for one in short.json()["shortages"]] == ["2026-06-01T00:00:00Z", None]
        assert shortages(summed) == [("oats", 12, 10)]
        assert (await shop.ask("GET", path)).json()["items"] == []

    async def test_removed_item_is_deleted(self, shop):
        await shop.move("figs", "increment", 10)
        path, _ = await shop.cart(("figs", 6))

        left = await shop.ask("DELETE", f"{path}/items/acme/figs")
        empty = await shop.ask("POST", f"{path}/checkout", {})

        assert left.json()["items"] == []
        assert empty.json()["code"] == "empty_cart"

    async def test_cart_is_refused_for_other_customer(self, shop):
        await shop.move("plums", "increment", 10)
        mine, theirs = {"role": "customer", "customer_id": "ann"}, {"role": "customer", "customer_id": "bob"}
        opened = await shop.ask("POST", "/v1/carts", {}, **mine)
        path = f"/v1/carts/{opened.json()['cart_id']}"

        assert opened.json()["customer_id"] == "ann"
        assert (await shop.ask("GET", path, **mine)).status_code == 200
        assert (await shop.ask("GET", path, **theirs)).status_code == 404
        answer = await shop.ask("POST", f"{path}/items", {"items": goods(("plums", 1))}, **theirs)
        assert answer.status_code == 404
        assert (await shop.ask("POST", "/v1/carts", {"customer_id": "ann"}, **theirs)).status_code == 404

    async def test_cart_refuses_items_of_customer_shelf(self, shop):
        await shop.hear(a.delivered(40, order_id="neighbour", customer_id="neighbour"))
        path, _ = await shop.cart(customer_id="bob")
        body = {"items": [{"owner_id": "neighbour", "product_id": "pods", "quantity": 1}]}

        answer = await shop.ask("POST", f"{path}/items", body, role="customer", customer_id="bob")

        assert (answer.status_code, shortages(answer)) == (400, [("pods", 1, 0)])


class TestCheckout:
    async def test_checkout_checks_stock_again_without_allocating(self, shop):
        await shop.move("beans", "increment", 10)
        path, _ = await shop.cart(("beans", 6))
        late, _ = await shop.cart(("beans", 6))

        first = await shop.ask("POST", f"{path}/checkout", {})
        await shop.move("beans", "decrement", 5)
        second = await shop.ask("POST", f"{late}/checkout", {})

        assert (first.status_code, first.json()["state"], first.json()["allocated"]) == (201, "unpaid", [])
        assert shortages(second) == [("beans", 6, 5)]

    async def test_cart_is_checked_out_once(self, shop):
        await shop.move("peas", "increment", 10)
        path, _ = await shop.cart(("peas", 6))

        first = await shop.ask("POST", f"{path}/checkout", {}, key="once")
        again = await shop.ask("POST", f"{path}/checkout", {}, key="once")
        other = await shop.ask("POST", f"{path}/checkout", {})

        assert first.json() == again.json()
        assert (other.status_code, other.json()["code"]) == (409, "checked_out")

    async def test_reserving_checkout_allocates_until_expiry(self, shop):
        await shop.move("corn", "increment", 10)
        path = await shop.checkout(("corn", 6), reserve=True)
        kept = await shop.numbers("corn")

        shop.pass_time(minutes=31)
        await shop.becomes(path, "expired")

        assert (kept, await shop.numbers("corn")) == ((10, 4, 6), (10, 10, 0))
        log = (await shop.ask("GET", "/v1/owners/acme/inventories/corn/transactions")).json()["data"]
        assert (log[0]["action"], log[0]["reason"]) == ("expire", "lapsed")


class TestPayment:
    async def test_payment_allocates_goods(self, shop):
        await shop.move("rice", "increment", 10)
        path = await shop.checkout(("rice", 6))

        paying = (await shop.ask("POST", f"{path}/pay")).json()
        between = await shop.numbers("rice")
        paid = (await shop.ask("POST", f"{path}/payment", {"outcome": "paid"})).json()
        shop.pass_time(days=30)

        assert (paying["state"], paying["allocated"], between) == ("paying", goods(("rice", 6)), (10, 4, 6))
        assert (paid["state"], paid["expires_at"]) == ("paid", None)
        assert await shop.numbers("rice") == (10, 4, 6)

    async def test_failed_payment_releases_goods_and_can_be_retried(self, shop):
        await shop.move("wheat", "increment", 10)
        path = await shop.checkout(("wheat", 6))

        failed = await shop.pay(path, "failed")
        between = await shop.numbers("wheat")
        paid = await shop.pay(path)

        assert (failed.json()["state"], between) == ("unpaid", (10, 10, 0))
        assert (paid.json()["state"], await shop.numbers("wheat")) == ("paid", (10, 4, 6))

    async def test_payment_without_outcome_releases_goods_after_timeout(self, shop):
        await shop.move("barley", "increment", 10)
        path = await shop.checkout(("barley", 6))
        await shop.ask("POST", f"{path}/pay")

        shop.pass_time(minutes=16)
        await shop.becomes(path, "expired")

        assert await shop.numbers("barley") == (10, 10, 0)
        assert (await shop.ask("POST", f"{path}/pay")).json()["code"] == "checkout_expired"

    async def test_late_payment_takes_available_goods(self, shop):
        await shop.move("hops", "increment", 10)
        paths = [await shop.checkout(("hops", 6)) for _ in range(2)]
        for path in paths:
            await shop.ask("POST", f"{path}/pay")
            shop.pass_time(minutes=16)
            await shop.becomes(path, "expired")

        first, second = [await shop.ask("POST", f"{path}/payment", {"outcome": "paid"}) for path in paths]

        assert first.json()["state"] == "paid"
        assert (second.status_code, second.json()["code"], shortages(second)) == (
            409,
            "paid_too_late",
            [("hops", 6, 4)],
        )

    async def test_late_buyer_gets_all_shortages(self, shop):
        await shop.move("mint", "increment", 10)
        await shop.move("sage", "increment", 10)
        first, second = [await shop.checkout(("mint", 6), ("sage", 6)) for _ in range(2)]

        await shop.pay(first)
        short = await shop.pay(second)

        assert (short.status_code, shortages(short)) == (400, [("mint", 6, 4), ("sage", 6, 4)])
        assert await shop.state(second) == "unpaid"

    async def test_customer_cannot_report_payment(self, shop):
        await shop.move("kale", "increment", 10)
        path = await shop.checkout(("kale", 6))
        ann = {"role": "customer", "customer_id": "ann"}

        assert (await shop.ask("POST", f"{path}/pay", **ann)).status_code == 200
        for step, body in (("payment", {"outcome": "paid"}), ("ship", {})):
            assert (await shop.ask("POST", f"{path}/{step}", body, **ann)).status_code == 403
        assert (await shop.ask("GET", path, role="customer", customer_id="bob")).status_code == 404


class TestShipment:
    async def test_shipment_reduces_stock(self, shop):
        await shop.move("wool", "increment", 10)
        path = await shop.checkout(("wool", 6))
        await shop.pay(path)

        answers = [await shop.ask("POST", f"{path}/ship", {}) for _ in range(2)]

        assert [answer.json()["state"] for answer in answers] == ["shipped", "shipped"]
        assert await shop.numbers("wool") == (4, 4, 0)

    async def test_smaller_shipment_releases_rest(self, shop):
        await shop.move("yarn", "increment", 10)
        await shop.move("silk", "increment", 10)
        path = await shop.checkout(("yarn", 6), ("silk", 2))
        await shop.pay(path)

        more = await shop.ask("POST", f"{path}/ship", {"items": goods(("yarn", 7))})
        less = await shop.ask("POST", f"{path}/ship", {"items": goods(("yarn", 5))})

        assert more.json()["code"] == "more_than_paid"
        assert (less.json()["shipped"], less.json()["released"]) == (
            goods(("yarn", 5)),
            goods(("silk", 2), ("yarn", 1)),
        )
        assert (await shop.numbers("yarn"), await shop.numbers("silk")) == ((5, 5, 0), (10, 10, 0))

    async def test_unpaid_shipment_is_refused(self, shop):
        await shop.move("lace", "increment", 10)
        path = await shop.checkout(("lace", 6), reserve=True)

        assert (await shop.ask("POST", f"{path}/ship", {})).json()["code"] == "checkout_unpaid"


class TestCancel:
    @pytest.mark.parametrize("paid", [False, True])
    async def test_cancel_releases_goods_once(self, shop, paid):
        product = f"cork-{paid}"
        await shop.move(product, "increment", 10)
        path = await shop.checkout((product, 6), reserve=True)
        if paid:
            await shop.pay(path)

        answers = [await shop.ask("POST", f"{path}/cancel") for _ in range(2)]
        late = await shop.ask("POST", f"{path}/payment", {"outcome": "paid"})

        assert [answer.json()["state"] for answer in answers] == ["cancelled", "cancelled"]
        assert (late.status_code, late.json()["code"]) == (409, "checkout_cancelled")
        assert await shop.numbers(product) == (10, 10, 0)

    async def test_cancel_after_shipment_is_refused(self, shop):
        await shop.move("clay", "increment", 10)
        path = await shop.checkout(("clay", 6))
        await shop.pay(path)
        await shop.ask("POST", f"{path}/ship", {})

        assert (await shop.ask("POST", f"{path}/cancel")).json()["code"] == "checkout_shipped"


class TestHundredBuyers:
    """All customers have checked out the last units; the stock is enough for a quarter of them."""

    async def test_concurrent_payments_do_not_oversell(self, shop):
        await shop.move("last", "increment", 25)
        paths = [await shop.checkout(("last", 1), customer_id=f"c{n}") for n in range(100)]

        answers = await asyncio.gather(*(shop.pay(path) for path in paths))

        assert sorted(answer.status_code for answer in answers) == [200] * 25 + [400] * 75
        assert {tuple(shortages(answer)[0]) for answer in answers if answer.status_code == 400} == {("last", 1, 0)}
        assert await shop.numbers("last") == (25, 0, 25)

    async def test_concurrent_payments_of_two_products_do_not_deadlock(self, shop):
        await shop.move("cup", "increment", 30)
        await shop.move("lid", "increment", 40)
        wishes = [(("cup", 2), ("lid", 1)), (("lid", 2), ("cup", 1))]
        paths = [await shop.checkout(*wishes[n % 2], customer_id=f"c{n}") for n in range(100)]

        answers = await asyncio.gather(
            *(shop.pay(path, ("paid", "failed")[n % 3 == 0]) for n, path in enumerate(paths))
        )

        assert {answer.status_code for answer in answers} <= {200, 400}
        paid = [answer.json() for answer in answers if answer.status_code == 200 and answer.json()["state"] == "paid"]
        sold = {"cup": 0, "lid": 0}
        for checkout in paid:
            for item in checkout["items"]:
                sold[item["product_id"]] += item["quantity"]
        assert (await shop.numbers("cup"), await shop.numbers("lid")) == (
            (30, 30 - sold["cup"], sold["cup"]),
            (40, 40 - sold["lid"], sold["lid"]),
        )
        assert paid
