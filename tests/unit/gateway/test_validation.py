from datetime import datetime, timedelta
from fractions import Fraction
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replenish_contracts.events import BaseUnit, Reporter
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
            ("2026-02-01T08:00:01+00:00", "time_in_future"),
            ("9999-12-31T23:59:59-14:00", "time_in_future"),
        ],
    )
    def test_is_refused_if_implausible(self, at, code):
        assert refused(builders.usage(occurred_at=datetime.fromisoformat(at))) == (code, "occurred_at")

    @pytest.mark.parametrize("at", ["2000-01-01T00:00:00+00:00", "2026-02-01T07:59:59+00:00"])
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
