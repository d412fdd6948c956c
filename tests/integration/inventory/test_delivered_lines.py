"""Lines of an order are credited, claimed and returned one by one, each once."""

import pytest
from asyncpg import UniqueViolationError

from libs.kit import NotReadyError
from replenish_contracts.events import CountCause, FillCause, StockArrived
from tests.support import inventory_events as a

PODS, TEA, MORE_PODS = ("1", "pods", 40), ("2", "tea", 6), ("3", "pods", 20)


def arrivals(said):
    return [(one.line_id, one.product_id, one.quantity, one.shelf) for one in said if isinstance(one, StockArrived)]


class TestOrderDelivered:
    async def test_each_line_is_credited_to_its_shelf(self, stocked):
        await stocked.hear(a.asked(PODS, TEA, MORE_PODS))

        said = await stocked.hear(a.delivered(**a.about(PODS, TEA, MORE_PODS)))

        assert arrivals(said) == [("1", "pods", 40, 40), ("2", "tea", 6, 6), ("3", "pods", 20, 60)]
        assert await stocked.stock("ann") == {"pods": (60, 0), "tea": (6, 0)}
        assert await stocked.stock() == {"pods": (40, 0), "tea": (4, 0)}

    async def test_arrival_of_an_unclear_quantity_says_so(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        said = await stocked.hear(a.delivered(**a.about(PODS, TEA), unclear_line_ids=("2",)))

        assert [one.is_unclear for one in said if isinstance(one, StockArrived)] == [None, True]

    async def test_each_line_is_credited_once_by_first_event(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        first = await stocked.hear(a.delivered(**a.about(PODS, complete=False)))
        both = await stocked.hear(a.delivered(**a.about(PODS, TEA)))
        again = await stocked.hear_together(a.delivered(**a.about(PODS, TEA)), a.delivered(**a.about(TEA)))

        assert (arrivals(first), arrivals(both), again) == ([("1", "pods", 40, 40)], [("2", "tea", 6, 6)], [])
        assert await stocked.stock("ann") == {"pods": (40, 0), "tea": (6, 0)}

    async def test_delivery_keeps_other_lines_allocated_until_complete(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        await stocked.hear(a.delivered(**a.about(("1", "pods", 35), complete=False)))
        kept = await stocked.stock()
        await stocked.hear(a.delivered(**a.about(("2", "tea", 4))))

        assert kept == {"pods": (65, 0), "tea": (4, 6)}
        assert await stocked.stock() == {"pods": (65, 0), "tea": (6, 0)}

    async def test_delivery_takes_all_shipments_of_line_out_of_transit(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        for shipment, quantity in (("p1", 15), ("p2", 25)):
            await stocked.hear(a.shipped(**a.about(("1", "pods", quantity), shipment_id=shipment, complete=False)))

        await stocked.hear(a.delivered(**a.about(("1", "pods", 38), complete=False)))

        assert await stocked.balances() == {"supplier": -40, "shelf": 38, "unexplained": 2}

    async def test_shipment_after_delivery_changes_nothing(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.delivered(**a.about(PODS, complete=False)))

        await stocked.hear(a.shipped(**a.about(PODS, shipment_id="p1", complete=False)))

        assert await stocked.balances() == {"supplier": -40, "shelf": 40}
        assert await stocked.stock() == {"pods": (60, 0), "tea": (4, 6)}

    async def test_early_load_is_settled_once_over_lines_of_one_product(self, stocked):
        await stocked.register()
        await stocked.hear(a.filled(50))

        said = await stocked.hear(a.delivered(**a.about(PODS, MORE_PODS)))

        assert [(type(one).__name__, one.shelf) for one in said] == [
            ("StockArrived", 40),
            ("StockCounted", 0),
            ("StockArrived", 20),
            ("StockCounted", 10),
        ]
        assert await stocked.balances() == {"supplier": -60, "shelf": 10, "loaded": 50}

    async def test_delivery_to_erased_customer_is_moved_out_per_line(self, stocked):
        await stocked.hear(a.erased())

        said = await stocked.hear(a.delivered(**a.about(PODS, TEA, MORE_PODS)))

        counted = [one for one in said if not isinstance(one, StockArrived)]
        assert [(one.product_id, one.difference, one.cause) for one in counted] == [
            ("pods", -40, CountCause.MOVED_OUT),
            ("tea", -6, CountCause.MOVED_OUT),
            ("pods", -20, CountCause.MOVED_OUT),
        ]
        assert await stocked.stock("ann") == {"pods": (0, 0), "tea": (0, 0)}

    async def test_second_credit_of_line_is_refused_by_database(self, ledger):
        await ledger.hear(a.delivered(**a.about(PODS)))

        with pytest.raises(UniqueViolationError, match="ledger_transaction_credits_once"):
            await ledger.store.connection.execute(
                """INSERT INTO ledger_transaction (transaction_id, owner_id, product_id, action, reason, quantity,
                       order_id, line_id, booked_by, happened_at, booked_at)
                SELECT gen_random_uuid(), owner_id, product_id, action, reason, quantity, order_id, line_id,
                       booked_by, happened_at, booked_at
                FROM ledger_transaction WHERE reason = 'delivered'"""
            )


class TestSlotFilled:
    async def test_fill_by_arrival_waits_for_line_of_its_product(self, stocked):
        await stocked.register()
        fill = a.filled(40, FillCause.ARRIVAL, order_id="o1")
        await stocked.hear(a.shipped(**a.about(PODS, TEA, shipment_id="p1")))
        await stocked.hear(a.delivered(**a.about(TEA, complete=False)))

        with pytest.raises(NotReadyError, match="arrived:o1"):
            await stocked.hear(fill)
        await stocked.hear(a.delivered(**a.about(PODS)))
        (said,) = await stocked.hear(fill)

        assert (said.shelf, said.cause) == (0, CountCause.LOADED)


class TestClaimRaised:
    async def test_claim_counts_one_line(self, stocked):
        await stocked.hear(a.delivered(**a.about(PODS, MORE_PODS)))

        first = await stocked.hear(a.claimed(15, **a.about(MORE_PODS), ordered=20))
        again = await stocked.hear(a.claimed(15, **a.about(MORE_PODS), ordered=20))
        other = await stocked.hear(a.claimed(39, **a.about(PODS)))

        assert [(one.difference, one.shelf) for one in (*first, *again, *other)] == [(-5, 55), (-1, 54)]


class TestOrderReturned:
    async def test_return_is_booked_per_line(self, stocked):
        await stocked.hear(a.asked(PODS, MORE_PODS))
        await stocked.hear(a.delivered(**a.about(PODS, MORE_PODS)))

        first = await stocked.hear(a.returned(**a.about(("3", "pods", 20))))
        again = await stocked.hear(a.returned(**a.about(("3", "pods", 20))))
        other = await stocked.hear(a.returned(**a.about(("1", "pods", 10))))

        assert [(one.difference, one.shelf) for one in (*first, *again, *other)] == [(-20, 40), (-10, 30)]
        balances = await stocked.balances("acme")
        assert (balances["returned"], balances["sold"]) == (30, 30)


class TestEventsWithoutLines:
    async def test_event_without_lines_is_about_first_line(self, stocked):
        await stocked.hear(a.asked())
        await stocked.hear(a.shipped(**a.about(("1", "pods", 40))))

        said = await stocked.hear(a.delivered(40))
        again = await stocked.hear(a.delivered(**a.about(("1", "pods", 40))))

        assert (arrivals(said), again) == ([("1", "pods", 40, 40)], [])
        assert (await stocked.stock())["pods"] == (60, 0)

    async def test_product_identifies_line_of_request_without_ids(self, stocked):
        await stocked.hear(a.asked(("tea", 6), ("pods", 40)))

        await stocked.hear(a.shipped(**a.about(("2", "pods", 15), shipment_id="p1", complete=False)))

        assert await stocked.stock() == {"pods": (60, 25), "tea": (4, 6)}


class TestChecks:
    @pytest.mark.parametrize(
        ("spoil", "view"),
        [
            ("UPDATE consignment SET total = 0", "check_consignments_are_their_shipments"),
            ("DELETE FROM shipment_line", "check_consignments_are_their_shipments"),
            ("UPDATE consignment SET journey = 'returned'", "check_credited_lines_are_delivered"),
            ("UPDATE allocation SET shipped = shipped + 1", "check_shipped_allocations_are_their_consignments"),
            ("UPDATE allocation SET line_id = '9' WHERE line_id = '2'", "check_allocations_are_their_bookings"),
        ],
    )
    async def test_checks_find_lines_that_differ(self, ledger, spoil, view):
        await ledger.receive(100)
        await ledger.hear(a.asked(PODS, ("2", "pods", 9)))
        await ledger.hear(a.delivered(**a.about(PODS, complete=False)))
        await ledger.hear(a.shipped(**a.about(("4", "pods", 9), shipment_id="p1", complete=False, order_id="o2")))
        before = await ledger.findings()

        await ledger.store.connection.execute(spoil)

        assert before == {}
        assert view in await ledger.findings()
