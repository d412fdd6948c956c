"""What left of a line does not depend on the order of its reports, nor on their number."""

from hypothesis import given
from hypothesis import strategies as some

from services.inventory.domain import Consignment, Goods, Journey, LineKey, ShipmentLine, Transit

FIRST, SECOND = LineKey("o1", "1"), LineKey("o1", "2")
PODS = Goods("ann", "pods")
reports = some.lists(
    some.tuples(some.sampled_from([None, "p1", "p2", "p3"]), some.integers(0, 20)), unique_by=lambda one: one[0]
)


class TestLeave:
    def test_shipments_add_up(self):
        assert Consignment().leave(2, "p1").leave(3, "p2").shipped == 5

    def test_second_report_of_shipment_changes_nothing(self):
        once = Consignment().leave(2, "p1")

        assert once.leave(2, "p1") == once
        assert once.leave(3, "p1") == once

    def test_total_includes_shipments(self):
        assert Consignment().leave(2, "p1").leave(5).shipped == 5
        assert Consignment().leave(5).leave(2, "p1").shipped == 5

    def test_smaller_total_changes_nothing(self):
        assert Consignment().leave(2, "p1").leave(3, "p2").leave(4).shipped == 5

    @given(reports, some.randoms())
    def test_order_and_repetition_do_not_matter(self, told, chance):
        once = again = Consignment()
        for shipment, quantity in told:
            once = once.leave(quantity, shipment)
        disordered = told + [one for one in told if chance.random() < 0.5]
        chance.shuffle(disordered)

        for shipment, quantity in disordered:
            again = again.leave(quantity, shipment)

        total = max((n for shipment, n in told if shipment is None), default=0)
        assert once == again
        assert once.shipped == max(total, sum(n for shipment, n in told if shipment is not None))


class TestTransit:
    def test_lines_are_kept_apart(self):
        transit = Transit({FIRST: (PODS, Consignment(Journey.IN_TRANSIT, 4, 4))})

        transit.leave(SECOND, PODS, 3, "p1")

        assert (transit.get(FIRST).shipped, transit.get(SECOND).shipped) == (4, 3)
        assert transit.of_order("o1").keys() == {"1", "2"}

    def test_only_changed_lines_and_new_shipments_are_written(self):
        transit = Transit({FIRST: (PODS, Consignment(Journey.IN_TRANSIT, 4, 0, {"p1": 4}))})

        transit.leave(FIRST, PODS, 4, "p1")
        transit.leave(SECOND, PODS, 3, "p1")
        transit.leave(SECOND, PODS, 3, "p1")

        assert transit.changed.keys() == {SECOND}
        assert transit.shipments == [ShipmentLine(SECOND, "p1", 3)]
