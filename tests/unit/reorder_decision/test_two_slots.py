"""Several slots of one product: followed, asked together, and decided on as one."""

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
    """Two slots of one product, answered and enough: 1 a day each make 14 for the seven days."""
    pool = a.armed(slots=(a.slot("left", level=left), a.slot("right", level=right)))
    pool = threshold_crossed(pool, a.heard(left, 1.0, "left"), pool.epoch, a.when()).pool
    return threshold_crossed(pool, a.heard(right, 1.0, "right"), pool.epoch, a.when()).pool


class TestTwoSlotsOfOneProduct:
    def test_are_both_asked_and_followed(self):
        slots = (a.slot("left", level=20), a.slot("right", level=20))

        turn = subscription_changed(a.pool(slots=slots), a.subscription(), a.when())

        asked = turn.events[1:]
        assert [(t.device_id, t.epoch, t.follow, t.shelf_and_on_order) for t in asked] == [
            ("left", 1, True, 20),
            ("right", 1, True, 20),
        ]

    def test_decide_when_both_have_answered(self):
        pool = a.armed(slots=(a.slot("left"), a.slot("right")))

        one = threshold_crossed(pool, a.heard(5, 1.0, "left"), 1, a.when())
        both = threshold_crossed(one.pool, a.heard(9, 1.0, "right"), 1, a.when())

        assert one.events == ()
        assert both.events[0].epoch == 1
        assert both.receipts[0].decision.figures.position == 14

    def test_are_only_followed_while_they_hold_enough(self):
        assert two().situation is Situation.FOLLOWED

    def test_are_asked_again_when_the_sum_is_low(self):
        pool = slot_level_changed(two(), a.heard(6, 1.0, "left"), a.when()).pool

        turn = slot_level_changed(pool, a.heard(8, 1.0, "right"), a.when())

        assert pool.situation is Situation.FOLLOWED
        assert a.names(turn) == ["TriggerSet", "TriggerSet"]

    def test_do_not_order_goods_that_are_on_their_way_from_shelf_to_slot(self):
        """The shelf is heard to be empty before the slot is heard to be full."""
        pool = stock_counted(two(15, 5), 30, a.when()).pool
        pool = stock_counted(pool, 0, a.when()).pool

        asked = slot_level_changed(pool, a.heard(9, 1.0, "left"), a.when()).pool
        pool = threshold_crossed(asked, a.heard(39, 1.0, "left"), asked.epoch, a.when()).pool
        turn = threshold_crossed(pool, a.heard(5, 1.0, "right"), pool.epoch, a.when())

        assert asked.situation is Situation.ASKING
        assert turn.pool.situation is Situation.FOLLOWED

    def test_are_asked_again_where_the_shelf_changed_meanwhile(self):
        asked = slot_level_changed(two(), a.heard(-10, 1.0, "left"), a.when()).pool

        turn = stock_counted(asked, 30, a.when())

        assert {event.epoch for event in turn.events} == {asked.epoch + 1}

    def test_wait_for_as_many_low_reports_as_the_customer_wants(self):
        pool = two()
        pool = replace(pool, subscription=a.subscription(reports=2))

        once = slot_level_changed(pool, a.heard(-10, 1.0, "left"), a.when())
        twice = slot_level_changed(once.pool, a.heard(-11, 1.0, "left"), a.when())

        assert once.events == ()
        assert a.names(twice) == ["TriggerSet", "TriggerSet"]

    def test_count_low_reports_anew_after_goods_came(self):
        pool = replace(two(), subscription=a.subscription(reports=2), low_reports=2, shelf=40)
        asked = reassess(replace(pool, trigger=None), a.when()).pool
        for device_id in ("left", "right"):
            asked = threshold_crossed(asked, a.heard(20, 1.0, device_id), asked.epoch, a.when()).pool

        once = slot_level_changed(asked, a.heard(-70, 1.0, "left"), a.when())

        assert (asked.situation, once.events, once.pool.low_reports) == (Situation.FOLLOWED, (), 1)

    def test_become_one_slot_that_is_watched_when_the_other_leaves(self):
        turn = slots_changed(two(), (a.slot("right"),), a.when())

        assert [(event.device_id, event.follow, event.at_days) for event in turn.events] == [("right", False, 7.0)]

    def test_that_hold_more_than_an_event_can_say_are_asked_all_the_same(self):
        most = 2**53
        slots = (a.slot("left", level=most), a.slot("right", level=most))

        turn = reassess(replace(two(), slots=slots, shelf=most, trigger=None), a.when())

        assert [event.shelf_and_on_order for event in turn.events] == [most, most]

    def test_in_different_units_are_not_added_up(self):
        turn = slots_changed(two(), (a.slot("left"), a.slot("right", unit="GRM")), a.when())

        assert turn.events[0].reason == "units_differ"
