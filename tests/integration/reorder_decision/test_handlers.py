"""Events reach pools, pools say what they decided, and all of it is in the tables afterwards."""

import pytest

from replenish_contracts.events import Mode
from services.reorder_decision.domain import Inputs, PolicyDecision, Situation, as_json, decide, from_json
from services.reorder_decision.handlers import reassess_due
from tests.integration.reorder_decision import events
from tests.support import decisions as a


class TestAPool:
    async def test_is_what_was_saved(self, desk):
        order_id = await desk.order()

        pool = await desk.pool()

        assert (pool.situation, pool.epoch, pool.order.order_id) == (Situation.ORDERED, 1, order_id)
        (slot,) = pool.slots
        assert (slot.level, slot.rate_per_day, slot.uncertainty, slot.level_at) == (6, 2.0, 0.5, a.NOON)
        assert slot.level_event == f"event-{desk.heard}"
        assert pool.subscription == a.subscription(subscription_id="of ann")
        assert pool.offer.event == "event-1"

    async def test_hears_of_goods_before_it_hears_of_the_device(self, desk):
        await desk.hear(events.counted(9))
        await desk.ready()

        pool = await desk.pool()

        assert (pool.shelf, pool.trigger.shelf_and_on_order) == (9, 9)

    async def test_of_others_is_left_alone(self, desk):
        assert await desk.hear(events.crossed(1)) == []
        assert await desk.hear(events.level_changed(3)) == []
        assert await desk.hear(events.refused("o1")) == []


class TestTheWholeStory:
    async def test_orders_and_begins_again_when_the_goods_are_there(self, desk):
        order_id = await desk.order()

        said = await desk.hear(events.arrived(order_id))

        assert [(event.epoch, event.shelf_and_on_order) for event in said] == [(2, 40)]
        assert (await desk.pool()).order is None

    async def test_every_event_twice_is_once(self, desk):
        await desk.hear(events.offer())
        await desk.hear(events.offer())
        await desk.hear(events.registered())
        assert await desk.hear(events.registered()) == []
        await desk.subscribe()
        (approved,) = await desk.hear(events.crossed(1))
        assert await desk.hear(events.crossed(1)) == []
        await desk.hear(events.arrived(approved.order_id))
        assert await desk.hear(events.arrived(approved.order_id)) == []
        await desk.hear(events.counted(30))
        assert await desk.hear(events.counted(30)) == []

        assert (await desk.pool()).epoch == 3

    async def test_ends_an_order_without_goods_and_looks_again_in_time(self, desk):
        order_id = await desk.order()

        (held,) = await desk.hear(events.cancelled(order_id))
        too_early = await reassess_due(desk.store)
        desk.store.now = held.reconsider_at
        in_time = await reassess_due(desk.store)

        assert (held.reason, too_early) == ("cancelled_once", [])
        assert a.names_of(in_time) == ["TriggerSet"]
        assert await reassess_due(desk.store) == []

    @pytest.mark.parametrize(
        ("event", "reason"),
        [
            (events.refused, "not_delivered"),
            (lambda order_id: events.cancelled(order_id, "provider"), "not_delivered"),
            (events.cancelled, "cancelled_once"),
        ],
        ids=["refused", "cancelled by the provider", "cancelled by the customer"],
    )
    async def test_tells_who_ended_it(self, desk, event, reason):
        order_id = await desk.order()

        (held,) = await desk.hear(event(order_id))

        assert held.reason == reason


class TestToldOnly:
    async def test_once_while_the_slot_is_used_as_fast_as_people_fill_it_without_a_word(self, desk):
        await desk.ready(mode=Mode.NOTIFY)
        (held,) = await desk.hear(events.crossed(1))

        again = [await desk.hear(events.filled(0, quantity=quantity, cause="inferred")) for quantity in (2, 3)]
        loaded = await desk.hear(events.filled(45, quantity=50, cause="inferred"))

        assert (held.reason, again) == ("notify_only", [[], []])
        assert a.names_of(loaded) == ["TriggerSet"]


class TestAnApproval:
    async def test_says_in_which_steps_it_counts(self, desk):
        await desk.hear(events.offer(unit="GRM", scale=0, pack_size=4))
        await desk.hear(events.registered("brewer", events.spec(unit="GRM", scale=1)))
        await desk.subscribe()

        (approved,) = await desk.hear(events.crossed(1))

        assert (approved.pack_size, approved.unit, approved.scale) == (40, "GRM", 1)


class TestReceipts:
    async def test_are_kept_to_the_byte(self, desk):
        order_id = await desk.order()

        (row,) = await desk.store.list_receipts_of_order(order_id)

        again = decide(from_json(row["inputs"], Inputs))
        assert as_json(again) == row["decision"]
        assert as_json(from_json(row["decision"], PolicyDecision)) == row["decision"]

    async def test_name_the_events_they_were_made_from(self, desk):
        await desk.hear(events.counted(3))
        order_id = await desk.order()

        (row,) = await desk.store.list_receipts_of_order(order_id)

        inputs = from_json(row["inputs"], Inputs)
        named = (inputs.shelf_event, inputs.offer.event, inputs.slots[0].level_event, inputs.cause)
        assert named == ("event-1", "event-2", "event-4", "event-4")

    async def test_of_a_hold_are_the_customers_too(self, desk):
        order_id = await desk.order()
        await desk.hear(events.refused(order_id))

        rows = await desk.store.list_receipts("ann", 2**62, 10)

        assert [(row["outcome"], row["order_id"]) for row in rows] == [("hold", None), ("order", order_id)]

    async def test_of_a_proposal_come_with_the_order(self, desk):
        await desk.ready(mode=Mode.APPROVE)
        (held,) = await desk.hear(events.crossed(1))

        (row,) = await desk.store.list_receipts_of_order(held.order_id)

        assert (row["outcome"], row["receipt_id"]) == ("propose", held.receipt_id)
