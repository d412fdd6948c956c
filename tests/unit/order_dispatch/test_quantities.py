"""Reported quantities that may be packs: the ordered quantity counts, nothing is claimed, and the line says so."""

import pytest

from replenish_contracts.events import UpdateNote
from services.order_dispatch.domain import LineState, State, check_due_order, record_count
from tests.support import orders as a

#: Of a.order(): 2 packs of 20.
PACKS, QUANTITY = 2, 40


def shipped(quantity=PACKS, **changes):
    return a.apply(a.order(State.PLACED), a.update("shipped", quantity=quantity, **changes))


def packs_of(packs, size):
    """Return a placed order of this many packs."""
    line = {"packs": packs, "pack_size": size, "quantity": packs * size}
    return a.with_line(a.order(State.PLACED), **line)


class TestPacks:
    def test_number_of_packs_ships_the_ordered_quantity(self):
        decision = shipped()

        line, (event,) = a.only(decision.order), decision.events
        assert (line.state, line.shipped_quantity, line.is_unclear) == (LineState.SHIPPED, QUANTITY, True)
        assert (event.quantity, event.unclear_line_ids) == (QUANTITY, ("1",))

    @pytest.mark.parametrize("status", ["shipped", "delivered"])
    @pytest.mark.parametrize(("packs", "size"), [(1, 50), (2, 50), (3, 2), (1, 500_000)])
    def test_no_claim_is_raised_for_it(self, status, packs, size):
        decision = a.apply(packs_of(packs, size), a.update(status, quantity=packs))
        delivered = check_due_order(decision.order, a.TIMEOUTS, a.NOON + a.days(30))
        events = [*decision.events, *delivered.events]

        assert "ClaimRaised" not in {type(event).__name__ for event in events}
        assert events[-1].quantity == packs * size
        assert events[-1].unclear_line_ids == ("1",)
        assert decision.refund == delivered.refund == 0

    @pytest.mark.parametrize(
        ("packs", "size", "quantity"),
        [
            (2, 20, 40),
            (2, 20, 20),  # one of two packs
            (2, 20, 30),
            (2, 20, 1),  # fewer than the packs
            (3, 1, 3),
            (4, 2, 4),  # two packs in base steps
            (2, 20, 0),
        ],
    )
    def test_other_quantities_are_base_steps(self, packs, size, quantity):
        order = a.apply(packs_of(packs, size), a.update("delivered", quantity=quantity)).order

        assert (a.only(order).is_unclear, a.only(order).received_quantity) == (False, quantity)

    def test_line_of_several_is_read_like_an_only_line(self):
        lines = (a.about("1", quantity=2, remaining=0), a.about("2", quantity=60))

        order = a.apply(a.basket(State.PLACED), a.update("shipped", lines=lines)).order

        assert [line.shipped_quantity for line in order.lines] == [40, 60]
        assert [line.is_unclear for line in order.lines] == [True, False]

    def test_parcel_with_the_number_of_packs_is_all_of_them(self):
        order = shipped(shipment_id="p1").order

        assert (order.has_all_left, a.only(order).remaining_quantity) == (True, 0)

    def test_update_has_a_note_with_the_number(self):
        decided = a.decide(a.order(State.PLACED), a.update("shipped", quantity=PACKS))

        (note,) = [note for note in decided.notes if note.field == "quantity"]
        assert note.value == "2"
        assert "packs" in note.reason

    def test_accepted_order_has_no_unclear_quantity(self):
        order = a.apply(a.order(State.PLACING), a.update("accepted", quantity=PACKS)).order

        assert not a.only(order).is_unclear


class TestOtherReports:
    def test_dropped_quantity_is_unclear(self):
        note = UpdateNote.about("quantity", "a few", "not a whole number")

        assert a.only(shipped(None, notes=(note,)).order).is_unclear

    def test_dropped_detail_of_another_kind_is_not(self):
        note = UpdateNote.about("tracking", [], "not a text")

        assert not a.only(shipped(None, notes=(note,)).order).is_unclear

    def test_clear_quantity_settles_it(self):
        order = a.apply(shipped().order, a.update("delivered", quantity=30)).order

        assert (a.only(order).is_unclear, a.only(order).state) == (False, LineState.SHORT)

    def test_known_shipment_is_not_doubted_by_a_repetition(self):
        order = a.apply(shipped(None).order, a.update("shipped", update_id="u2", quantity=PACKS)).order

        assert not a.only(order).is_unclear

    @pytest.mark.parametrize(("counted", "state"), [(40, LineState.DELIVERED), (2, LineState.SHORT)])
    def test_count_of_the_customer_settles_it(self, counted, state):
        delivered = check_due_order(shipped().order, a.TIMEOUTS, a.NOON + a.days(30)).order

        line = a.only(record_count(delivered, counted, a.NOON).order)

        assert (line.is_unclear, line.state, line.received_quantity) == (False, state, counted)
