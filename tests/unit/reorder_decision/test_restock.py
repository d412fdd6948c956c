"""From low to restocked: arrivals, old crossings, and triggers set when already low."""

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
    def test_low_slot_is_ordered_once(self):
        pool = a.armed()

        turn = threshold_crossed(pool, a.heard(), pool.epoch, a.when())

        assert a.names(turn) == ["ReorderApproved"]
        assert turn.pool.situation is Situation.ORDERED
        assert turn.events[0].order_id == turn.receipts[0].inputs.order_id

    def test_repeated_crossing_orders_nothing(self):
        pool = a.ordered()

        turn = threshold_crossed(pool, a.heard(), pool.epoch, a.when())

        assert turn.events == ()
        assert turn.pool.stale_crossings == 1

    def test_old_crossing_sets_trigger_if_offer_is_back(self):
        pool = a.offered(a.armed(), None, a.when()).pool
        sold_again = replace(pool, offer=a.offer())

        turn = threshold_crossed(sold_again, a.heard(), pool.epoch - 1, a.when())

        assert a.names(turn) == ["TriggerSet"]
        assert turn.pool.stale_crossings == 1

    def test_undelivered_order_is_repeated_after_back_off(self):
        pool = a.ordered()

        turn = stock_arrived(pool, pool.order.order_id, 0, 0, a.when())

        (held,) = turn.events
        assert (held.reason, turn.pool.order) == ("not_delivered", None)
        assert held.reconsider_at == a.NOON + a.days(1)

    def test_arrival_arms_next_epoch(self):
        pool = a.ordered()

        turn = stock_arrived(pool, pool.order.order_id, 40, 40, a.when())

        (trigger,) = turn.events
        assert (trigger.epoch, trigger.shelf_and_on_order) == (pool.epoch + 1, 40)

    def test_loading_updates_shelf(self):
        pool = a.ordered()
        pool = stock_arrived(pool, pool.order.order_id, 40, 40, a.when()).pool

        turn = stock_counted(pool, 10, a.when())

        assert [event.shelf_and_on_order for event in turn.events] == [10]

    def test_unchanged_level_publishes_nothing(self):
        pool = stock_counted(a.armed(), 10, a.when()).pool

        assert stock_counted(pool, 10, a.when()).events == ()
        assert a.offered(pool, pool.offer, a.when()).events == ()
        assert slot_filled(pool, a.heard(40), a.when()).events == ()
        assert reassess(pool, a.when()).events == ()

    def test_one_order_per_epoch(self):
        pool = a.ordered()
        first = pool.order.order_id
        pool = stock_arrived(pool, first, 40, 0, a.when()).pool

        again = threshold_crossed(pool, a.heard(), pool.epoch, a.when())

        assert again.pool.order.order_id != first


class TestOldCrossing:
    def test_old_crossing_does_not_order(self):
        pool = a.armed()
        later = stock_counted(pool, 3, a.when()).pool

        turn = threshold_crossed(later, a.heard(), pool.epoch, a.when())

        assert turn.events == ()
        assert turn.pool.situation is Situation.ARMED

    def test_crossing_of_removed_slot_does_not_order(self):
        pool = a.armed()

        assert threshold_crossed(pool, a.heard(device_id="gone"), pool.epoch, a.when()).events == ()


class TestArrivalWhileBelow:
    def test_arrival_while_low_orders_again_with_shelf(self):
        pool = a.ordered()
        pool = stock_arrived(pool, pool.order.order_id, 40, 4, a.when()).pool

        turn = threshold_crossed(pool, a.heard(5), pool.epoch, a.when())

        assert turn.receipts[0].decision.figures.position == 9
        assert turn.pool.order.epoch == pool.epoch

    def test_arrival_of_other_order_keeps_open_order(self):
        pool = a.ordered()

        turn = stock_arrived(pool, "placed elsewhere", 40, 40, a.when())

        assert turn.events == ()
        assert (turn.pool.shelf, turn.pool.order) == (40, pool.order)


class TestSubscriptionCreatedWhenAlreadyBelow:
    def test_subscription_sets_trigger_at_once(self):
        turn = subscription_changed(a.pool(slots=(a.slot(level=2),)), a.subscription(), a.when())

        assert a.names(turn) == ["SubscriptionChanged", "TriggerSet"]
        assert turn.events[1].epoch == 1

    def test_missing_data_holds_pool(self):
        turn = subscription_changed(a.pool(offer=None), a.subscription(), a.when())

        assert a.names(turn) == ["SubscriptionChanged", "ReorderHeld"]

    def test_pool_without_subscription_publishes_nothing(self):
        turn = slots_changed(a.pool(slots=()), (a.slot(),), a.when())

        assert turn.events == ()
        assert turn.pool.hold.reason is Reason.NO_SUBSCRIPTION


class TestTriggerRaisedWhenAlreadyBelow:
    def test_changed_rule_sets_new_trigger(self):
        pool = a.armed()

        turn = subscription_changed(pool, a.subscription(days=20.0, version=2), a.when())

        assert (turn.events[1].epoch, turn.events[1].at_days) == (pool.epoch + 1, 20.0)

    def test_changed_packs_keep_trigger(self):
        turn = subscription_changed(a.armed(), a.subscription(packs=3, version=2), a.when())

        assert a.names(turn) == ["SubscriptionChanged"]
