"""Orders of several lines: allocated all or none, shipped in parts, ended line by line."""

import pytest
from asyncpg import UniqueViolationError

from replenish_contracts.events import StockAllocated, StockReleased, StockShort
from tests.support import inventory_events as a

PODS, TEA, MORE_PODS = ("1", "pods", 40), ("2", "tea", 6), ("3", "pods", 20)


def lines(event):
    return [(line.line_id, line.product_id, line.quantity) for line in event.lines]


class TestAllocationRequested:
    async def test_all_lines_are_allocated_with_their_ids(self, stocked):
        (said,) = await stocked.hear(a.asked(PODS, TEA, MORE_PODS))

        assert isinstance(said, StockAllocated)
        assert lines(said) == [PODS, TEA, MORE_PODS]
        assert await stocked.stock() == {"pods": (40, 60), "tea": (4, 6)}

    async def test_lines_of_one_product_are_summed_before_check(self, stocked):
        (said,) = await stocked.hear(a.asked(("1", "pods", 60), TEA, ("3", "pods", 41)))

        assert isinstance(said, StockShort)
        assert [(one.product_id, one.requested, one.available, one.line_ids) for one in said.shortages] == [
            ("pods", 101, 100, ("1", "3"))
        ]
        assert await stocked.stock() == {"pods": (100, 0), "tea": (10, 0)}

    async def test_shortage_names_every_short_product_and_its_lines(self, stocked):
        (said,) = await stocked.hear(a.asked(PODS, ("2", "tea", 11), ("3", "milk", 1), ("4", "milk", 2)))

        assert [(one.product_id, one.requested, one.line_ids) for one in said.shortages] == [
            ("tea", 11, ("2",)),
            ("milk", 3, ("3", "4")),
        ]
        assert (await stocked.stock())["pods"] == (100, 0)

    async def test_repeated_request_changes_nothing(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        assert await stocked.hear(a.asked(PODS, TEA)) == []
        assert await stocked.hear_together(a.asked(PODS, TEA), a.asked(PODS, TEA)) == []
        assert await stocked.stock() == {"pods": (60, 40), "tea": (4, 6)}

    async def test_repeated_request_after_part_shipment_changes_nothing(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        assert await stocked.hear(a.asked(PODS, TEA)) == []
        assert await stocked.stock() == {"pods": (60, 25), "tea": (4, 6)}

    async def test_line_cancelled_before_request_is_not_allocated(self, stocked):
        await stocked.hear(a.lines_cancelled(("2", "tea", 600)))

        (said,) = await stocked.hear(a.asked(PODS, ("2", "tea", 600)))

        assert lines(said) == [PODS]
        assert await stocked.stock() == {"pods": (60, 40), "tea": (10, 0)}

    async def test_shipment_before_request_is_booked_and_nothing_allocated(self, stocked):
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        assert await stocked.hear(a.asked(PODS, TEA)) == []
        await stocked.hear(a.shipped(**a.about(("2", "tea", 6), shipment_id="p2")))

        assert await stocked.stock() == {"pods": (85, 0), "tea": (4, 0)}

    async def test_second_allocation_of_line_is_refused_by_database(self, ledger):
        await ledger.receive(100)
        await ledger.receive(10, "tea")
        await ledger.hear(a.asked(PODS))

        with pytest.raises(UniqueViolationError, match="allocation_by_line"):
            await ledger.store.connection.execute(
                """INSERT INTO allocation (holder_id, line_id, owner_id, product_id, quantity, state, changed_at)
                VALUES ('o1', '1', 'acme', 'tea', 1, 'released', now())"""
            )


class TestOrderShipped:
    async def test_shipment_keeps_rest_of_line_and_other_lines_allocated(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        said = await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        assert said == []
        assert await stocked.stock() == {"pods": (60, 25), "tea": (4, 6)}
        assert await stocked.balances() == {"supplier": -15, "in_transit": 15}

    async def test_shipments_add_up(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), TEA, shipment_id="p1", complete=False)))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 25), shipment_id="p2")))

        assert await stocked.stock() == {"pods": (60, 0), "tea": (4, 0)}
        assert await stocked.stock("ann") == {"pods": (0, 0), "tea": (0, 0)}

    async def test_repeated_shipment_counts_once(self, stocked):
        shipment = a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False))
        await stocked.hear(a.asked(PODS, TEA))

        await stocked.hear(shipment)
        await stocked.hear(shipment)
        await stocked.hear_together(shipment, shipment)

        assert await stocked.stock() == {"pods": (60, 25), "tea": (4, 6)}
        assert await stocked.balances() == {"supplier": -15, "in_transit": 15}

    async def test_total_without_shipment_id_includes_earlier_shipments(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        await stocked.hear(a.shipped(**a.about(PODS, complete=False)))
        await stocked.hear(a.shipped(**a.about(PODS, complete=False)))

        assert await stocked.stock() == {"pods": (60, 0), "tea": (4, 6)}
        assert await stocked.balances() == {"supplier": -40, "in_transit": 40}

    async def test_late_shipment_is_part_of_known_total(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(PODS, complete=False)))

        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        assert await stocked.stock() == {"pods": (60, 0), "tea": (4, 6)}

    async def test_complete_releases_rest_of_every_line(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        (said,) = await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1")))

        assert isinstance(said, StockReleased)
        assert lines(said) == [("1", "pods", 25), TEA]
        assert await stocked.stock() == {"pods": (85, 0), "tea": (10, 0)}

    async def test_shipment_after_release_takes_available_stock(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p2")))

        await stocked.hear(a.shipped(**a.about(("1", "pods", 25), TEA, shipment_id="p1", complete=False)))

        assert await stocked.stock() == {"pods": (60, 0), "tea": (4, 0)}

    @pytest.mark.parametrize("ending", [a.cancelled, a.refused, a.failed])
    async def test_end_of_order_releases_rest_and_sends_goods_back(self, stocked, ending):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        (said,) = await stocked.hear(ending(**a.about(TEA)))

        assert lines(said) == [("1", "pods", 25), TEA]
        assert await stocked.stock() == {"pods": (85, 0), "tea": (10, 0)}
        assert await stocked.balances() == {}

    async def test_unnamed_line_is_not_shipped(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        await stocked.hear(a.shipped(**a.about(PODS, complete=False)))

        assert (await stocked.stock())["tea"] == (4, 6)


@pytest.mark.parametrize("ended", [a.lines_cancelled, a.lines_refused])
class TestLinesEnded:
    async def test_end_of_line_releases_it_and_keeps_others(self, stocked, ended):
        await stocked.hear(a.asked(PODS, TEA, MORE_PODS))

        (said,) = await stocked.hear(ended(TEA, MORE_PODS))

        assert (lines(said), said.reason) == ([TEA, MORE_PODS], ended(TEA).reason)
        assert await stocked.stock() == {"pods": (60, 40), "tea": (10, 0)}
        assert await stocked.hear(ended(TEA, MORE_PODS)) == []

    async def test_end_of_last_line_releases_everything(self, stocked, ended):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        (said,) = await stocked.hear(ended(TEA, complete=True))

        assert lines(said) == [("1", "pods", 25), TEA]

    async def test_end_of_line_sends_its_goods_back(self, stocked, ended):
        await stocked.hear(a.asked(PODS, MORE_PODS))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), MORE_PODS, shipment_id="p1", complete=False)))

        (said,) = await stocked.hear(ended(PODS))
        again = await stocked.hear(ended(PODS))

        assert (lines(said), again) == ([("1", "pods", 25)], [])
        assert await stocked.balances() == {"supplier": -20, "in_transit": 20}

    async def test_end_of_all_lines_before_request_allocates_nothing(self, stocked, ended):
        await stocked.hear(ended(PODS, TEA, complete=True))

        assert await stocked.hear(a.asked(PODS, TEA)) == []
        assert await stocked.stock() == {"pods": (100, 0), "tea": (10, 0)}

    async def test_goods_of_ended_line_that_left_are_booked(self, stocked, ended):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(ended(TEA))

        await stocked.hear(a.shipped(**a.about(TEA, shipment_id="p1", complete=False)))

        assert await stocked.stock() == {"pods": (60, 40), "tea": (4, 0)}
        assert await stocked.balances() == {"supplier": -6, "in_transit": 6}
