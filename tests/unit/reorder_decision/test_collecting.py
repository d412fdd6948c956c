"""A low pool collects until its deadline, unless it is urgent, or its need disappears."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from replenish_contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain import (
    Holiday,
    LeadTime,
    Reason,
    Situation,
    as_json,
    decide,
    explain,
    holiday_changed,
    order_ended,
    proposal_approved,
    reassess,
    slot_filled,
    slot_level_changed,
    slots_changed,
    stock_arrived,
    stock_counted,
    subscription_changed,
    threshold_crossed,
)
from tests.support import decisions as a

#: A delivery takes two days, so a supply of 14 days can wait for two.
SOON = a.offer(lead=LeadTime(2.0))
COLLECTS = a.subscription(**a.COLLECTS)


def low(wish=COLLECTS, level=26, **changes):
    """Return the decision about a pool that became low with 13 days left."""
    pool = a.armed(subscription=wish, **{"offer": SOON, **changes})
    return threshold_crossed(pool, a.heard(level), pool.epoch, a.when())


def collecting(wish=COLLECTS, **changes):
    return low(wish, **changes).pool


class TestStart:
    def test_low_pool_collects_until_deadline(self):
        turn = low()

        trigger, held = turn.events
        assert a.names(turn) == ["TriggerSet", "ReorderHeld"]
        assert (held.reason, held.wake_up, held.reconsider_at) == ("collecting", "time", a.NOON + a.days(2))
        assert (held.epoch, held.order_id, trigger.epoch) == (1, None, 2)
        assert (turn.pool.situation, turn.pool.collect_until) == (Situation.COLLECTING, a.NOON + a.days(2))
        assert turn.pool.order is None

    def test_trigger_of_collecting_pool_crosses_at_lead_time(self):
        (trigger, _) = low(shelf=1).events

        assert (trigger.at_level, trigger.at_days, trigger.shelf_and_on_order) == (0, 2.0, 1)

    def test_pool_without_collect_hours_is_ordered_at_once(self):
        assert a.names(low(a.subscription(days=14.0))) == ["ReorderApproved"]

    @pytest.mark.parametrize(("level", "ordered"), [(7, True), (8, False)], ids=["3.5 days", "4 days"])
    def test_supply_that_ends_before_deadline_and_lead_time_is_urgent(self, level, ordered):
        assert ("ReorderApproved" in a.names(low(level=level))) == ordered

    @pytest.mark.parametrize(("level", "ordered"), [(0, True), (1, False)])
    def test_without_known_rate_only_empty_supply_is_urgent(self, level, ordered):
        pool = a.armed(subscription=replace(COLLECTS, at_level=5), offer=SOON)

        turn = threshold_crossed(pool, a.heard(level, rate=0.0), pool.epoch, a.when())

        assert ("ReorderApproved" in a.names(turn)) == ordered

    def test_approved_proposal_is_ordered_at_once(self):
        proposed = low(replace(COLLECTS, mode=Mode.APPROVE))

        turn = proposal_approved(proposed.pool, "ann", a.when())

        assert (a.names(proposed), a.names(turn)) == (["ReorderHeld"], ["ReorderApproved"])

    def test_pool_does_not_collect_again_after_failed_order(self):
        wish = replace(COLLECTS, alternatives=("globex",))
        pool = collecting(wish, offer=replace(SOON, provider_id="acme"), rivals=(replace(SOON, provider_id="globex"),))
        ordered = reassess(pool, a.when(a.NOON + a.days(2))).pool
        refused = order_ended(ordered, ordered.order.order_id, a.when(), by_customer=False)

        again = threshold_crossed(refused.pool, a.heard(26), refused.pool.epoch, a.when())

        assert [event.provider_id for event in again.events] == ["globex"]


class TestEnd:
    def test_pool_is_ordered_at_deadline(self):
        pool = collecting()

        early = reassess(pool, a.when(a.NOON + a.days(1.99)))
        turn = reassess(pool, a.when(a.NOON + a.days(2)))

        (approved,) = turn.events
        assert (early.pool, early.events) == (pool, ())
        assert (approved.pool_id, approved.epoch, len(approved.lines)) == ("ann/pods", 2, 1)
        assert (turn.pool.situation, turn.pool.order.order_id) == (Situation.ORDERED, approved.order_id)
        assert turn.pool.collect_until is None

    def test_crossing_of_urgency_trigger_orders_at_once(self):
        pool = collecting()

        turn = threshold_crossed(pool, a.heard(4), pool.epoch, a.when())

        assert a.names(turn) == ["ReorderApproved"]

    def test_crossing_of_earlier_epoch_orders_nothing(self):
        turn = threshold_crossed(collecting(), a.heard(26), 1, a.when())

        assert (turn.events, turn.pool.situation) == ((), Situation.COLLECTING)

    def test_lower_level_that_is_urgent_orders_at_once(self):
        turn = slot_filled(collecting(), a.heard(7), a.when())

        assert a.names(turn) == ["ReorderApproved"]

    def test_lower_level_that_is_not_urgent_changes_nothing(self):
        turn = slot_filled(collecting(), a.heard(20), a.when())

        assert (turn.events, turn.pool.situation) == ((), Situation.COLLECTING)

    def test_lower_shelf_sets_new_urgency_trigger(self):
        turn = stock_counted(collecting(shelf=2), 1, a.when())

        (trigger,) = turn.events
        assert (trigger.epoch, trigger.at_days, trigger.shelf_and_on_order) == (3, 2.0, 1)
        assert turn.pool.collect_until == a.NOON + a.days(2)

    def test_longer_lead_time_that_makes_supply_urgent_orders_at_once(self):
        turn = a.offered(collecting(), a.offer(lead=LeadTime(12.0)), a.when())

        assert a.names(turn) == ["ReorderApproved"]

    def test_several_slots_are_followed_while_collecting(self):
        slots = (a.slot("a", level=13, rate_per_day=1.0), a.slot("b", level=13, rate_per_day=1.0))
        pool = a.armed(subscription=COLLECTS, offer=SOON, slots=slots)
        for device_id in ("a", "b"):
            asked = threshold_crossed(pool, a.heard(13, 1.0, device_id), 1, a.when())
            pool = asked.pool

        same = slot_level_changed(pool, a.heard(12, 1.0, "a"), a.when())
        urgent = slot_level_changed(same.pool, a.heard(0, 5.0, "a"), a.when())

        assert a.names(asked) == ["TriggerSet", "TriggerSet", "ReorderHeld"]
        assert {event.follow for event in asked.events[:2]} == {True}
        assert (same.events, a.names(urgent)) == ((), ["ReorderApproved"])


class TestNeedDisappears:
    @pytest.mark.parametrize(
        "happens",
        [
            lambda pool: slot_filled(pool, a.heard(45), a.when()),
            lambda pool: stock_counted(pool, 30, a.when()),
            lambda pool: stock_arrived(pool, "an earlier order", 40, 40, a.when()),
        ],
        ids=["level corrected up", "shelf counted up", "late goods arrived"],
    )
    def test_sufficient_pool_is_watched_again(self, happens):
        turn = happens(collecting())

        (trigger,) = turn.events
        assert (turn.pool.situation, trigger.epoch, trigger.at_days) == (Situation.ARMED, 3, 14.0)

    @pytest.mark.parametrize(
        ("happens", "reason"),
        [
            (lambda pool: slots_changed(pool, (), a.when()), Reason.NO_SLOTS),
            (lambda pool: a.offered(pool, None, a.when()), Reason.NO_OFFER),
            (lambda pool: a.offered(pool, replace(SOON, available=False), a.when()), Reason.OFFER_UNAVAILABLE),
            (lambda pool: a.offered(pool, replace(SOON, provider_active=False), a.when()), Reason.PROVIDER_INACTIVE),
            (
                lambda pool: subscription_changed(pool, replace(COLLECTS, status=SubscriptionStatus.PAUSED), a.when()),
                Reason.PAUSED,
            ),
        ],
    )
    def test_obstacle_ends_collecting(self, happens, reason):
        turn = happens(collecting())

        assert (turn.pool.situation, turn.pool.hold.reason) == (Situation.HELD, reason)
        assert turn.events[-1].reason == reason
        assert turn.pool.collect_until is None

    def test_ended_subscription_ends_collecting(self):
        turn = subscription_changed(collecting(), replace(COLLECTS, status=SubscriptionStatus.ENDED), a.when())

        assert a.names(turn) == ["SubscriptionChanged"]
        assert turn.pool.situation is Situation.HELD

    def test_changed_subscription_is_decided_again(self):
        changed = subscription_changed(collecting(), replace(COLLECTS, collect_hours=0.0), a.when())

        again = threshold_crossed(changed.pool, a.heard(26), changed.pool.epoch, a.when())

        assert a.names(changed) == ["SubscriptionChanged", "TriggerSet"]
        assert a.names(again) == ["ReorderApproved"]

    def test_holiday_delays_order_at_deadline(self):
        away = Holiday(a.NOON + a.days(3), a.NOON + a.days(20))
        pool = holiday_changed(collecting(), away, a.when()).pool

        turn = reassess(pool, a.when(a.NOON + a.days(2)))

        assert [event.reason for event in turn.events] == ["away"]


class TestReceipts:
    def test_receipts_tell_the_wait_and_its_end(self):
        waited = low()
        turn = reassess(waited.pool, a.when(a.NOON + a.days(2)))

        (first,), (second,) = waited.receipts, turn.receipts
        assert explain(first.inputs, first.decision)[-1] == (
            "Nothing was ordered: it waits to be ordered together with other products of the same provider. "
            "It will be reconsidered at 2026-03-03 12:00 UTC."
        )
        assert explain(second.inputs, second.decision)[-1] == (
            "So 1 x 40 from acme were ordered after waiting for other products: the waiting time was over."
        )

    @given(some.integers(0, 40), some.floats(0, 168), some.floats(0, 30), some.floats(0, 9))
    def test_replay_is_byte_identical(self, level, hours, lead_days, rate):
        pool = a.armed(
            subscription=replace(COLLECTS, collect_hours=hours, at_level=40), offer=a.offer(lead=LeadTime(lead_days))
        )
        turn = threshold_crossed(pool, a.heard(level, rate), pool.epoch, a.when())
        turn = turn.then(reassess(turn.pool, a.when(a.NOON + a.days(7))))

        for receipt in turn.receipts:
            assert as_json(decide(receipt.inputs)) == as_json(receipt.decision)
        assert turn.pool.situation is Situation.ORDERED
