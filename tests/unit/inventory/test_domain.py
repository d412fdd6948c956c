"""What moves in the ledger of goods."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.inventory.domain import (
    Consignment,
    Journey,
    Place,
    SlotFacts,
    correct,
    count,
    deliver,
    load,
    loaded_quantity,
    move_out,
    offset_early_load,
    send_back,
    ship,
)

steps = some.integers(0, 10**6)


def by_place(movement):
    return {entry.place: entry.quantity for entry in movement.entries}


class TestEveryMovement:
    @given(steps, steps, steps)
    def test_sums_to_zero(self, quantity, shelf, shipped):
        movements = [
            ship(quantity),
            send_back(Consignment(Journey.IN_TRANSIT, shipped)),
            deliver(Consignment(Journey.IN_TRANSIT, shipped), quantity),
            deliver(Consignment(), quantity),
            load(quantity, shelf),
            correct(quantity - shelf),
            count(quantity, shelf),
            move_out(shelf),
            offset_early_load(quantity, shelf),
        ]

        assert [sum(entry.quantity for entry in movement.entries) for movement in movements] == [0] * len(movements)

    @given(steps, steps)
    def test_never_takes_more_from_the_shelf_than_there_is(self, quantity, shelf):
        assert -shelf <= load(quantity, shelf).shelf_change <= 0

    def test_without_a_difference_has_no_entries(self):
        assert [m.entries for m in (count(5, 5), correct(0), load(0, 3), move_out(0), ship(0))] == [()] * 5


class TestDeliver:
    def test_credits_what_was_never_said_to_be_shipped(self):
        assert by_place(deliver(Consignment(), 40)) == {Place.SUPPLIER: -40, Place.SHELF: 40}

    def test_takes_shipped_goods_out_of_transit(self):
        movement = deliver(Consignment(Journey.IN_TRANSIT, 40), 40)

        assert by_place(movement) == {Place.IN_TRANSIT: -40, Place.SHELF: 40}

    def test_shows_what_was_lost_on_the_way(self):
        movement = deliver(Consignment(Journey.IN_TRANSIT, 6), 5)

        assert by_place(movement) == {Place.IN_TRANSIT: -6, Place.SHELF: 5, Place.UNEXPLAINED: 1}

    def test_credits_goods_that_came_back_and_were_sent_again(self):
        assert by_place(deliver(Consignment(Journey.RETURNED), 40)) == {Place.SUPPLIER: -40, Place.SHELF: 40}


class TestSendBack:
    def test_empties_transit(self):
        assert by_place(send_back(Consignment(Journey.IN_TRANSIT, 40))) == {Place.IN_TRANSIT: -40, Place.SUPPLIER: 40}

    @pytest.mark.parametrize("journey", [Journey.ORDERED, Journey.RETURNED, Journey.DELIVERED])
    def test_moves_nothing_that_is_not_in_transit(self, journey):
        assert send_back(Consignment(journey, 40)).entries == ()


class TestLoad:
    def test_takes_from_the_shelf_what_is_there_and_shows_the_rest(self):
        assert by_place(load(10, 4)) == {Place.SHELF: -4, Place.UNEXPLAINED: -6, Place.LOADED: 10}

    def test_takes_a_whole_cartridge_though_the_level_rose_by_less(self):
        slot = SlotFacts(capacity=100, replaced_whole=True)

        assert loaded_quantity(slot, rise=97, level=100) == 100

    def test_takes_only_the_rise_where_a_cartridge_was_merely_measured_better(self):
        slot = SlotFacts(capacity=100, replaced_whole=True)

        assert loaded_quantity(slot, rise=2, level=42) == 2

    @pytest.mark.parametrize("slot", [None, SlotFacts(capacity=100, replaced_whole=False)])
    def test_takes_the_rise_where_goods_are_added(self, slot):
        assert loaded_quantity(slot, rise=97, level=100) == 97


class TestSettle:
    """Goods that were loaded before their delivery was reported are not on the shelf too."""

    def test_takes_them_off_the_shelf_and_explains_their_loading(self):
        assert by_place(offset_early_load(6, arrived=40)) == {Place.SHELF: -6, Place.UNEXPLAINED: 6}

    def test_takes_no_more_than_arrived(self):
        assert by_place(offset_early_load(60, arrived=40)) == {Place.SHELF: -40, Place.UNEXPLAINED: 40}

    @pytest.mark.parametrize("owed", [0, -3])
    def test_moves_nothing_where_nothing_was_loaded_early(self, owed):
        assert offset_early_load(owed, arrived=40).entries == ()


class TestCount:
    def test_shows_what_was_missing(self):
        assert by_place(count(3, 10)) == {Place.SHELF: -7, Place.UNEXPLAINED: 7}

    def test_shows_what_nobody_knew_of(self):
        assert by_place(count(10, 3)) == {Place.SHELF: 7, Place.UNEXPLAINED: -7}


class TestCorrect:
    def test_leaves_the_shelf_alone(self):
        assert by_place(correct(-4)) == {Place.UNEXPLAINED: 4, Place.LOADED: -4}
