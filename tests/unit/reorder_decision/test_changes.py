"""What people change under way: corrections, devices, approvals, pauses."""

from replenish_contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain import (
    Reason,
    Situation,
    proposal_approved,
    proposal_declined,
    slot_filled,
    slots_changed,
    stock_arrived,
    subscription_changed,
    threshold_crossed,
)
from tests.support import decisions as a


class TestCorrectionUpThenDown:
    def test_leaves_the_watching_to_consumption(self):
        pool = a.armed()

        up = slot_filled(pool, a.heard(45), a.when())
        down = slot_filled(up.pool, a.heard(5), a.when())

        assert (up.events, down.events) == ((), ())
        assert down.pool.epoch == pool.epoch

    def test_tells_again_where_the_customer_only_wants_to_be_told(self):
        pool = a.armed(subscription=a.subscription(mode=Mode.NOTIFY))
        pool = threshold_crossed(pool, a.heard(), pool.epoch, a.when()).pool

        up = slot_filled(pool, a.heard(45), a.when()).pool
        down = slot_filled(up, a.heard(5), a.when()).pool
        again = threshold_crossed(down, a.heard(5), down.epoch, a.when())

        assert again.events[0].reason == "notify_only"


class TestDeviceReplaced:
    def test_watches_the_new_device_in_a_new_epoch(self):
        pool = a.armed()

        turn = slots_changed(pool, (a.slot("new"),), a.when())

        assert [(event.device_id, event.epoch) for event in turn.events] == [("new", pool.epoch + 1)]

    def test_asks_anew_a_slot_that_was_registered_again_under_its_name(self):
        pool = a.armed()

        turn = slots_changed(pool, pool.slots, a.when())

        assert [event.epoch for event in turn.events] == [pool.epoch + 1]

    def test_lets_the_open_order_come(self):
        turn = slots_changed(a.ordered(), (a.slot("new"),), a.when())

        assert turn.events == ()
        assert turn.pool.situation is Situation.ORDERED

    def test_watches_the_new_device_after_the_order_came(self):
        pool = slots_changed(a.ordered(), (a.slot("new"),), a.when()).pool

        turn = stock_arrived(pool, pool.order.order_id, 40, 40, a.when())

        assert turn.events[0].device_id == "new"

    def test_holds_visibly_where_no_slot_is_left(self):
        turn = slots_changed(a.armed(), (), a.when())

        assert (turn.events[0].reason, turn.events[0].wake_up) == ("no_slots", "DeviceRegistered")


class TestApproval:
    def proposed(self):
        pool = a.armed(subscription=a.subscription(mode=Mode.APPROVE))
        return threshold_crossed(pool, a.heard(), pool.epoch, a.when())

    def test_is_asked_for(self):
        turn = self.proposed()

        (held,) = turn.events
        assert (held.wake_up, held.order_id) == ("approval", turn.pool.order.order_id)
        assert turn.pool.on_order == 0

    def test_orders_what_was_proposed(self):
        proposed = self.proposed().pool

        turn = proposal_approved(proposed, "ann", a.when())

        assert turn.events[0].order_id == proposed.order.order_id
        assert (turn.pool.order.proposed, turn.pool.on_order) == (False, 40)

    def test_declined_counts_as_the_customers_cancel(self):
        turn = proposal_declined(self.proposed().pool, "ann", a.when())

        assert a.names(turn) == ["ReorderDeclined", "ReorderHeld"]
        assert turn.events[1].reason == "cancelled_once"
        assert len(turn.receipts) == 2

    def test_is_no_longer_asked_for_when_the_customer_pauses(self):
        turn = subscription_changed(
            self.proposed().pool, a.subscription(mode=Mode.APPROVE, status=SubscriptionStatus.PAUSED), a.when()
        )

        assert a.names(turn) == ["SubscriptionChanged", "ReorderDeclined", "ReorderHeld"]
        assert turn.pool.order is None

    def test_is_no_longer_asked_for_when_the_last_device_leaves(self):
        turn = slots_changed(self.proposed().pool, (), a.when())

        assert a.names(turn) == ["ReorderDeclined", "ReorderHeld"]
        assert (turn.events[1].reason, turn.pool.order, turn.pool.cancels) == ("no_slots", None, 0)

    def test_stays_asked_for_when_a_device_is_replaced(self):
        proposed = self.proposed().pool

        assert slots_changed(proposed, (a.slot("new"),), a.when()).pool.order == proposed.order

    def test_becomes_an_order_by_itself_when_the_customer_wants_no_more_asking(self):
        turn = subscription_changed(self.proposed().pool, a.subscription(version=2), a.when())

        again = threshold_crossed(turn.pool, a.heard(), turn.pool.epoch, a.when())

        assert a.names(again) == ["ReorderApproved"]


class TestPause:
    def test_lets_an_open_order_come_and_orders_no_other(self):
        paused = subscription_changed(a.ordered(), a.subscription(status=SubscriptionStatus.PAUSED), a.when()).pool

        turn = stock_arrived(paused, paused.order.order_id, 40, 0, a.when())

        assert turn.events[0].reason == "paused"

    def test_ended_while_an_order_is_open_leaves_nothing_behind_it(self):
        over = subscription_changed(a.ordered(), a.subscription(status=SubscriptionStatus.ENDED), a.when()).pool

        turn = stock_arrived(over, over.order.order_id, 40, 40, a.when())

        assert turn.events == ()
        assert turn.pool.hold.reason is Reason.NO_SUBSCRIPTION
