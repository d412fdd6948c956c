"""From low to restocked: arrivals, old answers, triggers set when already below."""

from dataclasses import replace

from services.reorder_decision.domain import (
    Reason,
    Situation,
    reassess,
    slot_filled,
    slots_changed,
    stock_arrived,
    stock_counted,
    subscription_changed,
    threshold_crossed,
)
from tests.support import decisions as a


class TestRestock:
    def test_is_asked_for_once_when_the_slot_is_low(self):
        pool = a.armed()

        turn = threshold_crossed(pool, a.heard(), pool.epoch, a.when())

        assert a.names(turn) == ["ReorderApproved"]
        assert turn.pool.situation is Situation.ORDERED
        assert turn.events[0].order_id == turn.receipts[0].inputs.order_id

    def test_is_not_asked_for_again_by_the_same_answer(self):
        pool = a.ordered()

        turn = threshold_crossed(pool, a.heard(), pool.epoch, a.when())

        assert turn.events == ()
        assert turn.pool.stale_crossings == 1

    def test_an_old_answer_does_not_hide_that_the_offer_is_back(self):
        pool = a.offered(a.armed(), None, a.when()).pool
        sold_again = replace(pool, offer=a.offer())

        turn = threshold_crossed(sold_again, a.heard(), pool.epoch - 1, a.when())

        assert a.names(turn) == ["TriggerSet"]
        assert turn.pool.stale_crossings == 1

    def test_of_which_nothing_came_is_tried_again_after_a_pause(self):
        pool = a.ordered()

        turn = stock_arrived(pool, pool.order.order_id, 0, 0, a.when())

        (held,) = turn.events
        assert (held.reason, turn.pool.order) == ("not_delivered", None)
        assert held.reconsider_at == a.NOON + a.days(1)

    def test_arms_the_next_epoch_when_the_goods_are_on_the_shelf(self):
        pool = a.ordered()

        turn = stock_arrived(pool, pool.order.order_id, 40, 40, a.when())

        (trigger,) = turn.events
        assert (trigger.epoch, trigger.shelf_and_on_order) == (pool.epoch + 1, 40)

    def test_follows_the_shelf_when_goods_are_loaded(self):
        pool = a.ordered()
        pool = stock_arrived(pool, pool.order.order_id, 40, 40, a.when()).pool

        turn = stock_counted(pool, 10, a.when())

        assert [event.shelf_and_on_order for event in turn.events] == [10]

    def test_says_nothing_where_nothing_changed(self):
        pool = stock_counted(a.armed(), 10, a.when()).pool

        assert stock_counted(pool, 10, a.when()).events == ()
        assert a.offered(pool, pool.offer, a.when()).events == ()
        assert slot_filled(pool, a.heard(40), a.when()).events == ()
        assert reassess(pool, a.when()).events == ()

    def test_has_one_order_per_epoch_and_another_in_the_next(self):
        pool = a.ordered()
        first = pool.order.order_id
        pool = stock_arrived(pool, first, 40, 0, a.when()).pool

        again = threshold_crossed(pool, a.heard(), pool.epoch, a.when())

        assert again.pool.order.order_id != first


class TestAnOldAnswer:
    def test_does_not_order(self):
        pool = a.armed()
        later = stock_counted(pool, 3, a.when()).pool

        turn = threshold_crossed(later, a.heard(), pool.epoch, a.when())

        assert turn.events == ()
        assert turn.pool.situation is Situation.ARMED

    def test_of_a_slot_that_left_does_not_order(self):
        pool = a.armed()

        assert threshold_crossed(pool, a.heard(device_id="gone"), pool.epoch, a.when()).events == ()


class TestArrivalWhileBelow:
    def test_is_low_again_with_the_goods_counted_on_the_shelf(self):
        pool = a.ordered()
        pool = stock_arrived(pool, pool.order.order_id, 40, 4, a.when()).pool

        turn = threshold_crossed(pool, a.heard(5), pool.epoch, a.when())

        assert turn.receipts[0].decision.figures.position == 9
        assert turn.pool.order.epoch == pool.epoch

    def test_of_another_order_leaves_the_open_one_alone(self):
        pool = a.ordered()

        turn = stock_arrived(pool, "placed elsewhere", 40, 40, a.when())

        assert turn.events == ()
        assert (turn.pool.shelf, turn.pool.order) == (40, pool.order)


class TestSubscriptionCreatedWhenAlreadyBelow:
    def test_asks_at_once(self):
        turn = subscription_changed(a.pool(slots=(a.slot(level=2),)), a.subscription(), a.when())

        assert a.names(turn) == ["SubscriptionChanged", "TriggerSet"]
        assert turn.events[1].epoch == 1

    def test_waits_visibly_for_what_is_missing(self):
        turn = subscription_changed(a.pool(offer=None), a.subscription(), a.when())

        assert a.names(turn) == ["SubscriptionChanged", "ReorderHeld"]

    def test_a_pool_that_nobody_subscribed_to_says_nothing(self):
        turn = slots_changed(a.pool(slots=()), (a.slot(),), a.when())

        assert turn.events == ()
        assert turn.pool.hold.reason is Reason.NO_SUBSCRIPTION


class TestTriggerRaisedWhenAlreadyBelow:
    def test_asks_anew_with_the_new_rule(self):
        pool = a.armed()

        turn = subscription_changed(pool, a.subscription(days=20.0, version=2), a.when())

        assert (turn.events[1].epoch, turn.events[1].at_days) == (pool.epoch + 1, 20.0)

    def test_does_not_ask_anew_where_only_the_packs_changed(self):
        turn = subscription_changed(a.armed(), a.subscription(packs=3, version=2), a.when())

        assert a.names(turn) == ["SubscriptionChanged"]
