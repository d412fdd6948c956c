from datetime import datetime, timedelta
from fractions import Fraction
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replenish_contracts.events import BaseUnit, Reporter
from services.gateway.domain.devices import Slot
from services.gateway.domain.judging import REPORTS, Report, judge
from services.gateway.domain.refusals import Refusal
from tests.unit.gateway import a


def judged(draft, *, person=False, now=a.NOW, device=None):
    return judge(draft, device or a.device(), now, a.SENSE, person)


def refused(draft, **around):
    refusal = judged(draft, **around)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.problem
    assert refusal.remedy
    return refusal.code, refusal.field


class TestQuantities:
    @pytest.mark.parametrize(
        ("quantity", "unit", "steps"),
        [("2.5", "kg", 2500), (2.5, "kg", 2500), (250, "g", 250), (250, None, 250), ("8.8", "oz", 249), ("0", "g", 0)],
    )
    def test_become_whole_steps_exactly_whatever_they_are_written_in(self, quantity, unit, steps):
        report = judged(a.used(slot="coffee", quantity=quantity, unit=unit))

        assert report.said["quantity"] == steps

    def test_use_the_slots_scale(self):
        device = a.device(fine=Slot(BaseUnit.MILLILITRE, 2, 100_000))

        report = judged(a.used(slot="fine", quantity="0.75", unit="ml"), device=device)

        assert report.said["quantity"] == 75

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
    def test_are_refused_with_their_field_when_they_make_no_sense(self, fields, code, field):
        assert refused(a.used(**fields)) == (code, field)

    def test_may_be_as_large_as_a_hundred_capacities(self):
        assert isinstance(judged(a.used(quantity=6000)), Report)

    @given(st.fractions(min_value=0, max_value=1000, max_denominator=1000))
    def test_never_come_out_as_another_amount(self, amount):
        judgement = judged(a.used(slot="coffee", quantity=str(float(amount)), unit="kg"))

        if isinstance(judgement, Report):
            assert Fraction(judgement.said["quantity"], 1000) == Fraction(str(float(amount)))


class TestSlot:
    def test_must_be_said(self):
        assert refused(a.used(slot=None)) == ("missing_field", "slot")

    def test_must_be_one_of_the_devices(self):
        refusal = judged(a.used(slot="tea"))

        assert (refusal.code, refusal.field) == ("unknown_slot", "slot")
        assert "coffee, pods" in refusal.remedy

    @pytest.mark.parametrize("field", ["boot", "id"])
    def test_and_names_hold_no_nul(self, field):
        assert refused(a.used(**{field: "a\0b"})) == ("invalid_field", field)


class TestTime:
    def test_is_the_time_of_receipt_when_the_device_says_none(self):
        report = judged(a.used(occurred_at=None))

        assert report.said["occurred_at"] == report.said["received_at"] == a.NOW

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
    def test_is_refused_where_no_clock_can_be_right(self, at, code):
        assert refused(a.used(occurred_at=datetime.fromisoformat(at))) == (code, "occurred_at")

    @pytest.mark.parametrize("at", ["2000-01-01T00:00:00+00:00", "2026-02-01T07:59:59+00:00"])
    def test_may_be_years_ago_or_a_wrong_time_zone_ahead(self, at):
        assert isinstance(judged(a.used(occurred_at=datetime.fromisoformat(at))), Report)

    def test_is_told_in_utc(self):
        report = judged(a.used(occurred_at=datetime.fromisoformat("2026-01-31T09:30:00+05:30")))

        assert report.said["occurred_at"].isoformat() == "2026-01-31T04:00:00+00:00"


class TestIdentity:
    def test_is_the_same_for_the_same_count_whenever_it_is_sent(self):
        first = judged(a.used(boot="b", seq=7, occurred_at=None))
        again = judged(a.used(boot="b", seq=7, occurred_at=None), now=a.NOW + timedelta(hours=1))

        assert first.id == again.id == str(uuid5(REPORTS, "machine-1\x1fpods\x1fb\x1f7"))
        assert "report_id" not in first.said

    @pytest.mark.parametrize("other", [{"seq": 8}, {"boot": "c"}, {"slot": "coffee"}])
    def test_differs_for_another_count_boot_or_slot(self, other):
        assert judged(a.used(seq=7)).id != judged(a.used(**{"seq": 7} | other)).id

    def test_is_the_senders_where_the_sender_names_it(self):
        report = judged(a.used(boot=None, seq=None, id="mine"))

        assert report.id == report.said["report_id"] == "mine"

    def test_is_made_of_time_and_value_where_nothing_else_is_known(self):
        uncounted = {"boot": None, "seq": None, "occurred_at": a.NOW - timedelta(hours=2)}

        first, again = (judged(a.used(**uncounted), now=a.NOW + timedelta(minutes=m)) for m in (0, 5))

        assert first.id == again.id == first.said["report_id"]
        assert first.id != judged(a.used(**uncounted | {"quantity": 2})).id

    @pytest.mark.parametrize(
        ("draft", "expected"),
        [
            (a.used(boot=None, seq=None), ("no_identity", "id")),
            (a.refilled(quantity=5), ("no_identity", "id")),
            (a.used(seq=None), ("missing_field", "seq")),
            (a.used(boot=None), ("missing_field", "boot")),
        ],
    )
    def test_is_demanded_of_what_must_not_count_twice(self, draft, expected):
        assert refused(draft) == expected

    @pytest.mark.parametrize("draft", [a.measured(boot=None, seq=None), a.refilled()])
    def test_is_not_needed_for_what_may_be_repeated(self, draft):
        assert isinstance(judged(draft), Report)


class TestSpeaker:
    @pytest.mark.parametrize(
        ("draft", "person", "by"),
        [
            (a.measured(), False, Reporter.DEVICE),
            (a.measured(), True, Reporter.PERSON),
            (a.measured(by=Reporter.PERSON), False, Reporter.PERSON),
            (a.refilled(), False, Reporter.PERSON),
            (a.refilled(by=Reporter.DEVICE), True, Reporter.DEVICE),
        ],
    )
    def test_is_whoever_sent_it_unless_it_says_otherwise(self, draft, person, by):
        assert judged(draft, person=person).said["by"] == by

    def test_of_use_is_always_the_device(self):
        assert "by" not in judged(a.used(), person=True).said
