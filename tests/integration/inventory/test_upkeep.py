"""Lots expire oldest first; returns wait for a person's decision; test orders move no goods."""

from datetime import date

import pytest

from replenish_contracts.events import StockArrived
from services.inventory.domain import Goods
from services.inventory.handlers import remove_expired_goods
from tests.integration.inventory.shop import open_shop, shortages
from tests.support import inventory_events as a
from tests.support.portal_server import until

PODS = Goods("acme", "pods")


async def receive_lots(ledger, **lots):
    """Let acme have so much by last day, written as d0310 for the tenth of March."""
    for day, quantity in lots.items():
        await ledger.receive(quantity)
        await ledger.store.save_lot(PODS, date(2026, int(day[1:3]), int(day[3:])), quantity)


async def lots(ledger):
    return {row["expires_on"].strftime("d%m%d"): row["quantity"] for row in await ledger.store.list_lots(PODS)}


@pytest.fixture
def on_day(ledger):
    async def go_off(month, day):
        ledger.store.now = a.NOON.replace(month=month, day=day)
        await remove_expired_goods(ledger.store)

    return go_off


class TestLots:
    async def test_are_sold_until_their_last_day_is_over(self, ledger, on_day):
        await receive_lots(ledger, d0310=10, d0320=5)
        await ledger.receive(7)

        await on_day(3, 10)
        before = await ledger.balances("acme")
        await on_day(3, 11)
        await on_day(3, 11)

        assert before == {"supplier": -22, "available": 22}
        assert await ledger.balances("acme") == {"supplier": -22, "available": 12, "expired": 10}
        assert await lots(ledger) == {"d0320": 5}

    async def test_leave_oldest_first(self, ledger):
        await receive_lots(ledger, d0320=5, d0310=10)
        await ledger.hear(a.asked(("pods", 12)))

        await ledger.hear(a.shipped(12))

        assert await lots(ledger) == {"d0320": 3}

    async def test_stay_kept_for_orders_and_go_off_when_they_are_let_go(self, ledger, on_day):
        await receive_lots(ledger, d0310=10)
        await ledger.hear(a.asked(("pods", 6)))

        await on_day(3, 11)
        kept = await ledger.balances("acme")
        await ledger.hear(a.cancelled())
        await on_day(3, 11)

        assert kept == {"supplier": -10, "allocated": 6, "expired": 4}
        assert await ledger.balances("acme") == {"supplier": -10, "expired": 10}
        assert await lots(ledger) == {}


class TestOrderReturned:
    async def test_is_put_aside_and_not_sold(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())
        await ledger.hear(a.shipped(40))
        await ledger.hear(a.delivered(40))

        said = await ledger.hear(a.returned(15))
        again = await ledger.hear(a.returned(15))

        assert [(event.shelf, event.difference, event.cause) for event in said] == [(25, -15, "returned")]
        assert again == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 60, "sold": 25, "returned": 15}
        assert await ledger.balances() == {"supplier": -25, "shelf": 25}

    async def test_of_goods_that_were_loaded_already_shows_that_nobody_knows_where_they_came_from(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered(40))
        await ledger.hear(a.filled(30))

        await ledger.hear(a.returned(15))

        assert await ledger.balances() == {"supplier": -25, "loaded": 30, "unexplained": -5}


class TestRehearsal:
    async def test_moves_no_goods_but_its_arrival_is_told(self, ledger):
        await ledger.receive(100)

        assert await ledger.hear(a.asked(test=True)) == []
        assert await ledger.hear(a.shipped(test=True)) == []
        (said,) = await ledger.hear(a.delivered(test=True))
        assert await ledger.hear(a.cancelled(test=True)) == []

        assert (type(said), said.quantity, said.shelf) == (StockArrived, 0, 0)
        assert await ledger.balances("acme") == {"supplier": -100, "available": 100}
        assert await ledger.balances() == {}


@pytest.fixture(scope="module")
async def shop(database, kafka_url, tmp_path_factory):
    async with open_shop(database, kafka_url, tmp_path_factory.mktemp("shop")) as shop:
        yield shop


class TestByHttp:
    async def test_lots_are_named_shown_and_go_off(self, shop):
        await shop.move("milk", "increment", 6, expires_on="2026-03-02")
        await shop.move("milk", "increment", 4, expires_on="2026-03-09")
        await shop.move("milk", "decrement", 1)
        shown = (await shop.stock("milk"))["lots"]

        shop.pass_time(days=2)

        async def gone_off():
            return await shop.numbers("milk") == (4, 4, 0)

        await until(gone_off, "the milk has gone off", 30)
        log = (await shop.ask("GET", "/v1/owners/acme/inventories/milk/transactions")).json()["data"]
        assert shown == [{"expires_on": "2026-03-02", "quantity": 5}, {"expires_on": "2026-03-09", "quantity": 4}]
        assert (log[0]["action"], log[0]["reason"], log[0]["quantity"]) == ("expire", "spoiled", 5)
        assert await shop.findings() == {}

    async def test_returned_goods_wait_for_a_word(self, shop):
        await shop.move("cups", "increment", 6)
        path = "/v1/owners/acme/inventories/cups/returns"

        none = await shop.ask("POST", path, {"quantity": 1, "verdict": "restock"})

        assert (none.status_code, none.json()["code"], shortages(none)) == (400, "fewer_came_back", [("cups", 1, 0)])


class TestVerdict:
    @pytest.mark.parametrize(("verdict", "numbers"), [("restock", (75, 75, 0)), ("discard", (60, 60, 0))])
    async def test_puts_returned_goods_where_it_says(self, shop, verdict, numbers):
        product = f"pans-{verdict}"
        await shop.move(product, "increment", 100)
        about = {"order_id": f"back-{verdict}", "product_id": product}
        await shop.hear(a.asked((product, 40), **about), a.shipped(40, **about), a.returned(15, **about))
        path = f"/v1/owners/acme/inventories/{product}/returns"
        waiting = await shop.stock(product)

        answer = await shop.ask("POST", path, {"quantity": 15, "verdict": verdict})

        assert (waiting["total"], waiting["returned"], answer.status_code) == (60, 15, 201)
        assert await shop.numbers(product) == numbers
        assert (await shop.stock(product))["returned"] == 0
        assert await shop.findings() == {}
