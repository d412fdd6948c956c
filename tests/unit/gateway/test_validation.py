from datetime import datetime, timedelta
from fractions import Fraction
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replenish_contracts.events import BaseUnit, Reporter
from replenish_contracts.units import UnitSystem
from services.gateway.domain.devices import Slot
from services.gateway.domain.refusals import Refusal
from services.gateway.domain.validation import REPORT_NAMESPACE, ValidReport, validate
from tests.unit.gateway import builders


def validated(report, *, from_person=False, now=builders.NOW, device=None):
    return validate(report, device or builders.device(), now, builders.REPORT_LIMITS, from_person)


def refused(report, **options):
    refusal = validated(report, **options)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.problem
    assert refusal.remedy
    return refusal.code, refusal.field


class TestQuantity:
    @pytest.mark.parametrize(
        ("quantity", "unit", "steps"),
        [("2.5", "kg", 2500), (2.5, "kg", 2500), (250, "g", 250), (250, None, 250), ("8.8", "oz", 249), ("0", "g", 0)],
    )
    def test_is_converted_to_whole_steps(self, quantity, unit, steps):
        report = validated(builders.usage(slot="coffee", quantity=quantity, unit=unit))

        assert report.data["quantity"] == steps

    def test_is_converted_with_scale_of_slot(self):
        device = builders.device(fine=Slot(BaseUnit.MILLILITRE, 2, 100_000))

        report = validated(builders.usage(slot="fine", quantity="0.75", unit="ml"), device=device)

        assert report.data["quantity"] == 75

    @pytest.mark.parametrize(
        ("fields", "code", "field"),
        [
            ({"quantity": "-1"}, "out_of_range", "quantity"),
            ({"quantity": "NaN"}, "not_a_number", "quantity"),
            ({"quantity": "Infinity"}, "not_a_number", "quantity"),
            ({"quantity": "1,5"}, "not_a_number", "quantity"),
            ({"quantity": "1.5"}, "not_whole", "quantity"),
            ({"quantity": 1e300}, "out_of_range", "quantity"),
            ({"quantity": 10**400}, "out_of_range", "quantity"),
            ({"quantity": 6001}, "quantity_too_large", "quantity"),
            ({"unit": "kg"}, "wrong_dimension", "unit"),
            ({"unit": "oz"}, "wrong_dimension", "unit"),
            ({"unit": "bushel"}, "unknown_unit", "unit"),
        ],
    )
    def test_is_refused_if_invalid(self, fields, code, field):
        assert refused(builders.usage(**fields)) == (code, field)

    def test_is_accepted_up_to_a_hundred_capacities(self):
        assert isinstance(validated(builders.usage(quantity=6000)), ValidReport)

    @given(st.fractions(min_value=0, max_value=1000, max_denominator=1000))
    def test_is_never_rounded(self, amount):
        outcome = validated(builders.usage(slot="coffee", quantity=str(float(amount)), unit="kg"))

        if isinstance(outcome, ValidReport):
            assert Fraction(outcome.data["quantity"], 1000) == Fraction(str(float(amount)))


class TestLevel:
    @pytest.mark.parametrize(
        ("level", "unit", "kept", "sent", "shown"),
        [
            (0.30000001192092896, "kg", 300, "0.30000001192092896 kg", "300 g"),
            (312.4, "g", 312, "312.4 g", "312 g"),
            (312.5, None, 312, "312.5", "312 g"),
            (313.5, None, 314, "313.5", "314 g"),
            ("0.4", "g", 0, "0.4 g", "0 g"),
            ("8.8", "oz", 249, "8.8 oz", "249 g"),
        ],
    )
    def test_is_rounded_to_the_step_and_says_so(self, level, unit, kept, sent, shown):
        report = validated(builders.level(level=level, unit=unit))

        assert report.data["level"] == kept
        (note,) = report.notes
        assert (note.code, note.field, note.sent, note.kept) == ("rounded", "level", sent, shown)
        assert "1 g" in note.problem

    def test_in_percent_is_rounded_to_the_slots_scale(self):
        device = builders.device(jar=Slot(BaseUnit.PERCENT, 0, 100), fine=Slot(BaseUnit.PERCENT, 1, 1000))

        rounded, exact = (validated(builders.level(slot=slot, level=49.5), device=device) for slot in ("jar", "fine"))

        assert (rounded.data["level"], rounded.notes[0].kept) == (50, "50 %")
        assert (exact.data["level"], exact.notes) == (495, ())

    @pytest.mark.parametrize(("level", "unit"), [(500, "g"), ("0.5", "kg"), (-0.0, "g"), ("  2.0 ", "g"), ("1e2", "g")])
    def test_that_is_whole_has_no_note(self, level, unit):
        assert validated(builders.level(level=level, unit=unit)).notes == ()

    @pytest.mark.parametrize("quantity", [0.30000001192092896, "312.4"])
    def test_rounding_does_not_apply_to_uses_and_refills(self, quantity):
        assert refused(builders.usage(slot="coffee", quantity=quantity)) == ("not_whole", "quantity")
        assert refused(builders.refill(slot="coffee", quantity=quantity, id="a")) == ("not_whole", "quantity")

    @pytest.mark.parametrize(
        ("level", "accepted"), [(1000, True), (1100, True), ("1100.4", True), (1101, False), (2550, False)]
    )
    @pytest.mark.parametrize("from_person", [False, True])
    def test_is_refused_more_than_a_tenth_above_capacity(self, level, accepted, from_person):
        outcome = validated(builders.level(level=level), from_person=from_person)

        if accepted:
            assert isinstance(outcome, ValidReport)
        else:
            assert (outcome.code, outcome.field) == ("level_above_capacity", "level")
            assert "1000 g" in outcome.problem
            assert outcome.remedy

    def test_in_percent_above_capacity_is_refused(self):
        device = builders.device(jar=Slot(BaseUnit.PERCENT, 0, 100))

        assert refused(builders.level(slot="jar", level=255), device=device) == ("level_above_capacity", "level")


class TestUnitSystem:
    @pytest.mark.parametrize(
        ("system", "unit", "steps"),
        [
            (UnitSystem.US, "gal", 3785),
            (UnitSystem.IMPERIAL, "gal", 4546),
            (UnitSystem.IMPERIAL, "pt", 568),
            (UnitSystem.IMPERIAL, "fl oz", 28),
            (None, "fl oz", 30),
            (None, "us_gal", 3785),
            (None, "imp_gal", 4546),
        ],
    )
    def test_of_the_slot_tells_units_apart(self, system, unit, steps):
        device = builders.device(water=Slot(BaseUnit.MILLILITRE, 0, 20_000, system))

        assert validated(builders.usage(slot="water", quantity=1, unit=unit), device=device).data["quantity"] == steps

    @pytest.mark.parametrize("unit", ["gal", "qt", "pt", "cup"])
    def test_of_a_slot_without_one_is_asked_for(self, unit):
        device = builders.device(water=Slot(BaseUnit.MILLILITRE, 0, 20_000))

        assert refused(builders.usage(slot="water", unit=unit), device=device) == ("ambiguous_unit", "unit")


class TestSlot:
    def test_is_required(self):
        assert refused(builders.usage(slot=None)) == ("missing_field", "slot")

    def test_is_refused_if_unknown(self):
        refusal = validated(builders.usage(slot="tea"))

        assert (refusal.code, refusal.field) == ("unknown_slot", "slot")
        assert "coffee, pods" in refusal.remedy

    @pytest.mark.parametrize("field", ["boot", "id"])
    def test_is_refused_with_nul_like_boot_and_id(self, field):
        assert refused(builders.usage(**{field: "a\0b"})) == ("invalid_field", field)


class TestTime:
    def test_defaults_to_time_of_receipt(self):
        report = validated(builders.usage(occurred_at=None))

        assert report.data["occurred_at"] == report.data["received_at"] == builders.NOW

    @pytest.mark.parametrize(
        ("at", "code"),
        [
            ("1970-01-01T00:00:00+00:00", "time_ancient"),
            ("0001-01-01T00:00:00+14:00", "time_ancient"),
            ("1999-12-31T23:59:59+00:00", "time_ancient"),
            ("2000-01-01T00:00:07+00:00", "time_ancient"),
            ("2021-01-01T00:00:07+00:00", "time_ancient"),
            ("2026-02-01T08:00:01+00:00", "time_in_future"),
            ("9999-12-31T23:59:59-14:00", "time_in_future"),
        ],
    )
    def test_is_refused_if_implausible_and_the_only_identity(self, at, code):
        uncounted = {"boot": None, "seq": None, "occurred_at": datetime.fromisoformat(at)}

        assert refused(builders.usage(**uncounted)) == (code, "occurred_at")
        assert refused(builders.level(**uncounted)) == (code, "occurred_at")

    @pytest.mark.parametrize("at", ["2026-02-01T08:00:01+00:00", "9999-12-31T23:59:59-14:00"])
    def test_is_refused_in_the_future_also_of_counted_reports(self, at):
        assert refused(builders.usage(occurred_at=datetime.fromisoformat(at))) == ("time_in_future", "occurred_at")

    @pytest.mark.parametrize(
        "at",
        [
            "0001-01-01T00:00:00+14:00",
            "1900-01-01T00:00:00+00:00",
            "1970-01-01T00:00:12+00:00",
            "1980-01-06T00:00:00+00:00",
            "2000-01-01T00:00:07+00:00",
            "2021-01-01T00:00:00+00:00",
            "2025-01-30T07:59:59+00:00",
        ],
    )
    @pytest.mark.parametrize("identity", [{}, {"boot": None, "seq": None, "id": "mine"}])
    @pytest.mark.parametrize("report", [builders.usage, builders.level])
    def test_of_a_clock_that_is_not_set_is_the_time_of_receipt(self, report, identity, at):
        valid = validated(report(occurred_at=datetime.fromisoformat(at), **identity))

        assert valid.data["occurred_at"] == valid.data["received_at"] == builders.NOW
        (note,) = valid.notes
        assert (note.code, note.field, note.sent) == ("clock_not_set", "occurred_at", at)
        assert note.kept == "2026-01-31T08:00:00+00:00"
        assert note.remedy

    @pytest.mark.parametrize(
        "at", ["2000-01-01T00:00:00+00:00", "2025-01-31T08:00:00+00:00", "2026-02-01T07:59:59+00:00"]
    )
    def test_is_accepted_years_ago_and_a_day_ahead(self, at):
        assert isinstance(validated(builders.usage(occurred_at=datetime.fromisoformat(at))), ValidReport)

    def test_is_converted_to_utc(self):
        report = validated(builders.usage(occurred_at=datetime.fromisoformat("2026-01-31T09:30:00+05:30")))

        assert report.data["occurred_at"].isoformat() == "2026-01-31T04:00:00+00:00"


class TestIdentity:
    def test_is_derived_from_boot_and_seq(self):
        first = validated(builders.usage(boot="b", seq=7, occurred_at=None))
        again = validated(builders.usage(boot="b", seq=7, occurred_at=None), now=builders.NOW + timedelta(hours=1))

        assert first.id == again.id == str(uuid5(REPORT_NAMESPACE, "machine-1\x1fpods\x1fb\x1f7"))
        assert "report_id" not in first.data

    @pytest.mark.parametrize("other", [{"seq": 8}, {"boot": "c"}, {"slot": "coffee"}])
    def test_differs_by_seq_boot_and_slot(self, other):
        assert validated(builders.usage(seq=7)).id != validated(builders.usage(**{"seq": 7} | other)).id

    def test_is_the_id_of_the_sender(self):
        report = validated(builders.usage(boot=None, seq=None, id="mine"))

        assert report.id == report.data["report_id"] == "mine"

    def test_is_derived_from_time_and_quantity_without_boot_and_id(self):
        uncounted = {"boot": None, "seq": None, "occurred_at": builders.NOW - timedelta(hours=2)}

        first, again = (validated(builders.usage(**uncounted), now=builders.NOW + timedelta(minutes=m)) for m in (0, 5))

        assert first.id == again.id == first.data["report_id"]
        assert first.id != validated(builders.usage(**uncounted | {"quantity": 2})).id

    @pytest.mark.parametrize(
        ("report", "expected"),
        [
            (builders.usage(boot=None, seq=None), ("no_identity", "id")),
            (builders.refill(quantity=5), ("no_identity", "id")),
            (builders.usage(seq=None), ("missing_field", "seq")),
            (builders.usage(boot=None), ("missing_field", "boot")),
        ],
    )
    def test_is_required_of_quantities(self, report, expected):
        assert refused(report) == expected

    @pytest.mark.parametrize("report", [builders.level(boot=None, seq=None), builders.refill()])
    def test_is_optional_for_levels_and_full_refills(self, report):
        assert isinstance(validated(report), ValidReport)


class TestReporter:
    @pytest.mark.parametrize(
        ("report", "from_person", "by"),
        [
            (builders.level(), False, Reporter.DEVICE),
            (builders.level(), True, Reporter.PERSON),
            (builders.level(by=Reporter.PERSON), False, Reporter.PERSON),
            (builders.refill(), False, Reporter.PERSON),
            (builders.refill(by=Reporter.DEVICE), True, Reporter.DEVICE),
        ],
    )
    def test_defaults_to_sender(self, report, from_person, by):
        assert validated(report, from_person=from_person).data["by"] == by

    def test_is_absent_from_usage(self):
        assert "by" not in validated(builders.usage(), from_person=True).data
