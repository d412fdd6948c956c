"""Events reach pools, pools say what they decided, and all of it is in the tables afterwards."""

import pytest

from libs.contracts.events import Mode
from services.reorder_decision.domain import Decision, Inputs, Situation, as_json, decide, from_json
from services.reorder_decision.handlers import reconsider
from tests.integration.reorder_decision import events
from tests.unit.reorder_decision import a


def names(said):
    return [type(event).__name__ for event in said]


async def ready(desk, **wishes):
    await desk.hear(events.offer())
    await desk.hear(events.registered())
    await desk.subscribe(**wishes)


async def ordered(desk, **wishes):
    await ready(desk, **wishes)
    pool = await desk.pool()
    (approved,) = await desk.hear(events.crossed(pool.epoch))
    return approved.order_id


class TestAPool:
    async def test_is_what_was_saved(self, desk):
        order_id = await ordered(desk)

        pool = await desk.pool()

        assert (pool.situation, pool.epoch, pool.order.order_id) == (Situation.ORDERED, 1, order_id)
        (slot,) = pool.slots
        assert (slot.level, slot.rate_per_day, slot.doubt, slot.level_at) == (6, 2.0, 0.5, a.NOON)
        assert slot.level_event == f"event-{desk.heard}"
        assert pool.subscription == a.subscription(subscription_id="of ann")
        assert pool.offer.event == "event-1"

    async def test_hears_of_goods_before_it_hears_of_the_device(self, desk):
        await desk.hear(events.counted(9))
        await ready(desk)

        pool = await desk.pool()

        assert (pool.shelf, pool.trigger.elsewhere) == (9, 9)

    async def test_of_others_is_left_alone(self, desk):
        assert await desk.hear(events.crossed(1)) == []
        assert await desk.hear(events.level_changed(3)) == []
        assert await desk.hear(events.refused("o1")) == []


class TestTheWholeStory:
    async def test_orders_and_begins_again_when_the_goods_are_there(self, desk):
        order_id = await ordered(desk)

        said = await desk.hear(events.arrived(order_id))

        assert [(event.epoch, event.elsewhere) for event in said] == [(2, 40)]
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
        order_id = await ordered(desk)

        (held,) = await desk.hear(events.cancelled(order_id))
        too_early = await reconsider(desk.store)
        desk.store.now = held.reconsider_at
        in_time = await reconsider(desk.store)

        assert (held.reason, too_early) == ("cancelled_once", [])
        assert names(in_time) == ["TriggerSet"]
        assert await reconsider(desk.store) == []

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
        order_id = await ordered(desk)

        (held,) = await desk.hear(event(order_id))

        assert held.reason == reason


class TestDevices:
    async def test_replaced_are_watched_with_the_level_they_carry_over(self, desk):
        await ready(desk)
        await desk.hear(events.filled(17))

        (trigger,) = await desk.hear(events.replaced())

        assert (trigger.device_id, trigger.epoch) == ("new", 2)
        assert [(slot.device_id, slot.level) for slot in (await desk.pool()).slots] == [("new", 17)]

    async def test_replaced_twice_are_replaced_once(self, desk):
        await ready(desk)
        await desk.hear(events.replaced())

        assert await desk.hear(events.replaced()) == []

    async def test_that_leave_take_their_slots_along(self, desk):
        await ready(desk)

        (held,) = await desk.hear(events.deregistered())

        assert held.reason == "no_slots"
        assert await desk.hear(events.deregistered()) == []

    async def test_that_come_back_are_watched_again(self, desk):
        await ready(desk)
        await desk.hear(events.deregistered())

        assert names(await desk.hear(events.registered(registration=2))) == ["TriggerSet"]
        assert await desk.hear(events.deregistered(registration=1)) == []

    async def test_of_two_products_have_two_pools(self, desk):
        await desk.hear(events.offer())
        await desk.hear(events.registered("brewer", events.spec(), events.spec(slot="2", product_id="milk")))

        await desk.subscribe()

        assert (await desk.pool("ann/milk")).hold.reason == "no_subscription"
        assert (await desk.pool()).situation is Situation.ARMED

    async def test_that_move_to_another_customer_leave_the_first_ones_pool(self, desk):
        await ready(desk)

        (held,) = await desk.hear(events.registered(registration=2, customer_id="bob"))

        assert (held.customer_id, held.reason) == ("ann", "no_slots")
        assert len((await desk.pool("bob/pods")).slots) == 1

    async def test_with_two_slots_of_one_product_are_asked_together(self, desk):
        await desk.hear(events.offer())
        await desk.hear(events.registered("left"))
        await desk.hear(events.registered("right"))
        said = await desk.subscribe()

        assert [(t.device_id, t.follow) for t in said[1:]] == [("left", True), ("right", True)]
        assert await desk.hear(events.crossed(1, 20, "left", rate=1.0)) == []
        following = await desk.hear(events.crossed(1, 20, "right", rate=1.0))
        assert {event.epoch for event in following} == {2}
        asked = await desk.hear(events.level_changed(-6, "left"))
        assert {event.epoch for event in asked} == {3}
        await desk.hear(events.crossed(3, -6, "left", rate=1.0))
        (approved,) = await desk.hear(events.crossed(3, 20, "right", rate=1.0))
        assert approved.device_id == "left"


class TestOffers:
    async def test_that_come_later_wake_the_pool_up(self, desk):
        await desk.hear(events.registered())
        said = await desk.subscribe()

        assert said[-1].reason == "no_offer"
        assert names(await desk.hear(events.offer())) == ["TriggerSet"]

    async def test_at_another_price_wake_nobody(self, desk):
        await ready(desk)

        assert await desk.hear(events.offer(price=599)) == []
        assert (await desk.pool()).offer.price == 599

    async def test_that_go_hold_the_pool(self, desk):
        await ready(desk)

        (held,) = await desk.hear(events.offer(available=False))

        assert held.reason == "offer_unavailable"

    async def test_of_a_provider_that_stops_hold_the_pool_until_it_goes_on(self, desk):
        await ready(desk)

        (held,) = await desk.hear(events.provider(active=False))

        assert held.reason == "provider_inactive"
        assert names(await desk.hear(events.provider())) == ["TriggerSet"]

    async def test_for_more_pools_than_a_turn_holds_leave_the_rest_to_the_tick(self, desk):
        await desk.hear(events.registered())
        await desk.subscribe()
        await desk.hear(events.registered("other", customer_id="bob"))
        await desk.subscribe("bob")
        desk.store.settings = desk.store.settings.model_copy(update={"pools_per_turn": 1})

        now = await desk.hear(events.offer())
        later = await reconsider(desk.store)

        assert [event.customer_id for event in (*now, *later)] == ["ann", "bob"]
        assert await reconsider(desk.store) == []

    async def test_give_a_pool_that_backs_off_its_own_time_back(self, desk):
        order_id = await ordered(desk)
        (held,) = await desk.hear(events.refused(order_id))
        await desk.store.mark_due(["ann/pods"])

        assert await reconsider(desk.store) == []
        when = await desk.store.connection.fetchval("SELECT reconsider_at FROM pool")
        assert when == held.reconsider_at


class TestReceipts:
    async def test_are_kept_to_the_byte(self, desk):
        order_id = await ordered(desk)

        (row,) = await desk.store.list_receipts_of_order(order_id)

        again = decide(from_json(row["inputs"], Inputs))
        assert as_json(again) == row["decision"]
        assert as_json(from_json(row["decision"], Decision)) == row["decision"]

    async def test_name_the_events_they_were_made_from(self, desk):
        await desk.hear(events.counted(3))
        order_id = await ordered(desk)

        (row,) = await desk.store.list_receipts_of_order(order_id)

        inputs = from_json(row["inputs"], Inputs)
        named = (inputs.shelf_event, inputs.offer.event, inputs.slots[0].level_event, inputs.cause)
        assert named == ("event-1", "event-2", "event-4", "event-4")

    async def test_of_a_hold_are_the_customers_too(self, desk):
        order_id = await ordered(desk)
        await desk.hear(events.refused(order_id))

        rows = await desk.store.list_receipts("ann", 2**62, 10)

        assert [(row["outcome"], row["order_id"]) for row in rows] == [("hold", None), ("order", order_id)]

    async def test_of_a_proposal_come_with_the_order(self, desk):
        await ready(desk, mode=Mode.APPROVE)
        (held,) = await desk.hear(events.crossed(1))

        (row,) = await desk.store.list_receipts_of_order(held.order_id)

        assert (row["outcome"], row["receipt_id"]) == ("propose", held.receipt_id)


class TestCustomerErased:
    async def test_leaves_nothing_of_the_household(self, desk):
        order_id = await ordered(desk)

        assert await desk.hear(events.erased()) == []

        for table in ("pool", "slot", "subscription", "reorder", "receipt"):
            assert await desk.store.connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
        assert await desk.hear(events.arrived(order_id)) == []
        assert await desk.hear(events.counted(3)) == []
        assert await desk.hear(events.registered("late")) == []
        assert await desk.pool() is None
