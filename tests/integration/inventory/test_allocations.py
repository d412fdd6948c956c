"""Orders change provider stock once each, also if events are repeated or reordered."""

from datetime import timedelta

import pytest

from replenish_contracts.events import StockAllocated, StockReleased, StockShort
from services.inventory.store import Goods
from tests.support import inventory_events as a


def lines(event):
    return [(line.product_id, line.quantity) for line in event.lines]


def shortages(event):
    return [(one.product_id, one.requested, one.available) for one in event.shortages]


class TestAllocationAsked:
    async def test_keeps_the_goods_and_says_so(self, ledger):
        await ledger.receive(100)

        (said,) = await ledger.hear(a.asked())

        assert isinstance(said, StockAllocated)
        assert (said.owner_id, said.order_id, said.customer_id, lines(said)) == ("acme", "o1", "ann", [("pods", 40)])
        assert await ledger.balances("acme") == {"supplier": -100, "available": 60, "allocated": 40}

    async def test_twice_keeps_them_once(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())

        assert await ledger.hear(a.asked()) == []
        assert (await ledger.balances("acme"))["allocated"] == 40

    async def test_sums_two_lines_of_one_product(self, ledger):
        await ledger.receive(100)

        (short,) = await ledger.hear(a.asked(("pods", 60), ("pods", 60)))
        (kept,) = await ledger.hear(a.asked(("pods", 60), ("pods", 40), order_id="o2"))

        assert shortages(short) == [("pods", 120, 100)]
        assert lines(kept) == [("pods", 100)]

    async def test_keeps_nothing_where_one_line_is_short_and_names_every_one(self, ledger):
        await ledger.receive(100)
        await ledger.receive(5, "tea")
        await ledger.store.save_restock(Goods("acme", "tea"), ledger.store.now + timedelta(days=2), 500)
        await ledger.store.save_restock(Goods("acme", "milk"), ledger.store.now - timedelta(days=2), 500)

        (said,) = await ledger.hear(a.asked(("pods", 40), ("tea", 6), ("milk", 1)))

        assert isinstance(said, StockShort)
        assert shortages(said) == [("tea", 6, 5), ("milk", 1, 0)]
        assert [one.restock_at for one in said.shortages] == [ledger.store.now + timedelta(days=2), None]
        assert (await ledger.balances("acme")).get("allocated") is None

    async def test_that_was_short_is_not_answered_again_by_keeping_what_came_since(self, ledger):
        await ledger.hear(a.asked())
        await ledger.receive(100)

        assert await ledger.hear(a.asked()) == []
        assert await ledger.hear(a.refused()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 100}

    async def test_by_many_in_one_batch_gives_each_what_those_before_left(self, ledger):
        await ledger.receive(100)
        asked = [a.asked(order_id=f"o{n}") for n in range(4)]

        said = await ledger.hear_together(*asked[:2], a.cancelled(order_id="o0"), *asked[2:])

        assert [(type(event), event.order_id) for event in said] == [
            (StockAllocated, "o0"),
            (StockAllocated, "o1"),
            (StockReleased, "o0"),
            (StockAllocated, "o2"),
            (StockShort, "o3"),
        ]
        assert shortages(said[-1]) == [("pods", 40, 20)]
        assert await ledger.balances("acme") == {"supplier": -100, "available": 20, "allocated": 80}

    async def test_of_nothing_is_answered_once(self, ledger):
        (said,) = await ledger.hear(a.asked(("pods", 0)))

        assert said.lines == ()
        assert await ledger.hear(a.asked(("pods", 0))) == []


class TestOrderEnded:
    @pytest.mark.parametrize("ending", [a.cancelled, a.refused, a.failed])
    async def test_releases_the_goods_once(self, ledger, ending):
        await ledger.receive(100)
        await ledger.hear(a.asked())

        (said,) = await ledger.hear(ending())

        assert isinstance(said, StockReleased)
        assert (said.order_id, lines(said), said.reason) == ("o1", [("pods", 40)], ending().reason)
        assert await ledger.hear(ending()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 100}

    @pytest.mark.parametrize("ending", [a.cancelled, a.refused, a.failed])
    async def test_before_the_question_leaves_nothing_to_keep(self, ledger, ending):
        await ledger.receive(100)

        assert await ledger.hear(ending()) == []
        assert await ledger.hear(a.asked()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 100}


class TestOrderShipped:
    async def test_takes_the_goods_out_of_the_stock(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())

        assert await ledger.hear(a.shipped(40)) == []
        assert await ledger.hear(a.shipped(40)) == []
        assert await ledger.hear(a.cancelled()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 60, "sold": 40}

    async def test_with_less_releases_the_rest(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())

        (said,) = await ledger.hear(a.shipped(35))

        assert (type(said), lines(said)) == (StockReleased, [("pods", 5)])
        assert await ledger.balances("acme") == {"supplier": -100, "available": 65, "sold": 35}

    async def test_with_more_takes_what_is_for_sale_and_shows_the_rest(self, ledger):
        await ledger.receive(50)
        await ledger.hear(a.asked())

        await ledger.hear(a.shipped(55))

        assert await ledger.balances("acme") == {"supplier": -50, "sold": 55, "unexplained": -5}

    async def test_ships_lines_it_does_not_name_whole(self, ledger):
        await ledger.receive(50)
        await ledger.receive(7, "tea")
        await ledger.hear(a.asked(("pods", 40), ("tea", 7)))

        await ledger.hear(a.shipped(40))

        stock = await ledger.store.list_stock("acme")
        assert {row["product_id"]: (row["available"], row["allocated"]) for row in stock} == {
            "pods": (10, 0),
            "tea": (0, 0),
        }

    async def test_before_the_question_takes_what_left_from_what_is_for_sale(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.shipped(39))

        assert await ledger.hear(a.asked()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 61, "sold": 39}

    async def test_together_with_the_question_and_before_it(self, ledger):
        await ledger.receive(100)

        assert await ledger.hear_together(a.shipped(39), a.asked()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 61, "sold": 39}

    async def test_after_the_order_was_cancelled_is_booked_all_the_same(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())
        await ledger.hear(a.cancelled())

        await ledger.hear(a.shipped(40))

        assert await ledger.balances("acme") == {"supplier": -100, "available": 60, "sold": 40}

    async def test_is_implied_by_the_delivery(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())

        await ledger.hear(a.delivered(40))

        assert await ledger.balances("acme") == {"supplier": -100, "available": 60, "sold": 40}

    async def test_of_a_provider_that_keeps_no_stock_here_moves_the_customers_goods_only(self, ledger):
        await ledger.hear(a.shipped(40))

        assert await ledger.balances("acme") == {}
        assert await ledger.balances() == {"supplier": -40, "in_transit": 40}
