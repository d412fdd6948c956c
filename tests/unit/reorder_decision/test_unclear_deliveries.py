"""A delivery of an unclear quantity: nothing is ordered until a level, a count or some days have passed."""

from dataclasses import replace

import pytest

from services.reorder_decision.domain import (
    Reason,
    Situation,
    explain,
    reassess,
    slot_filled,
    slot_level_changed,
    stock_arrived,
    stock_counted,
    threshold_crossed,
)
from tests.support import decisions as a


def arrived(**changes):
    """Return the decision of an arrival after which the supply is still low."""
    pool = replace(a.ordered(), **changes)
    return stock_arrived(pool, pool.order.order_id, 1, 1, a.when(), is_unclear=True)


def held():
    return arrived().pool


def read_at(level, at):
    return a.heard(level)._replace(occurred_at=at)


def test_next_order_is_held_with_a_reason_and_an_end():
    turn = arrived()

    (event,), (receipt,) = turn.events, turn.receipts
    assert (turn.pool.order, turn.pool.situation) == (None, Situation.HELD)
    assert (event.reason, event.wake_up, event.reconsider_at) == (
        *("delivery_unclear", "SlotLevelChanged"),
        a.NOON + a.days(3),
    )
    assert "did not report clearly how much it sent" in explain(receipt.inputs, receipt.decision)[-1]


def test_clear_delivery_holds_nothing():
    pool = a.ordered()

    assert a.names(stock_arrived(pool, pool.order.order_id, 40, 40, a.when())) == ["TriggerSet"]


def test_crossing_at_once_orders_nothing():
    pool = held()

    turn = threshold_crossed(pool, read_at(3, a.NOON - a.days(1)), pool.epoch, a.when())

    assert turn.events == ()
    assert turn.pool.hold.reason is Reason.DELIVERY_UNCLEAR


@pytest.mark.parametrize("change", [slot_level_changed, slot_filled])
def test_next_level_ends_the_hold(change):
    turn = change(held(), read_at(40, a.NOON + a.days(1)), a.when(a.NOON + a.days(1)))

    assert (a.names(turn), turn.pool.situation) == (["TriggerSet"], Situation.ARMED)


def test_crossing_with_a_new_level_ends_the_hold_and_opens_an_epoch():
    pool, later = held(), a.NOON + a.days(1)

    turn = threshold_crossed(pool, read_at(3, later), pool.epoch, a.when(later))

    assert a.names(turn) == ["TriggerSet"]


def test_level_from_before_the_delivery_does_not_end_it():
    turn = slot_level_changed(held(), read_at(40, a.NOON - a.days(1)), a.when(a.NOON + a.days(1)))

    assert turn.events == ()


def test_refill_assumed_from_the_delivery_does_not_end_it():
    turn = slot_filled(held(), read_at(43, a.NOON), a.when(), is_assumed=True)

    assert (turn.events, turn.pool.hold.reason) == ((), Reason.DELIVERY_UNCLEAR)


def test_count_of_a_person_ends_the_hold():
    turn = stock_counted(held(), 0, a.when(a.NOON + a.days(1)))

    assert a.names(turn) == ["TriggerSet"]


def test_hold_ends_by_itself():
    pool = held()

    assert reassess(pool, a.when(a.NOON + a.days(2.9))).events == ()
    assert a.names(reassess(pool, a.when(a.NOON + a.days(3)))) == ["TriggerSet"]


def test_lost_parcel_backs_off_as_before():
    pool = a.ordered()

    turn = stock_arrived(pool, pool.order.order_id, 0, 0, a.when(), is_unclear=True)

    assert turn.events[0].reason == "not_delivered"
