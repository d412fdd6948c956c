"""Several slots of one product: followed, given triggers together, and decided on as one."""

from dataclasses import replace

from services.reorder_decision.domain import (
    Situation,
    reassess,
    slot_level_changed,
    slots_changed,
    stock_counted,
    subscription_changed,
    threshold_crossed,
)
from tests.support import decisions as a


def two(left=20, right=20):
    """Two slots of one product with enough stock: 1 a day each makes 14 for seven days."""
    pool = a.armed(slots=(a.slot("left", level=left), a.slot("right", level=right)))
    pool = threshold_crossed(pool, a.heard(left, 1.0, "left"), pool.epoch, a.when()).pool
    return threshold_crossed(pool, a.heard(right, 1.0, "right"), pool.epoch, a.when()).pool


class TestTwoSlotsOfOneProduct:
    def test_both_slots_get_triggers_and_are_followed(self):
        slots = (a.slot("left", level=20), a.slot("right", level=20))

        turn = subscription_changed(a.pool(slots=slots), a.subscription(), a.when())

        asked = turn.events[1:]
        assert [(t.device_id, t.epoch, t.follow, t.shelf_and_on_order) for t in asked] == [
            ("left", 1, True, 20),
            ("right", 1, True, 20),
        ]

    def test_decision_after_both_crossed(self):
        pool = a.armed(slots=(a.slot("left"), a.slot("right")))

        one = threshold_crossed(pool, a.heard(5, 1.0, "left"), 1, a.when())
        both = threshold_crossed(one.pool, a.heard(9, 1.0, "right"), 1, a.when())

        assert one.events == ()
        assert both.events[0].epoch == 1
        assert both.receipts[0].decision.figures.position == 14

    def test_sufficient_slots_are_only_followed(self):
        assert two().situation is Situation.FOLLOWED

    def test_low_sum_sets_new_triggers(self):
        pool = slot_level_changed(two(), a.heard(6, 1.0, "left"), a.when()).pool

        turn = slot_level_changed(pool, a.heard(8, 1.0, "right"), a.when())

        assert pool.situation is Situation.FOLLOWED
        assert a.names(turn) == ["TriggerSet", "TriggerSet"]

    def test_goods_between_shelf_and_slot_are_not_ordered(self):
        """StockCounted is consumed before SlotFilled."""
        pool = stock_counted(two(15, 5), 30, a.when()).pool
        pool = stock_counted(pool, 0, a.when()).pool

        asked = slot_level_changed(pool, a.heard(9, 1.0, "left"), a.when()).pool
        pool = threshold_crossed(asked, a.heard(39, 1.0, "left"), asked.epoch, a.when()).pool
        turn = threshold_crossed(pool, a.heard(5, 1.0, "right"), pool.epoch, a.when())

        assert asked.situation is Situation.ASKING
        assert turn.pool.situation is Situation.FOLLOWED

    def test_changed_shelf_sets_new_triggers(self):
        asked = slot_level_changed(two(), a.heard(-10, 1.0, "left"), a.when()).pool

        turn = stock_counted(asked, 30, a.when())

        assert {event.epoch for event in turn.events} == {asked.epoch + 1}

    def test_configured_number_of_low_reports_is_required(self):
        pool = two()
        pool = replace(pool, subscription=a.subscription(reports=2))

        once = slot_level_changed(pool, a.heard(-10, 1.0, "left"), a.when())
        twice = slot_level_changed(once.pool, a.heard(-11, 1.0, "left"), a.when())

        assert once.events == ()
        assert a.names(twice) == ["TriggerSet", "TriggerSet"]

    def test_arrival_resets_low_reports(self):
        pool = replace(two(), subscription=a.subscription(reports=2), low_reports=2, shelf=40)
        asked = reassess(replace(pool, trigger=None), a.when()).pool
        for device_id in ("left", "right"):
            asked = threshold_crossed(asked, a.heard(20, 1.0, device_id), asked.epoch, a.when()).pool

        once = slot_level_changed(asked, a.heard(-70, 1.0, "left"), a.when())

        assert (asked.situation, once.events, once.pool.low_reports) == (Situation.FOLLOWED, (), 1)

    def test_remaining_slot_is_watched(self):
        turn = slots_changed(two(), (a.slot("right"),), a.when())

        assert [(event.device_id, event.follow, event.at_days) for event in turn.events] == [("right", False, 7.0)]

    def test_too_large_sum_is_capped_in_trigger(self):
        most = 2**53
        slots = (a.slot("left", level=most), a.slot("right", level=most))

        turn = reassess(replace(two(), slots=slots, shelf=most, trigger=None), a.when())

        assert [event.shelf_and_on_order for event in turn.events] == [most, most]

    def test_slots_of_different_units_are_not_summed(self):
        turn = slots_changed(two(), (a.slot("left"), a.slot("right", unit="GRM")), a.when())

        assert turn.events[0].reason == "units_differ"
