"""Corrections, device changes, approvals and pauses during an epoch."""

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
    def test_correction_keeps_trigger(self):
        pool = a.armed()

        up = slot_filled(pool, a.heard(45), a.when())
        down = slot_filled(up.pool, a.heard(5), a.when())

        assert (up.events, down.events) == ((), ())
        assert down.pool.epoch == pool.epoch

    def test_correction_notifies_again_in_notify_mode(self):
        pool = a.armed(subscription=a.subscription(mode=Mode.NOTIFY))
        pool = threshold_crossed(pool, a.heard(), pool.epoch, a.when()).pool

        up = slot_filled(pool, a.heard(45), a.when()).pool
        down = slot_filled(up, a.heard(5), a.when()).pool
        again = threshold_crossed(down, a.heard(5), down.epoch, a.when())

        assert again.events[0].reason == "notify_only"


class TestDeviceReplaced:
    def test_replacement_sets_trigger_in_new_epoch(self):
        pool = a.armed()

        turn = slots_changed(pool, (a.slot("new"),), a.when())

        assert [(event.device_id, event.epoch) for event in turn.events] == [("new", pool.epoch + 1)]

    def test_slot_registered_again_gets_new_trigger(self):
        pool = a.armed()

        turn = slots_changed(pool, pool.slots, a.when())

        assert [event.epoch for event in turn.events] == [pool.epoch + 1]

    def test_replacement_keeps_open_order(self):
        turn = slots_changed(a.ordered(), (a.slot("new"),), a.when())

        assert turn.events == ()
        assert turn.pool.situation is Situation.ORDERED

    def test_new_device_gets_trigger_after_arrival(self):
        pool = slots_changed(a.ordered(), (a.slot("new"),), a.when()).pool

        turn = stock_arrived(pool, pool.order.order_id, 40, 40, a.when())

        assert turn.events[0].device_id == "new"

    def test_pool_without_slots_is_held(self):
        turn = slots_changed(a.armed(), (), a.when())

        assert (turn.events[0].reason, turn.events[0].wake_up) == ("no_slots", "DeviceRegistered")


class TestApproval:
    def proposed(self):
        pool = a.armed(subscription=a.subscription(mode=Mode.APPROVE))
        return threshold_crossed(pool, a.heard(), pool.epoch, a.when())

    def test_low_pool_is_proposed(self):
        turn = self.proposed()

        (held,) = turn.events
        assert (held.wake_up, held.order_id) == ("approval", turn.pool.order.order_id)
        assert turn.pool.on_order == 0

    def test_approval_orders_proposal(self):
        proposed = self.proposed().pool

        turn = proposal_approved(proposed, "ann", a.when())

        assert turn.events[0].order_id == proposed.order.order_id
        assert (turn.pool.order.proposed, turn.pool.on_order) == (False, 40)

    def test_decline_counts_as_cancel_by_customer(self):
        turn = proposal_declined(self.proposed().pool, "ann", a.when())

        assert a.names(turn) == ["ReorderDeclined", "ReorderHeld"]
        assert turn.events[1].reason == "cancelled_once"
        assert len(turn.receipts) == 2

    def test_pause_withdraws_proposal(self):
        turn = subscription_changed(
            self.proposed().pool, a.subscription(mode=Mode.APPROVE, status=SubscriptionStatus.PAUSED), a.when()
        )

        assert a.names(turn) == ["SubscriptionChanged", "ReorderDeclined", "ReorderHeld"]
        assert turn.pool.order is None

    def test_deregistration_withdraws_proposal(self):
        turn = slots_changed(self.proposed().pool, (), a.when())

        assert a.names(turn) == ["ReorderDeclined", "ReorderHeld"]
        assert (turn.events[1].reason, turn.pool.order, turn.pool.cancels) == ("no_slots", None, 0)

    def test_replacement_keeps_proposal(self):
        proposed = self.proposed().pool

        assert slots_changed(proposed, (a.slot("new"),), a.when()).pool.order == proposed.order

    def test_change_to_auto_mode_orders_proposal(self):
        turn = subscription_changed(self.proposed().pool, a.subscription(version=2), a.when())

        again = threshold_crossed(turn.pool, a.heard(), turn.pool.epoch, a.when())

        assert a.names(again) == ["ReorderApproved"]


class TestPause:
    def test_pause_keeps_open_order(self):
        paused = subscription_changed(a.ordered(), a.subscription(status=SubscriptionStatus.PAUSED), a.when()).pool

        turn = stock_arrived(paused, paused.order.order_id, 40, 0, a.when())

        assert turn.events[0].reason == "paused"

    def test_ended_subscription_sets_no_trigger_after_open_order(self):
        over = subscription_changed(a.ordered(), a.subscription(status=SubscriptionStatus.ENDED), a.when()).pool

        turn = stock_arrived(over, over.order.order_id, 40, 40, a.when())

        assert turn.events == ()
        assert turn.pool.hold.reason is Reason.NO_SUBSCRIPTION
