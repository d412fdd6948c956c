"""A receipt holds all that a decision depends on, and says it in words."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from replenish_contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain import (
    MEANINGS,
    Hold,
    Holiday,
    Inputs,
    LeadTime,
    PolicyDecision,
    Reason,
    Rules,
    Scorecard,
    Why,
    as_json,
    decide,
    explain,
    from_json,
    threshold_crossed,
    with_changes,
)
from tests.support import decisions as a

moments = some.datetimes(a.NOON.replace(tzinfo=None), datetime(9999, 1, 1), timezones=some.just(UTC))
steps = some.integers(-(10**6), 10**6)
rates = some.floats(0, 1e6, allow_nan=False)
names = some.text("abcdefgh-", min_size=1, max_size=12)
slots = some.builds(
    a.slot,
    names,
    level=steps,
    rate_per_day=rates,
    uncertainty=rates,
    capacity=some.integers(1, 10**6),
    level_at=moments,
)
subscriptions = some.builds(
    a.subscription,
    packs=some.integers(1, 9),
    pack_size=some.sampled_from([40, 50]),
    mode=some.sampled_from(Mode),
    status=some.sampled_from(SubscriptionStatus),
    days=rates,
    at_level=some.integers(0, 10**6),
    alternatives=some.sampled_from([(), ("globex",), ("globex", "initech")]),
)
leads = some.builds(LeadTime, rates, some.booleans(), some.none() | rates, some.integers(0, 50))
records = some.builds(Scorecard, *[some.integers(0, 99)] * 5, rates, some.integers(0, 99), rates)
holidays = some.builds(lambda at, days: Holiday(at, at + a.days(days)), moments, some.integers(1, 99))


def offers(provider_id):
    known = {"lead": some.none() | leads, "record": some.none() | records, "provider_id": some.just(provider_id)}
    return some.builds(a.offer, available=some.booleans(), provider_active=some.booleans(), **known)


holds = some.builds(Hold, some.sampled_from(sorted(MEANINGS)), names, some.none() | moments)
inputs = some.builds(
    Inputs,
    pool_id=names,
    customer_id=names,
    product_id=names,
    epoch=some.integers(1, 10**6),
    order_id=names,
    why=some.sampled_from(Why),
    occurred_at=moments,
    cause=some.none() | names,
    shelf_event=some.none() | names,
    slots=some.lists(slots, max_size=3).map(tuple),
    shelf=some.integers(0, 10**6),
    on_order=some.integers(0, 10**6),
    subscription=some.none() | subscriptions,
    offer=some.none() | offers("acme"),
    wait=some.none() | holds,
    cancels=some.integers(0, 5),
    failures=some.integers(1, 5),
    rules=some.just(Rules()),
    by=some.none() | names,
    rivals=some.just(()) | some.tuples(offers("globex"), offers("initech")),
    avoided=some.sampled_from([(), ("acme",), ("acme", "initech"), ("acme", "globex", "initech")]),
    holiday=some.none() | holidays,
)


def receipt(level=6, **wishes):
    pool = a.armed(subscription=a.subscription(**wishes))
    return threshold_crossed(pool, a.heard(level), pool.epoch, a.when()).receipts[0]


class TestReplay:
    @given(inputs)
    def test_of_what_was_written_down_decides_the_same_to_the_byte(self, given):
        written = as_json(given)

        again = decide(from_json(written, Inputs))

        assert as_json(again) == as_json(decide(given))
        assert as_json(from_json(written, Inputs)) == written

    @given(inputs)
    def test_of_a_decision_reads_as_it_was_written(self, given):
        written = as_json(decide(given))

        assert as_json(from_json(written, PolicyDecision)) == written

    @given(inputs)
    def test_has_words_for_every_decision(self, given):
        said = explain(given, decide(given))

        assert all(sentence.endswith(".") for sentence in said)

    def test_of_a_receipt_from_before_there_were_holidays_and_records_decides_the_same(self):
        told = receipt()
        old = json.loads(as_json(told.inputs))
        for name in ("rivals", "avoided", "holiday"):
            del old[name]
        for name in ("provider_id", "lead", "record"):
            del old["offer"][name]
        del old["subscription"]["alternatives"], old["rules"]["lead_time_days"]

        again = decide(from_json(json.dumps(old), Inputs))

        assert as_json(again) == as_json(told.decision)


class TestChangedInput:
    def test_gives_another_decision(self):
        told = receipt()

        other = decide(with_changes(told.inputs, {"level": "20"}))

        assert (told.decision.outcome, other.outcome, other.reason) == ("order", "hold", Reason.ENOUGH)

    @pytest.mark.parametrize(
        "change",
        [
            {"shelf": "30"},
            {"rate_per_day": "0.5"},
            {"days": "2"},
            {"subscription.status": "paused"},
            {"offer.available": "false"},
            {"mode": "notify"},
        ],
    )
    def test_of_any_kind_holds_what_was_ordered(self, change):
        assert decide(with_changes(receipt().inputs, change)).outcome == "hold"

    @pytest.mark.parametrize("change", [{"colour": "red"}, {"slots.7.level": "1"}, {"level": "many"}, {"slots.0": "5"}])
    def test_that_is_no_input_is_refused(self, change):
        with pytest.raises(ValueError):
            with_changes(receipt().inputs, change)


class TestWords:
    def test_say_what_was_there_what_is_used_and_what_was_done(self):
        told = receipt()

        assert explain(told.inputs, told.decision) == [
            "There were in the slot 6, on the shelf 0 and on order 0: 6 in all.",
            "2 are used per day, so it lasts 3 days.",
            "The rule asks for 7 days x 2 = 14; 6 <= 14, which is not more.",
            "So 1 x 40 from acme were ordered.",
        ]

    def test_show_amounts_in_the_slots_unit(self):
        told = receipt()
        shown = with_changes(told.inputs, {"slots.0.unit": "GRM", "slots.0.scale": "1", "level": "65"})

        assert explain(shown, decide(shown))[0].startswith("There were in the slot 6.5 g,")

    def test_say_what_is_waited_for(self):
        told = receipt(level=20)

        assert explain(told.inputs, told.decision)[-1] == (
            "Nothing was ordered: the supply is still sufficient. It will be reconsidered at 2026-03-02 12:00 UTC."
        )
