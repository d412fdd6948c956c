"""During a holiday only products that run out before it, or are delivered after it, are ordered."""

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

#: Starts ten days after noon of the first day and lasts ten days.
HOLIDAY = Holiday(a.NOON + a.days(10), a.NOON + a.days(20))


class TestAway:
    @pytest.mark.parametrize(
        ("day", "lead", "lasts", "until_day"),
        [
            (0, 2, 3, None),  # runs out before the holiday
            (0, 2, 9.9, None),
            (0, 2, 10, 1),  # lasts until the holiday: reconsidered each day
            (0, 2, 15, 1),
            (0, 2, 20, None),  # lasts beyond the holiday
            (0, 2, None, None),  # the days of cover are unknown; an order would arrive in time
            (7.5, 2, 4, 8),  # the last day on which an order still comes in time
            (8, 2, 1, 18),  # would arrive during the holiday
            (8, 2, None, 18),
            (15, 2, 0, 18),  # early enough to arrive at the return
            (18, 2, 0, None),
            (0, 30, 3, None),  # arrives after the return in any case
            (15, 0.5, 0, 19.5),
            (20, 2, 3, None),  # after the holiday
            (25, 2, 0, None),
        ],
    )
    def test_wait_until_by_cover_and_lead_time(self, day, lead, lasts, until_day):
        hold = holiday_hold(HOLIDAY, a.NOON + a.days(day), lead, lasts)

        assert (hold and hold.until) == (None if until_day is None else a.NOON + a.days(until_day))

    def test_no_wait_without_holiday(self):
        assert holiday_hold(None, a.NOON, 2, 0) is None


def low(now, holiday=HOLIDAY, level=6, lead=2.0, **wishes):
    """Return the decision of a pool found low; 6 pods last 3 days."""
    pool = a.armed(
        holiday=holiday, offer=a.offer(lead=LeadTime(lead, stated=lead)), subscription=a.subscription(**wishes)
    )
    return threshold_crossed(pool, a.heard(level), pool.epoch, a.when(now))


class TestLowBeforeAHoliday:
    def test_order_if_empty_before_holiday(self):
        assert a.names(low(a.NOON)) == ["ReorderApproved"]

    def test_wait_if_stock_lasts_until_holiday(self):
        turn = low(a.NOON, level=22, days=14.0)

        assert (turn.events[0].reason, turn.events[0].reconsider_at) == ("away", a.NOON + a.days(1))

    def test_order_if_use_increases_before_holiday(self):
        waiting = low(a.NOON, level=22, days=14.0).pool

        pool = reassess(waiting, a.when(a.NOON + a.days(1))).pool
        turn = threshold_crossed(pool, a.heard(10), pool.epoch, a.when(a.NOON + a.days(1)))

        assert a.names(turn) == ["ReorderApproved"]

    def test_default_lead_time_if_unknown(self):
        pool = a.armed(holiday=HOLIDAY)

        turn = threshold_crossed(pool, a.heard(), pool.epoch, a.when(a.NOON + a.days(5)))

        assert turn.events[0].reconsider_at == HOLIDAY.ends_at - a.days(5)


class TestLowDuringAHoliday:
    def away(self, **wishes):
        return low(a.NOON + a.days(12), **wishes)

    def test_wait_until_delivery_at_return(self):
        turn = self.away()

        assert (turn.events[0].reason, turn.events[0].wake_up) == ("away", "time")
        assert turn.events[0].reconsider_at == HOLIDAY.ends_at - a.days(2)
        assert turn.receipts[0].inputs.holiday == HOLIDAY

    def test_pool_is_reconsidered_at_return(self):
        pool = self.away().pool

        assert reassess(pool, a.when(HOLIDAY.ends_at - a.days(2.1))).events == ()
        asked = reassess(pool, a.when(HOLIDAY.ends_at - a.days(2)))
        again = threshold_crossed(asked.pool, a.heard(), asked.pool.epoch, a.when(HOLIDAY.ends_at - a.days(2)))
        assert (a.names(asked), a.names(again)) == (["TriggerSet"], ["ReorderApproved"])

    def test_early_return_decides_at_once(self):
        turn = holiday_changed(self.away().pool, None, a.when(a.NOON + a.days(13)))

        assert a.names(turn) == ["TriggerSet"]

    def test_notify_mode_notifies_later(self):
        assert self.away(mode=Mode.NOTIFY).events[0].reason == "away"

    def test_approval_orders_during_holiday(self):
        proposed = low(a.NOON, mode=Mode.APPROVE).pool

        turn = proposal_approved(proposed, "ann", a.when(a.NOON + a.days(12)))

        assert a.names(turn) == ["ReorderApproved"]

    def test_other_arrival_ends_wait(self):
        assert a.names(slot_filled(self.away().pool, a.heard(40), a.when(a.NOON + a.days(13)))) == ["TriggerSet"]

    def test_trigger_is_kept_during_holiday(self):
        pool = holiday_changed(a.armed(), HOLIDAY, a.when()).pool

        assert pool.situation is Situation.ARMED

    def test_open_order_is_kept(self):
        pool = holiday_changed(a.ordered(), HOLIDAY, a.when()).pool

        turn = stock_arrived(pool, pool.order.order_id, 40, 40, a.when(a.NOON + a.days(12)))

        assert a.names(turn) == ["TriggerSet"]

    def test_other_back_off_is_kept(self):
        pool = a.ordered()
        pool = order_ended(pool, pool.order.order_id, a.when(), by_customer=True).pool

        pool = holiday_changed(holiday_changed(pool, HOLIDAY, a.when()).pool, None, a.when()).pool

        assert pool.hold.reason is Reason.CANCELLED_ONCE

    def test_changed_subscription_waits_again(self):
        changed = subscription_changed(self.away().pool, a.subscription(packs=2), a.when(a.NOON + a.days(13)))

        pool = changed.pool
        again = threshold_crossed(pool, a.heard(), pool.epoch, a.when(a.NOON + a.days(13)))

        assert again.events[0].reason == "away"
