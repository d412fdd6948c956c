"""Orders of several lines: allocated all or none, shipped in parts, credited and ended line by line."""

import pytest
from asyncpg import UniqueViolationError

from libs.kit import NotReadyError
from replenish_contracts.events import CountCause, FillCause, StockAllocated, StockArrived, StockReleased, StockShort
from tests.integration.inventory.environment import VIEWS
from tests.support import inventory_events as a

PODS, TEA, MORE_PODS = ("1", "pods", 40), ("2", "tea", 6), ("3", "pods", 20)


def lines(event):
    return [(line.line_id, line.product_id, line.quantity) for line in event.lines]


def arrivals(said):
    return [(one.line_id, one.product_id, one.quantity, one.shelf) for one in said if isinstance(one, StockArrived)]


@pytest.fixture
async def stocked(ledger):
    """100 pods and 10 tea of acme; at the end, no check finds anything."""
    await ledger.receive(100)
    await ledger.receive(10, "tea")
    yield ledger
    assert await findings(ledger.store) == {}


async def findings(store):
    views = [name for (name,) in await store.connection.fetch(VIEWS)]
    found = {view: await store.connection.fetch(f"SELECT subject, problem FROM {view}") for view in views}
    return {view: [tuple(row) for row in rows] for view, rows in found.items() if rows}


async def stock(ledger, owner_id="acme"):
    """Return available and allocated stock by product."""
    rows = await ledger.store.list_stock(owner_id)
    return {row["product_id"]: (row["available"], row["allocated"]) for row in rows}


class TestAllocationRequested:
    async def test_all_lines_are_allocated_with_their_ids(self, stocked):
        (said,) = await stocked.hear(a.asked(PODS, TEA, MORE_PODS))

        assert isinstance(said, StockAllocated)
        assert lines(said) == [PODS, TEA, MORE_PODS]
        assert await stock(stocked) == {"pods": (40, 60), "tea": (4, 6)}

    async def test_lines_of_one_product_are_summed_before_check(self, stocked):
        (said,) = await stocked.hear(a.asked(("1", "pods", 60), TEA, ("3", "pods", 41)))

        assert isinstance(said, StockShort)
        assert [(one.product_id, one.requested, one.available, one.line_ids) for one in said.shortages] == [
            ("pods", 101, 100, ("1", "3"))
        ]
        assert await stock(stocked) == {"pods": (100, 0), "tea": (10, 0)}

    async def test_shortage_names_every_short_product_and_its_lines(self, stocked):
        (said,) = await stocked.hear(a.asked(PODS, ("2", "tea", 11), ("3", "milk", 1), ("4", "milk", 2)))

        assert [(one.product_id, one.requested, one.line_ids) for one in said.shortages] == [
            ("tea", 11, ("2",)),
            ("milk", 3, ("3", "4")),
        ]
        assert (await stock(stocked))["pods"] == (100, 0)

    async def test_repeated_request_changes_nothing(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        assert await stocked.hear(a.asked(PODS, TEA)) == []
        assert await stocked.hear_together(a.asked(PODS, TEA), a.asked(PODS, TEA)) == []
        assert await stock(stocked) == {"pods": (60, 40), "tea": (4, 6)}

    async def test_repeated_request_after_part_shipment_changes_nothing(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        assert await stocked.hear(a.asked(PODS, TEA)) == []
        assert await stock(stocked) == {"pods": (60, 25), "tea": (4, 6)}

    async def test_line_cancelled_before_request_is_not_allocated(self, stocked):
        await stocked.hear(a.lines_cancelled(("2", "tea", 600)))

        (said,) = await stocked.hear(a.asked(PODS, ("2", "tea", 600)))

        assert lines(said) == [PODS]
        assert await stock(stocked) == {"pods": (60, 40), "tea": (10, 0)}

    async def test_parcel_before_request_is_booked_and_nothing_allocated(self, stocked):
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        assert await stocked.hear(a.asked(PODS, TEA)) == []
        await stocked.hear(a.shipped(**a.about(("2", "tea", 6), shipment_id="p2")))

        assert await stock(stocked) == {"pods": (85, 0), "tea": (4, 0)}

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
    async def test_parcel_keeps_rest_of_line_and_other_lines_allocated(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        said = await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        assert said == []
        assert await stock(stocked) == {"pods": (60, 25), "tea": (4, 6)}
        assert await stocked.balances() == {"supplier": -15, "in_transit": 15}

    async def test_parcels_add_up(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), TEA, shipment_id="p1", complete=False)))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 25), shipment_id="p2")))

        assert await stock(stocked) == {"pods": (60, 0), "tea": (4, 0)}
        assert await stock(stocked, "ann") == {"pods": (0, 0), "tea": (0, 0)}

    async def test_repeated_parcel_counts_once(self, stocked):
        parcel = a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False))
        await stocked.hear(a.asked(PODS, TEA))

        await stocked.hear(parcel)
        await stocked.hear(parcel)
        await stocked.hear_together(parcel, parcel)

        assert await stock(stocked) == {"pods": (60, 25), "tea": (4, 6)}
        assert await stocked.balances() == {"supplier": -15, "in_transit": 15}

    async def test_total_without_shipment_id_includes_earlier_parcels(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        await stocked.hear(a.shipped(**a.about(PODS, complete=False)))
        await stocked.hear(a.shipped(**a.about(PODS, complete=False)))

        assert await stock(stocked) == {"pods": (60, 0), "tea": (4, 6)}
        assert await stocked.balances() == {"supplier": -40, "in_transit": 40}

    async def test_late_parcel_is_part_of_known_total(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(PODS, complete=False)))

        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        assert await stock(stocked) == {"pods": (60, 0), "tea": (4, 6)}

    async def test_complete_releases_rest_of_every_line(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        (said,) = await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1")))

        assert isinstance(said, StockReleased)
        assert lines(said) == [("1", "pods", 25), TEA]
        assert await stock(stocked) == {"pods": (85, 0), "tea": (10, 0)}

    async def test_parcel_after_release_takes_available_stock(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p2")))

        await stocked.hear(a.shipped(**a.about(("1", "pods", 25), TEA, shipment_id="p1", complete=False)))

        assert await stock(stocked) == {"pods": (60, 0), "tea": (4, 0)}

    @pytest.mark.parametrize("ending", [a.cancelled, a.refused, a.failed])
    async def test_end_of_order_releases_rest_and_sends_goods_back(self, stocked, ending):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.shipped(**a.about(("1", "pods", 15), shipment_id="p1", complete=False)))

        (said,) = await stocked.hear(ending(**a.about(TEA)))

        assert lines(said) == [("1", "pods", 25), TEA]
        assert await stock(stocked) == {"pods": (85, 0), "tea": (10, 0)}
        assert await stocked.balances() == {}

    async def test_unnamed_line_is_not_shipped(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        await stocked.hear(a.shipped(**a.about(PODS, complete=False)))

        assert (await stock(stocked))["tea"] == (4, 6)


@pytest.mark.parametrize("ended", [a.lines_cancelled, a.lines_refused])
class TestLinesEnded:
    async def test_end_of_line_releases_it_and_keeps_others(self, stocked, ended):
        await stocked.hear(a.asked(PODS, TEA, MORE_PODS))

        (said,) = await stocked.hear(ended(TEA, MORE_PODS))

        assert (lines(said), said.reason) == ([TEA, MORE_PODS], ended(TEA).reason)
        assert await stock(stocked) == {"pods": (60, 40), "tea": (10, 0)}
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
        assert await stock(stocked) == {"pods": (100, 0), "tea": (10, 0)}

    async def test_goods_of_ended_line_that_left_are_booked(self, stocked, ended):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(ended(TEA))

        await stocked.hear(a.shipped(**a.about(TEA, shipment_id="p1", complete=False)))

        assert await stock(stocked) == {"pods": (60, 40), "tea": (4, 0)}
        assert await stocked.balances() == {"supplier": -6, "in_transit": 6}


class TestOrderDelivered:
    async def test_each_line_is_credited_to_its_shelf(self, stocked):
        await stocked.hear(a.asked(PODS, TEA, MORE_PODS))

        said = await stocked.hear(a.delivered(**a.about(PODS, TEA, MORE_PODS)))

        assert arrivals(said) == [("1", "pods", 40, 40), ("2", "tea", 6, 6), ("3", "pods", 20, 60)]
        assert await stock(stocked, "ann") == {"pods": (60, 0), "tea": (6, 0)}
        assert await stock(stocked) == {"pods": (40, 0), "tea": (4, 0)}

    async def test_each_line_is_credited_once_by_first_event(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        first = await stocked.hear(a.delivered(**a.about(PODS, complete=False)))
        both = await stocked.hear(a.delivered(**a.about(PODS, TEA)))
        again = await stocked.hear_together(a.delivered(**a.about(PODS, TEA)), a.delivered(**a.about(TEA)))

        assert (arrivals(first), arrivals(both), again) == ([("1", "pods", 40, 40)], [("2", "tea", 6, 6)], [])
        assert await stock(stocked, "ann") == {"pods": (40, 0), "tea": (6, 0)}

    async def test_delivery_keeps_other_lines_allocated_until_complete(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))

        await stocked.hear(a.delivered(**a.about(("1", "pods", 35), complete=False)))
        kept = await stock(stocked)
        await stocked.hear(a.delivered(**a.about(("2", "tea", 4))))

        assert kept == {"pods": (65, 0), "tea": (4, 6)}
        assert await stock(stocked) == {"pods": (65, 0), "tea": (6, 0)}

    async def test_delivery_takes_all_parcels_of_line_out_of_transit(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        for parcel, quantity in (("p1", 15), ("p2", 25)):
            await stocked.hear(a.shipped(**a.about(("1", "pods", quantity), shipment_id=parcel, complete=False)))

        await stocked.hear(a.delivered(**a.about(("1", "pods", 38), complete=False)))

        assert await stocked.balances() == {"supplier": -40, "shelf": 38, "unexplained": 2}

    async def test_parcel_after_delivery_changes_nothing(self, stocked):
        await stocked.hear(a.asked(PODS, TEA))
        await stocked.hear(a.delivered(**a.about(PODS, complete=False)))

        await stocked.hear(a.shipped(**a.about(PODS, shipment_id="p1", complete=False)))

        assert await stocked.balances() == {"supplier": -40, "shelf": 40}
        assert await stock(stocked) == {"pods": (60, 0), "tea": (4, 6)}

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
        assert await stock(stocked, "ann") == {"pods": (0, 0), "tea": (0, 0)}

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
        assert (await stock(stocked))["pods"] == (60, 0)

    async def test_product_identifies_line_of_request_without_ids(self, stocked):
        await stocked.hear(a.asked(("tea", 6), ("pods", 40)))

        await stocked.hear(a.shipped(**a.about(("2", "pods", 15), shipment_id="p1", complete=False)))

        assert await stock(stocked) == {"pods": (60, 25), "tea": (4, 6)}


class TestChecks:
    @pytest.mark.parametrize(
        ("spoil", "view"),
        [
            ("UPDATE consignment SET total = 0", "check_consignments_are_their_parcels"),
            ("DELETE FROM parcel", "check_consignments_are_their_parcels"),
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
        before = await findings(ledger.store)

        await ledger.store.connection.execute(spoil)

        assert before == {}
        assert view in await findings(ledger.store)
