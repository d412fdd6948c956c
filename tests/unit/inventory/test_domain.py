"""Movements in the ledger of goods."""

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


class TestMovements:
    @given(steps, steps, steps)
    def test_movement_sums_to_zero(self, quantity, shelf, shipped):
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
    def test_movement_takes_at_most_shelf(self, quantity, shelf):
        assert -shelf <= load(quantity, shelf).shelf_change <= 0

    def test_movement_without_difference_has_no_entries(self):
        assert [m.entries for m in (count(5, 5), correct(0), load(0, 3), move_out(0), ship(0))] == [()] * 5


class TestDeliver:
    def test_deliver_credits_unshipped_goods(self):
        assert by_place(deliver(Consignment(), 40)) == {Place.SUPPLIER: -40, Place.SHELF: 40}

    def test_deliver_takes_goods_out_of_transit(self):
        movement = deliver(Consignment(Journey.IN_TRANSIT, 40), 40)

        assert by_place(movement) == {Place.IN_TRANSIT: -40, Place.SHELF: 40}

    def test_deliver_books_loss(self):
        movement = deliver(Consignment(Journey.IN_TRANSIT, 6), 5)

        assert by_place(movement) == {Place.IN_TRANSIT: -6, Place.SHELF: 5, Place.UNEXPLAINED: 1}

    def test_deliver_credits_resent_goods(self):
        assert by_place(deliver(Consignment(Journey.RETURNED), 40)) == {Place.SUPPLIER: -40, Place.SHELF: 40}


class TestSendBack:
    def test_send_back_empties_transit(self):
        assert by_place(send_back(Consignment(Journey.IN_TRANSIT, 40))) == {Place.IN_TRANSIT: -40, Place.SUPPLIER: 40}

    @pytest.mark.parametrize("journey", [Journey.ORDERED, Journey.RETURNED, Journey.DELIVERED])
    def test_send_back_without_transit_moves_nothing(self, journey):
        assert send_back(Consignment(journey, 40)).entries == ()


class TestLoad:
    def test_load_beyond_shelf_books_unexplained_rest(self):
        assert by_place(load(10, 4)) == {Place.SHELF: -4, Place.UNEXPLAINED: -6, Place.LOADED: 10}

    def test_load_takes_whole_cartridge(self):
        slot = SlotFacts(capacity=100, replaced_whole=True)

        assert loaded_quantity(slot, rise=97, level=100) == 100

    def test_load_of_corrected_cartridge_takes_rise(self):
        slot = SlotFacts(capacity=100, replaced_whole=True)

        assert loaded_quantity(slot, rise=2, level=42) == 2

    @pytest.mark.parametrize("slot", [None, SlotFacts(capacity=100, replaced_whole=False)])
    def test_load_of_added_goods_takes_rise(self, slot):
        assert loaded_quantity(slot, rise=97, level=100) == 97


class TestSettle:
    """Goods loaded before their delivery was reported are not also on the shelf."""

    def test_settle_takes_shelf_and_explains_loading(self):
        assert by_place(offset_early_load(6, arrived=40)) == {Place.SHELF: -6, Place.UNEXPLAINED: 6}

    def test_settle_takes_at_most_arrival(self):
        assert by_place(offset_early_load(60, arrived=40)) == {Place.SHELF: -40, Place.UNEXPLAINED: 40}

    @pytest.mark.parametrize("owed", [0, -3])
    def test_settle_without_early_loading_moves_nothing(self, owed):
        assert offset_early_load(owed, arrived=40).entries == ()


class TestCount:
    def test_count_books_missing_goods(self):
        assert by_place(count(3, 10)) == {Place.SHELF: -7, Place.UNEXPLAINED: 7}

    def test_count_books_surplus(self):
        assert by_place(count(10, 3)) == {Place.SHELF: 7, Place.UNEXPLAINED: -7}


class TestCorrect:
    def test_correct_keeps_shelf(self):
        assert by_place(correct(-4)) == {Place.UNEXPLAINED: 4, Place.LOADED: -4}
