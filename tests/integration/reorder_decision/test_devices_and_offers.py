"""Devices, offers and customers come and go, and every pool that is concerned looks again."""

from services.reorder_decision.domain import Situation
from services.reorder_decision.handlers import reassess_due
from tests.integration.reorder_decision import events
from tests.support import decisions as a


class TestDevices:
    async def test_replaced_are_watched_with_the_level_they_carry_over(self, desk):
        await desk.ready()
        await desk.hear(events.filled(17))

        (trigger,) = await desk.hear(events.replaced())

        assert (trigger.device_id, trigger.epoch) == ("new", 2)
        assert [(slot.device_id, slot.level) for slot in (await desk.pool()).slots] == [("new", 17)]

    async def test_that_follow_on_themselves_are_watched_once(self, desk):
        await desk.ready()

        said = await desk.hear(events.replaced("brewer", registration=2))

        assert [event.epoch for event in said] == [2]
        assert [slot.device_id for slot in (await desk.pool()).slots] == ["brewer"]

    async def test_replaced_twice_are_replaced_once(self, desk):
        await desk.ready()
        await desk.hear(events.replaced())

        assert await desk.hear(events.replaced()) == []

    async def test_that_leave_take_their_slots_along(self, desk):
        await desk.ready()

        (held,) = await desk.hear(events.deregistered())

        assert held.reason == "no_slots"
        assert await desk.hear(events.deregistered()) == []

    async def test_that_come_back_are_watched_again(self, desk):
        await desk.ready()
        await desk.hear(events.deregistered())

        (asked,) = await desk.hear(events.registered(registration=2))
        assert (type(asked).__name__, asked.registration) == ("TriggerSet", 2)
        assert await desk.hear(events.deregistered(registration=1)) == []

    async def test_of_two_products_have_two_pools(self, desk):
        await desk.hear(events.offer())
        await desk.hear(events.registered("brewer", events.spec(), events.spec(slot="2", product_id="milk")))

        await desk.subscribe()

        assert (await desk.pool("ann/milk")).hold.reason == "no_subscription"
        assert (await desk.pool()).situation is Situation.ARMED

    async def test_that_move_to_another_customer_leave_the_first_ones_pool(self, desk):
        await desk.ready()

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
        assert a.names_of(await desk.hear(events.offer())) == ["TriggerSet"]

    async def test_at_another_price_wake_nobody(self, desk):
        await desk.ready()

        assert await desk.hear(events.offer(price=599)) == []
        assert (await desk.pool()).offer.price == 599

    async def test_in_another_unit_hold_the_pool_until_they_are_told_in_the_slots(self, desk):
        await desk.ready()

        (held,) = await desk.hear(events.offer(unit="GRM", scale=0))

        assert (held.reason, held.wake_up) == ("pack_unit_differs", "OfferChanged")
        assert a.names_of(await desk.hear(events.offer(unit="C62", scale=1, pack_size=400))) == ["TriggerSet"]
        assert ((await desk.pool()).offer.unit, (await desk.pool()).offer.scale) == ("C62", 1)
        assert (await desk.store.find_offer("acme", "pods")).unit == "C62"

    async def test_that_go_hold_the_pool(self, desk):
        await desk.ready()

        (held,) = await desk.hear(events.offer(available=False))

        assert held.reason == "offer_unavailable"

    async def test_of_a_provider_that_stops_hold_the_pool_until_it_goes_on(self, desk):
        await desk.ready()

        (held,) = await desk.hear(events.provider(active=False))

        assert held.reason == "provider_inactive"
        assert a.names_of(await desk.hear(events.provider())) == ["TriggerSet"]

    async def test_for_more_pools_than_a_turn_holds_leave_the_rest_to_the_tick(self, desk):
        await desk.hear(events.registered())
        await desk.subscribe()
        await desk.hear(events.registered("other", customer_id="bob"))
        await desk.subscribe("bob")
        desk.store.settings = desk.store.settings.model_copy(update={"pools_per_transaction": 1})

        now = await desk.hear(events.offer())
        later = await reassess_due(desk.store)

        assert [event.customer_id for event in (*now, *later)] == ["ann", "bob"]
        assert await reassess_due(desk.store) == []

    async def test_give_a_pool_that_backs_off_its_own_time_back(self, desk):
        order_id = await desk.order()
        (held,) = await desk.hear(events.refused(order_id))
        await desk.store.mark_due(["ann/pods"])

        assert await reassess_due(desk.store) == []
        when = await desk.store.connection.fetchval("SELECT reconsider_at FROM pool")
        assert when == held.reconsider_at


class TestCustomerErased:
    async def test_leaves_nothing_of_the_household(self, desk):
        order_id = await desk.order()

        assert await desk.hear(events.erased()) == []

        for table in ("pool", "slot", "subscription", "reorder", "receipt"):
            assert await desk.store.connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
        assert await desk.hear(events.arrived(order_id)) == []
        assert await desk.hear(events.counted(3)) == []
        assert await desk.hear(events.registered("late")) == []
        assert await desk.pool() is None
