"""Cancelled, refused or held while low: every hold names its wake-up, and wakes up."""

from replenish_contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain import (
    Reason,
    order_ended,
    reassess,
    slot_filled,
    stock_arrived,
    stock_counted,
    subscription_changed,
    threshold_crossed,
)
from tests.support import decisions as a


class TestCancelledWhileLow:
    def test_waits_five_days_after_the_customers_first_cancel(self):
        pool = a.ordered()

        turn = order_ended(pool, pool.order.order_id, a.when(), by_customer=True)

        (held,) = turn.events
        assert (held.reason, held.wake_up, held.reconsider_at) == ("cancelled_once", "time", a.NOON + a.days(5))
        assert held.epoch == pool.epoch + 1
        assert held.order_id == pool.order.order_id

    def test_looks_again_when_the_days_are_over_and_not_before(self):
        pool = a.ordered()
        pool = order_ended(pool, pool.order.order_id, a.when(), by_customer=True).pool

        assert reassess(pool, a.when(a.NOON + a.days(4.9))).events == ()
        assert a.names(reassess(pool, a.when(a.NOON + a.days(5)))) == ["TriggerSet"]

    def cancelled_twice(self):
        pool = a.ordered()
        pool = order_ended(pool, pool.order.order_id, a.when(), by_customer=True).pool
        pool = reassess(pool, a.when(a.NOON + a.days(5))).pool
        pool = threshold_crossed(pool, a.heard(), pool.epoch, a.when()).pool
        return order_ended(pool, pool.order.order_id, a.when(), by_customer=True).pool

    def test_waits_for_a_full_slot_after_the_second_cancel(self):
        pool = self.cancelled_twice()

        assert pool.hold.reason is Reason.CANCELLED_AGAIN
        assert reassess(pool, a.when(a.NOON + a.days(900))).events == ()
        assert slot_filled(pool, a.heard(49), a.when()).events == ()
        assert a.names(slot_filled(pool, a.heard(50), a.when())) == ["TriggerSet"]

    def test_starts_over_when_the_slot_has_been_full(self):
        pool = slot_filled(self.cancelled_twice(), a.heard(50), a.when()).pool

        assert pool.cancels == 0

    def test_needs_no_other_fill_where_the_slot_was_filled_before_the_cancel_was_heard(self):
        pool = a.ordered()
        pool = order_ended(pool, pool.order.order_id, a.when(), by_customer=True).pool
        pool = reassess(pool, a.when(a.NOON + a.days(5))).pool
        pool = threshold_crossed(pool, a.heard(), pool.epoch, a.when()).pool
        pool = slot_filled(pool, a.heard(50), a.when()).pool

        turn = order_ended(pool, pool.order.order_id, a.when(), by_customer=True)

        assert a.names(turn) == ["TriggerSet"]

    def test_ends_when_the_customer_resumes(self):
        paused = subscription_changed(
            self.cancelled_twice(), a.subscription(status=SubscriptionStatus.PAUSED), a.when()
        ).pool

        turn = subscription_changed(paused, a.subscription(), a.when())

        assert a.names(turn) == ["SubscriptionChanged", "TriggerSet"]

    def test_is_told_of_the_open_order_only(self):
        pool = a.ordered()

        turn = order_ended(pool, "another order", a.when(), by_customer=True)

        assert turn.pool == pool

    def test_ends_an_order_once(self):
        pool = a.ordered()
        once = order_ended(pool, pool.order.order_id, a.when(), by_customer=True)

        twice = order_ended(once.pool, pool.order.order_id, a.when(), by_customer=True)

        assert (twice.pool, twice.events) == (once.pool, ())


class TestRefusedWhileLow:
    def refused(self, pool):
        return order_ended(pool, pool.order.order_id, a.when(), by_customer=False)

    def test_tries_again_after_a_day_then_two(self):
        pool = a.ordered()
        first = self.refused(pool)
        pool = reassess(first.pool, a.when(a.NOON + a.days(1))).pool
        pool = threshold_crossed(pool, a.heard(), pool.epoch, a.when()).pool

        second = self.refused(pool)

        assert first.events[0].reconsider_at == a.NOON + a.days(1)
        assert second.events[0].reconsider_at == a.NOON + a.days(2)

    def test_tries_another_provider_at_once(self):
        pool = self.refused(a.ordered()).pool

        turn = subscription_changed(pool, a.subscription(provider_id="globex"), a.when())

        assert a.names(turn) == ["SubscriptionChanged", "TriggerSet"]

    def test_forgets_failures_when_goods_arrive(self):
        pool = self.refused(a.ordered()).pool
        pool = reassess(pool, a.when(a.NOON + a.days(1))).pool
        pool = threshold_crossed(pool, a.heard(), pool.epoch, a.when()).pool
        pool = stock_arrived(pool, pool.order.order_id, 40, 0, a.when()).pool
        pool = threshold_crossed(pool, a.heard(), pool.epoch, a.when()).pool

        assert self.refused(pool).events[0].reconsider_at == a.NOON + a.days(1)

    def test_keeps_the_back_off_behind_another_obstacle(self):
        pool = self.refused(a.ordered()).pool
        pool = a.offered(pool, None, a.when()).pool

        turn = a.offered(pool, a.offer(), a.when())

        assert (turn.events[0].reason, turn.events[0].reconsider_at) == ("not_delivered", a.NOON + a.days(1))


class TestHeldWhileLow:
    def test_has_a_receipt_for_each_obstacle(self):
        turn = a.offered(a.armed(), None, a.when())

        assert [event.wake_up for event in turn.events] == ["OfferChanged"]
        assert turn.receipts[0].decision.reason is Reason.NO_OFFER

    def test_wakes_up_when_the_obstacle_goes(self):
        pool = a.offered(a.armed(), None, a.when()).pool

        assert a.names(a.offered(pool, a.offer(), a.when())) == ["TriggerSet"]

    def test_ignores_an_answer_that_was_under_way(self):
        pool = a.armed()
        held = a.offered(pool, None, a.when()).pool

        assert threshold_crossed(held, a.heard(), pool.epoch, a.when()).events == ()

    def test_tells_once_until_goods_come_where_the_customer_only_wants_to_be_told(self):
        pool = a.armed(subscription=a.subscription(mode=Mode.NOTIFY))

        told = threshold_crossed(pool, a.heard(), pool.epoch, a.when())

        assert told.events[0].reason == "notify_only"
        assert reassess(told.pool, a.when(a.NOON + a.days(90))).events == ()
        assert a.names(slot_filled(told.pool, a.heard(30), a.when())) == ["TriggerSet"]
        assert a.names(stock_counted(told.pool, 40, a.when())) == ["TriggerSet"]
