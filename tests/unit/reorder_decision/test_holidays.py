"""While a customer is away nothing is ordered that would arrive, or be needed, only then."""

import pytest

from replenish_contracts.events import Mode
from services.reorder_decision.domain import (
    Holiday,
    LeadTime,
    Reason,
    Situation,
    holiday_changed,
    order_ended,
    proposal_approved,
    reassess,
    slot_filled,
    stock_arrived,
    subscription_changed,
    threshold_crossed,
)
from services.reorder_decision.domain.holidays import holiday_hold
from tests.support import decisions as a

#: Ten days from noon of the first day, for ten days.
HOLIDAY = Holiday(a.NOON + a.days(10), a.NOON + a.days(20))


class TestAway:
    @pytest.mark.parametrize(
        ("day", "lead", "lasts", "until_day"),
        [
            (0, 2, 3, None),  # runs out before they leave
            (0, 2, 9.9, None),
            (0, 2, 10, 1),  # lasts until they leave: looked at again each day
            (0, 2, 15, 1),
            (0, 2, 20, None),  # lasts beyond the return, whatever is used
            (0, 2, None, None),  # nobody knows how long it lasts, and it comes in time
            (7.5, 2, 4, 8),  # the last day on which an order still comes in time
            (8, 2, 1, 18),  # would come while they are away
            (8, 2, None, 18),
            (15, 2, 0, 18),  # so early that it comes with the return
            (18, 2, 0, None),
            (0, 30, 3, None),  # comes after the return however it is turned
            (15, 0.5, 0, 19.5),
            (20, 2, 3, None),  # they are back
            (25, 2, 0, None),
        ],
    )
    def test_waits_only_for_what_is_needed_or_comes_meanwhile(self, day, lead, lasts, until_day):
        hold = holiday_hold(HOLIDAY, a.NOON + a.days(day), lead, lasts)

        assert (hold and hold.until) == (None if until_day is None else a.NOON + a.days(until_day))

    def test_is_nobody_without_a_holiday(self):
        assert holiday_hold(None, a.NOON, 2, 0) is None


def low(now, holiday=HOLIDAY, level=6, lead=2.0, **wishes):
    """Let a pool be found low at a moment; 6 pods last 3 days."""
    pool = a.armed(
        holiday=holiday, offer=a.offer(lead=LeadTime(lead, stated=lead)), subscription=a.subscription(**wishes)
    )
    return threshold_crossed(pool, a.heard(level), pool.epoch, a.when(now))


class TestLowBeforeAHoliday:
    def test_is_served_where_it_would_run_out_before(self):
        assert a.names(low(a.NOON)) == ["ReorderApproved"]

    def test_waits_where_it_lasts_until_they_leave(self):
        turn = low(a.NOON, level=22, days=14.0)

        assert (turn.events[0].reason, turn.events[0].reconsider_at) == ("away", a.NOON + a.days(1))

    def test_is_served_after_all_where_more_is_used_than_before(self):
        waiting = low(a.NOON, level=22, days=14.0).pool

        pool = reassess(waiting, a.when(a.NOON + a.days(1))).pool
        turn = threshold_crossed(pool, a.heard(10), pool.epoch, a.when(a.NOON + a.days(1)))

        assert a.names(turn) == ["ReorderApproved"]

    def test_counts_on_the_usual_lead_time_where_none_is_known(self):
        pool = a.armed(holiday=HOLIDAY)

        turn = threshold_crossed(pool, a.heard(), pool.epoch, a.when(a.NOON + a.days(5)))

        assert turn.events[0].reconsider_at == HOLIDAY.ends_at - a.days(5)


class TestLowDuringAHoliday:
    def away(self, **wishes):
        return low(a.NOON + a.days(12), **wishes)

    def test_waits_until_it_comes_with_the_return(self):
        turn = self.away()

        assert (turn.events[0].reason, turn.events[0].wake_up) == ("away", "time")
        assert turn.events[0].reconsider_at == HOLIDAY.ends_at - a.days(2)
        assert turn.receipts[0].inputs.holiday == HOLIDAY

    def test_is_looked_at_then_and_not_before(self):
        pool = self.away().pool

        assert reassess(pool, a.when(HOLIDAY.ends_at - a.days(2.1))).events == ()
        asked = reassess(pool, a.when(HOLIDAY.ends_at - a.days(2)))
        again = threshold_crossed(asked.pool, a.heard(), asked.pool.epoch, a.when(HOLIDAY.ends_at - a.days(2)))
        assert (a.names(asked), a.names(again)) == (["TriggerSet"], ["ReorderApproved"])

    def test_is_decided_at_once_by_who_comes_back_early(self):
        turn = holiday_changed(self.away().pool, None, a.when(a.NOON + a.days(13)))

        assert a.names(turn) == ["TriggerSet"]

    def test_is_told_later_to_who_only_wants_to_be_told(self):
        assert self.away(mode=Mode.NOTIFY).events[0].reason == "away"

    def test_is_ordered_where_a_person_says_so(self):
        proposed = low(a.NOON, mode=Mode.APPROVE).pool

        turn = proposal_approved(proposed, "ann", a.when(a.NOON + a.days(12)))

        assert a.names(turn) == ["ReorderApproved"]

    def test_ends_with_goods_that_come_otherwise(self):
        assert a.names(slot_filled(self.away().pool, a.heard(40), a.when(a.NOON + a.days(13)))) == ["TriggerSet"]

    def test_still_watches_what_is_not_low(self):
        pool = holiday_changed(a.armed(), HOLIDAY, a.when()).pool

        assert pool.situation is Situation.ARMED

    def test_lets_an_open_order_come(self):
        pool = holiday_changed(a.ordered(), HOLIDAY, a.when()).pool

        turn = stock_arrived(pool, pool.order.order_id, 40, 40, a.when(a.NOON + a.days(12)))

        assert a.names(turn) == ["TriggerSet"]

    def test_keeps_another_back_off(self):
        pool = a.ordered()
        pool = order_ended(pool, pool.order.order_id, a.when(), by_customer=True).pool

        pool = holiday_changed(holiday_changed(pool, HOLIDAY, a.when()).pool, None, a.when()).pool

        assert pool.hold.reason is Reason.CANCELLED_ONCE

    def test_waits_anew_where_the_customer_changes_the_subscription(self):
        changed = subscription_changed(self.away().pool, a.subscription(packs=2), a.when(a.NOON + a.days(13)))

        pool = changed.pool
        again = threshold_crossed(pool, a.heard(), pool.epoch, a.when(a.NOON + a.days(13)))

        assert again.events[0].reason == "away"
