"""Conversion and validation of registered slots."""

import pytest

from replenish_contracts.events import Fill, Loading, SlotMove
from replenish_contracts.units import UnitSystem
from services.portal.domain.devices import DeviceState, Registration, next_registration
from services.portal.domain.registration import InvalidDeviceError, Quantity, map_slots, slot_specs
from tests.unit.portal import builders as a


class TestSpecify:
    @pytest.mark.parametrize(
        ("changes", "unit", "capacity", "level"),
        [
            ({}, "GRM", 1000, 0),
            ({"unit": "kg", "capacity": Quantity(2)}, "GRM", 2000, 0),
            ({"capacity": Quantity("12", "oz")}, "GRM", 340, 0),
            ({"unit": "fl oz", "capacity": Quantity("10")}, "MLT", 296, 0),
            ({"unit": "ml", "scale": 2, "capacity": Quantity("0.75", "l")}, "MLT", 75_000, 0),
            ({"unit": "pods", "capacity": Quantity(60), "level": Quantity("20", "count")}, "C62", 60, 20),
            ({"unit": "%", "capacity": Quantity(100), "level": Quantity(100)}, "P1", 100, 100),
            ({"unit": "%", "scale": 2, "capacity": Quantity(100), "level": Quantity("0.25")}, "P1", 10_000, 25),
        ],
    )
    def test_specify_converts_to_steps_of_base_unit(self, changes, unit, capacity, level):
        (spec,) = slot_specs([a.slot_form(**changes)])

        assert (spec.unit, spec.capacity, spec.level) == (unit, capacity, level)

    @pytest.mark.parametrize(
        ("changes", "capacity", "system"),
        [
            ({"unit": "ml", "capacity": Quantity("5")}, 5, None),
            ({"unit": "us gal"}, 3785, UnitSystem.US),
            ({"unit": "imp_gal"}, 4546, UnitSystem.IMPERIAL),
            ({"unit": "gal", "unit_system": UnitSystem.US}, 3785, UnitSystem.US),
            ({"unit": "gal", "unit_system": UnitSystem.IMPERIAL}, 4546, UnitSystem.IMPERIAL),
            ({"unit": "ml", "unit_system": UnitSystem.IMPERIAL, "capacity": Quantity("2", "pints")}, 1137, "imperial"),
            ({"unit": "fl oz", "unit_system": UnitSystem.IMPERIAL, "capacity": Quantity("10")}, 284, "imperial"),
            ({"unit": "m3"}, 1_000_000, None),
        ],
    )
    def test_specify_keeps_unit_system(self, changes, capacity, system):
        (spec,) = slot_specs([a.slot_form(**{"capacity": Quantity(1)} | changes)])

        assert (spec.unit, spec.capacity, spec.unit_system) == ("MLT", capacity, system)

    def test_specify_keeps_other_fields(self):
        (spec,) = slot_specs([a.slot_form(name="Beans", loading=Loading.DIRECT, fill=Fill.REPLACE)])

        assert (spec.name, spec.product_id, spec.loading, spec.fill) == ("Beans", "coffee", "direct", "replace")

    @pytest.mark.parametrize(
        ("changes", "field", "code"),
        [
            ({"unit": "oz"}, "slots.0.unit", "ambiguous_unit"),
            ({"unit": "gal"}, "slots.0.unit", "ambiguous_unit"),
            ({"unit": "ml", "capacity": Quantity("1", "pt")}, "slots.0.capacity", "ambiguous_unit"),
            ({"unit": "bushel"}, "slots.0.unit", "unknown_unit"),
            ({"capacity": Quantity("1", "l")}, "slots.0.capacity", "wrong_dimension"),
            ({"capacity": Quantity("0")}, "slots.0.capacity", "out_of_range"),
            ({"capacity": Quantity("0.5")}, "slots.0.capacity", "not_whole"),
            ({"capacity": Quantity("-1")}, "slots.0.capacity", "out_of_range"),
            ({"capacity": Quantity("NaN")}, "slots.0.capacity", "not_a_number"),
            ({"capacity": Quantity("9" * 30)}, "slots.0.capacity", "out_of_range"),
            ({"level": Quantity("1001")}, "slots.0.level", "out_of_range"),
            ({"unit": "%", "capacity": Quantity(101)}, "slots.0.capacity", "out_of_range"),
            ({"unit": "%", "scale": 2, "capacity": Quantity("100.01")}, "slots.0.capacity", "out_of_range"),
            ({"unit": "%", "capacity": Quantity(200), "level": Quantity(150)}, "slots.0.capacity", "out_of_range"),
            ({"unit": "%", "capacity": Quantity(100), "level": Quantity(150)}, "slots.0.level", "out_of_range"),
        ],
    )
    def test_specify_reports_field_code_and_remedy(self, changes, field, code):
        with pytest.raises(InvalidDeviceError) as error:
            slot_specs([a.slot_form(**changes)])

        assert (error.value.field, error.value.code) == (field, code)
        assert error.value.remedy

    def test_specify_rejects_duplicate_slot(self):
        with pytest.raises(InvalidDeviceError) as error:
            slot_specs([a.slot_form(), a.slot_form()])

        assert error.value.field == "slots.1.slot"


class TestMoves:
    OLD = (a.spec(slot="1"), a.spec(slot="2", product_id="beans", unit="GRM"))

    def test_moves_defaults_to_equal_names(self):
        new = (a.spec(slot="1"), a.spec(slot="2", product_id="tea", unit="GRM"), a.spec(slot="3"))

        assert map_slots(self.OLD, new, None) == (SlotMove(old_slot="1", new_slot="1"),)

    def test_moves_between_slots_of_same_unit(self):
        new = (a.spec(slot="left", capacity=90),)
        requested = [SlotMove(old_slot="1", new_slot="left")]

        assert map_slots(self.OLD, new, requested) == tuple(requested)

    @pytest.mark.parametrize(
        ("new", "pairs"),
        [
            ((a.spec(slot="1"),), [("9", "1")]),
            ((a.spec(slot="1"),), [("1", "9")]),
            ((a.spec(slot="1", scale=1),), [("1", "1")]),
            ((a.spec(slot="1", product_id="tea"),), [("1", "1")]),
            ((a.spec(slot="1"), a.spec(slot="3")), [("1", "1"), ("1", "3")]),
            ((a.spec(slot="1"),), [("1", "1"), ("1", "1")]),
        ],
    )
    def test_moves_rejects_invalid_request(self, new, pairs):
        with pytest.raises(InvalidDeviceError):
            map_slots(self.OLD, new, [SlotMove(old_slot=old, new_slot=fresh) for old, fresh in pairs])


class TestNextRegistration:
    @pytest.mark.parametrize(
        ("past", "number"),
        [
            (None, 1),
            (Registration(1, DeviceState.DEREGISTERED), 2),
            (Registration(4, DeviceState.REPLACED), 5),
            (Registration(1, DeviceState.REGISTERED), None),
        ],
    )
    def test_next_registration_increments_unless_registered(self, past, number):
        assert next_registration(past) == number
