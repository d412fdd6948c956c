"""After a provider's silence the next one is asked, once each, and never without being low."""

from dataclasses import replace

import pytest

from libs.contracts.events import Mode
from services.reorder_decision.domain import Reason, Situation, Why, decide, gone_silent
from tests.unit.reorder_decision import a

OFFERS = {"acme": a.offer(), "dear": a.offer(price=700), "near": a.offer(price=510)}


def silent(pool, offers=None):
    return gone_silent(pool, pool.order.order_id, OFFERS if offers is None else offers, a.when())


class TestGoneSilent:
    def test_orders_from_the_cheapest_other_provider_at_once(self):
        before = a.ordered()

        turn = silent(before)

        assert a.names(turn) == ["ReorderApproved"]
        assert turn.says[0].provider_id == "near"
        assert turn.says[0].order_id != before.order.order_id
        assert (turn.pool.situation, turn.pool.subscription.provider_id) == (Situation.ORDERED, "acme")
        assert turn.pool.offer == before.offer

    def test_goes_down_the_list_and_then_backs_off(self):
        pool, asked = a.ordered(), []
        for _ in range(2):
            turn = silent(pool)
            asked.append(turn.says[0].provider_id)
            pool = turn.pool

        last = silent(pool)

        assert asked == ["near", "dear"]
        assert a.names(last) == ["ReorderHeld"]
        assert last.pool.hold.reason is Reason.NOT_DELIVERED

    def test_decides_the_same_again_from_its_receipt(self):
        (receipt,) = silent(a.ordered()).receipts

        assert receipt.inputs.why is Why.SILENCE
        assert decide(receipt.inputs) == receipt.decision

    def test_holds_where_there_is_enough_by_now(self):
        pool = a.ordered()
        full = replace(pool, slots=(replace(pool.slots[0], level=50),))

        turn = silent(full)

        assert a.names(turn) == ["ReorderHeld"]
        assert turn.pool.order is None

    @pytest.mark.parametrize(
        "offer",
        [
            a.offer(pack_size=20),
            a.offer(available=False),
            a.offer(provider_active=False),
            a.offer(currency="EUR"),
        ],
    )
    def test_takes_nothing_else_than_what_was_wanted(self, offer):
        turn = silent(a.ordered(), {"acme": a.offer(), "odd": offer})

        assert a.names(turn) == ["ReorderHeld"]

    def test_orders_nothing_elsewhere_for_those_who_want_to_be_asked(self):
        pool = a.ordered()
        careful = replace(pool, subscription=replace(pool.subscription, mode=Mode.APPROVE))

        turn = silent(careful)

        assert a.names(turn) == ["ReorderHeld"]
        assert turn.pool.hold.reason is Reason.NOT_DELIVERED

    def test_of_another_order_is_nothing(self):
        pool = a.ordered()

        assert gone_silent(pool, "another", OFFERS, a.when()).pool == pool
