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


class TestAllocationRequested:
    async def test_allocation_is_stored_and_published(self, ledger):
        await ledger.receive(100)

        (said,) = await ledger.hear(a.asked())

        assert isinstance(said, StockAllocated)
        assert (said.owner_id, said.order_id, said.customer_id, lines(said)) == ("acme", "o1", "ann", [("pods", 40)])
        assert await ledger.balances("acme") == {"supplier": -100, "available": 60, "allocated": 40}

    async def test_repeated_request_allocates_once(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())

        assert await ledger.hear(a.asked()) == []
        assert (await ledger.balances("acme"))["allocated"] == 40

    async def test_lines_of_one_product_are_summed(self, ledger):
        await ledger.receive(100)

        (short,) = await ledger.hear(a.asked(("pods", 60), ("pods", 60)))
        (kept,) = await ledger.hear(a.asked(("pods", 60), ("pods", 40), order_id="o2"))

        assert shortages(short) == [("pods", 120, 100)]
        assert lines(kept) == [("pods", 100)]

    async def test_short_line_allocates_nothing_and_lists_shortages(self, ledger):
        await ledger.receive(100)
        await ledger.receive(5, "tea")
        await ledger.store.save_restock(Goods("acme", "tea"), ledger.store.now + timedelta(days=2), 500)
        await ledger.store.save_restock(Goods("acme", "milk"), ledger.store.now - timedelta(days=2), 500)

        (said,) = await ledger.hear(a.asked(("pods", 40), ("tea", 6), ("milk", 1)))

        assert isinstance(said, StockShort)
        assert shortages(said) == [("tea", 6, 5), ("milk", 1, 0)]
        assert [one.restock_at for one in said.shortages] == [ledger.store.now + timedelta(days=2), None]
        assert (await ledger.balances("acme")).get("allocated") is None

    async def test_repeated_short_request_is_not_allocated_later(self, ledger):
        await ledger.hear(a.asked())
        await ledger.receive(100)

        assert await ledger.hear(a.asked()) == []
        assert await ledger.hear(a.refused()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 100}

    async def test_requests_of_one_batch_are_allocated_in_order(self, ledger):
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

    async def test_empty_request_is_answered_once(self, ledger):
        (said,) = await ledger.hear(a.asked(("pods", 0)))

        assert said.lines == ()
        assert await ledger.hear(a.asked(("pods", 0))) == []


class TestOrderEnded:
    @pytest.mark.parametrize("ending", [a.cancelled, a.refused, a.failed])
    async def test_end_releases_allocation_once(self, ledger, ending):
        await ledger.receive(100)
        await ledger.hear(a.asked())

        (said,) = await ledger.hear(ending())

        assert isinstance(said, StockReleased)
        assert (said.order_id, lines(said), said.reason) == ("o1", [("pods", 40)], ending().reason)
        assert await ledger.hear(ending()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 100}

    @pytest.mark.parametrize("ending", [a.cancelled, a.refused, a.failed])
    async def test_end_before_request_allocates_nothing(self, ledger, ending):
        await ledger.receive(100)

        assert await ledger.hear(ending()) == []
        assert await ledger.hear(a.asked()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 100}


class TestOrderShipped:
    async def test_shipment_reduces_stock(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())

        assert await ledger.hear(a.shipped(40)) == []
        assert await ledger.hear(a.shipped(40)) == []
        assert await ledger.hear(a.cancelled()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 60, "sold": 40}

    async def test_smaller_shipment_releases_rest(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())

        (said,) = await ledger.hear(a.shipped(35))

        assert (type(said), lines(said)) == (StockReleased, [("pods", 5)])
        assert await ledger.balances("acme") == {"supplier": -100, "available": 65, "sold": 35}

    async def test_larger_shipment_takes_available_stock_and_reports_rest(self, ledger):
        await ledger.receive(50)
        await ledger.hear(a.asked())

        await ledger.hear(a.shipped(55))

        assert await ledger.balances("acme") == {"supplier": -50, "sold": 55, "unexplained": -5}

    async def test_unnamed_lines_are_shipped_in_full(self, ledger):
        await ledger.receive(50)
        await ledger.receive(7, "tea")
        await ledger.hear(a.asked(("pods", 40), ("tea", 7)))

        await ledger.hear(a.shipped(40))

        stock = await ledger.store.list_stock("acme")
        assert {row["product_id"]: (row["available"], row["allocated"]) for row in stock} == {
            "pods": (10, 0),
            "tea": (0, 0),
        }

    async def test_shipment_before_request_takes_available_stock(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.shipped(39))

        assert await ledger.hear(a.asked()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 61, "sold": 39}

    async def test_shipment_before_request_in_one_batch(self, ledger):
        await ledger.receive(100)

        assert await ledger.hear_together(a.shipped(39), a.asked()) == []
        assert await ledger.balances("acme") == {"supplier": -100, "available": 61, "sold": 39}

    async def test_shipment_after_cancel_is_booked(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())
        await ledger.hear(a.cancelled())

        await ledger.hear(a.shipped(40))

        assert await ledger.balances("acme") == {"supplier": -100, "available": 60, "sold": 40}

    async def test_delivery_implies_shipment(self, ledger):
        await ledger.receive(100)
        await ledger.hear(a.asked())

        await ledger.hear(a.delivered(40))

        assert await ledger.balances("acme") == {"supplier": -100, "available": 60, "sold": 40}

    async def test_shipment_of_provider_without_stock_moves_customer_goods_only(self, ledger):
        await ledger.hear(a.shipped(40))

        assert await ledger.balances("acme") == {}
        assert await ledger.balances() == {"supplier": -40, "in_transit": 40}
