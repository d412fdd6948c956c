"""Scorecards of providers, and the scores and lead times derived from them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.reorder_decision.domain import (
    LeadTime,
    OrderResult,
    Scorecard,
    decide,
    explain,
    learn_lead_time,
    rates_of,
    score_of,
    threshold_crossed,
    with_result,
)
from services.reorder_decision.domain.policy import compute_figures
from tests.support import decisions as a

WELL = OrderResult(a.NOON, 40, delivered=True, received=40)


def came(day, promised=None, **changes):
    promise = None if promised is None else a.NOON + a.days(promised)
    return replace(WELL, came_at=a.NOON + a.days(day), promised_at=promise, **changes)


class TestScorecard:
    @pytest.mark.parametrize(
        ("result", "expected"),
        [
            (WELL, Scorecard(delivered=1, filled=1)),
            (replace(WELL, delivered=False), Scorecard(broken=1)),
            (came(2), Scorecard(delivered=1, filled=1)),
            (came(2, promised=2), Scorecard(delivered=1, filled=1, promised=1, on_time=1)),
            (came(3, promised=2), Scorecard(delivered=1, filled=1, promised=1, on_time=1)),
            (came(3.1, promised=2), Scorecard(delivered=1, filled=1, promised=1)),
            # Only estimated, so no lead time.
            (replace(WELL, promised_at=a.NOON), Scorecard(delivered=1, filled=1)),
            (replace(WELL, received=30), Scorecard(delivered=1, short=1, filled=0.75)),
            (replace(WELL, received=0), Scorecard(delivered=1, short=1)),
            (replace(WELL, received=50), Scorecard(delivered=1, filled=1)),
            (replace(WELL, price=400, billed=500), Scorecard(delivered=1, filled=1, priced=1, dearness=1.25)),
            (replace(WELL, price=None, billed=500), Scorecard(delivered=1, filled=1)),
            (replace(WELL, price=0, billed=500), Scorecard(delivered=1, filled=1)),
        ],
    )
    def test_scorecard_counts_outcomes(self, result, expected):
        assert with_result(Scorecard(), result) == expected

    def test_scorecard_of_provider_sums_products(self):
        assert Scorecard(delivered=3, filled=2.5) + Scorecard(delivered=1, broken=2, filled=1) == Scorecard(
            4, 2, filled=3.5
        )


class TestScore:
    def test_score_of_unknown_provider(self):
        assert score_of(None) == score_of(Scorecard()) == 72.9

    def test_score_is_product_of_rates(self):
        record = Scorecard(delivered=15, broken=0, promised=15, on_time=5, filled=15.0, priced=5, dearness=7.5)

        rates = rates_of(record)

        assert (rates.comes, rates.on_time, rates.filled) == (0.975, 0.475, 0.975)
        assert rates.dearness == 1.25
        assert rates.score == 36.1

    @pytest.mark.parametrize(
        "worse",
        [
            {"broken": 3},
            {"on_time": 4},
            {"filled": 7.0},
            {"dearness": 8 * 1.3},
        ],
    )
    def test_score_falls_with_each_failure(self, worse):
        good = Scorecard(delivered=8, promised=8, on_time=8, filled=8.0, priced=8, dearness=8.0)

        assert score_of(replace(good, **worse)) < score_of(good)

    def test_score_ignores_extra_goods(self):
        assert score_of(Scorecard(priced=5, dearness=2.5)) == score_of(Scorecard())


class TestLearnedLeadTime:
    @pytest.mark.parametrize(
        ("took", "stated", "learned"),
        [
            ([], 3, None),
            ([4] * 4, 3, None),
            ([4] * 5, 3, 4),
            ([2] * 5, 9, 9),  # the stated lead time still has weight
            ([2] * 20, 9, 2),
            ([2.1] * 20, None, 3),
            ([2] * 19 + [300], 2, 2),  # one lost parcel
            ([2] * 15 + [6] * 5, 2, 6),
            ([9] * 200 + [2] * 50, 2, 2),  # old outcomes have less weight
        ],
    )
    def test_learned_lead_time_is_ninth_decile(self, took, stated, learned):
        assert learn_lead_time(took, stated) == learned

    @given(some.lists(some.floats(0, 400), min_size=5, max_size=80), some.none() | some.floats(0.1, 400))
    def test_learned_lead_time_is_observed_number_of_days(self, took, stated):
        learned = learn_lead_time(took, stated)

        assert learned == int(learned)
        assert 0 <= learned <= max([*took, stated or 0.0]) + 1


class TestLeadTimeInTheDecision:
    @pytest.mark.parametrize(
        ("days", "lead", "threshold"),
        [
            (7.0, None, 14),
            (7.0, LeadTime(3), 14),
            (7.0, LeadTime(9), 18),
            (0.0, LeadTime(9), 0),  # an explicit level is not changed by lead times
        ],
    )
    def test_longer_lead_time_orders_earlier(self, days, lead, threshold):
        slots = (a.slot(level=20, rate_per_day=2.0),)

        assert compute_figures(slots, 0, 0, a.subscription(days=days), a.offer(lead=lead)).threshold == threshold

    def test_trigger_uses_lead_time(self):
        assert a.armed(offer=a.offer(lead=LeadTime(9.0))).trigger.at_days == 9.0

    def test_receipt_names_lead_time_and_source(self):
        lead, record = (
            LeadTime(9.0, learned=True, stated=3.0, observations=12),
            Scorecard(delivered=12, broken=1, filled=12.0),
        )
        pool = a.armed(offer=a.offer(lead=lead, record=record))

        (receipt,) = threshold_crossed(pool, a.heard(18), pool.epoch, a.when()).receipts

        assert receipt.inputs.offer.lead == lead
        assert explain(receipt.inputs, receipt.decision)[2:5] == [
            "The rule asks for 9 days x 2 = 18; 18 <= 18, which is not more.",
            "Delivery takes 9 days (learned from 12 deliveries; the provider states 3).",
            f"The provider delivered 12 of 13 orders; its score is {score_of(record)} of 100.",
        ]
        assert decide(replace(receipt.inputs, offer=a.offer(lead=LeadTime(3.0)))).outcome == "hold"

    def test_receipt_names_stated_lead_time(self):
        pool = a.armed(offer=a.offer(lead=LeadTime(3.0, stated=3.0)))

        (receipt,) = threshold_crossed(pool, a.heard(), pool.epoch, a.when()).receipts

        said = "Delivery takes 3 days (stated by the provider)."
        assert explain(receipt.inputs, receipt.decision)[3] == said


@pytest.mark.parametrize(("hours_late", "on_time"), [(0, 1), (1, 0), (23, 0)])
def test_promised_date_has_no_grace(hours_late, on_time):
    promised_at = a.NOON + a.days(2)
    result = OrderResult(
        ordered_at=a.NOON,
        ordered=40,
        delivered=True,
        received=40,
        promised_at=promised_at,
        promised_date=promised_at.date(),
        came_at=promised_at + a.days(hours_late / 24),
    )

    assert with_result(Scorecard(), result).on_time == on_time
