"""Product, provider and device change while an order is open: it stays as it was, and the next one follows."""

from replenish_contracts.events import SubscriptionStatus
from services.reorder_decision.api.holidays import apply_holiday
from services.reorder_decision.domain import Holiday
from services.reorder_decision.handlers import reassess_due
from tests.integration.reorder_decision import events
from tests.support import decisions as a


async def next_order(desk, **where):
    pool = await desk.pool()
    (approved,) = await desk.hear(events.crossed(pool.epoch, **where))
    return approved


class TestAnotherProvider:
    async def test_gets_the_next_order(self, desk):
        first = await desk.order()
        await desk.hear(events.offer(provider_id="globex"))

        said = await desk.subscribe(provider_id="globex")
        waiting = await desk.pool()
        await desk.hear(events.arrived(first, shelf=0))

        assert a.names_of(said) == ["SubscriptionChanged"]
        assert (waiting.order.order_id, waiting.order.provider_id, waiting.on_order) == (first, "acme", 40)
        assert (await next_order(desk)).provider_id == "globex"


class TestAnotherProduct:
    async def test_in_the_slot_is_counted_and_ordered_by_itself(self, desk):
        first = await desk.order()
        pads = events.spec(product_id="pads", level=4)
        await desk.hear(events.offer(product_id="pads"))

        await desk.hear(events.deregistered())
        await desk.hear(events.registered("brewer", pads, registration=2))
        await desk.subscribe(product_id="pads", subscription_id="of pads")
        old, new = await desk.pool(), await desk.pool("ann/pads")
        said = await desk.hear(events.arrived(first))

        assert (old.order.order_id, old.slots) == (first, ())
        assert (new.on_order, new.trigger.shelf_and_on_order, [slot.level for slot in new.slots]) == (0, 0, [4])
        assert [event.reason for event in said] == ["no_slots"]
        assert (await desk.pool("ann/pads")).order is None


class TestPaused:
    async def test_with_an_order_open_orders_the_next_one_after_it_goes_on(self, desk):
        first = await desk.order()
        await desk.subscribe(status=SubscriptionStatus.PAUSED)
        held = await desk.hear(events.arrived(first, shelf=0))

        said = await desk.subscribe(status=SubscriptionStatus.ACTIVE)

        assert [event.reason for event in held] == ["paused"]
        assert a.names_of(said) == ["SubscriptionChanged", "TriggerSet"]
        assert (await next_order(desk)).order_id != first


class TestAHoliday:
    AWAY = Holiday(a.NOON - a.days(1), a.NOON + a.days(10))

    async def away(self, desk, holiday=AWAY):
        await desk.store.save_holiday("ann", holiday)
        return await apply_holiday("ann", holiday, desk.store)

    async def test_loses_no_wake_up(self, desk):
        await desk.ready()
        await self.away(desk)

        (held,) = await desk.hear(events.crossed(1))
        too_early = await reassess_due(desk.store)
        desk.store.now = held.reconsider_at
        asked = await reassess_due(desk.store)

        assert (held.reason, held.reconsider_at) == ("away", self.AWAY.ends_at - a.days(5))
        assert too_early == []
        assert a.names_of(asked) == ["TriggerSet"]
        assert a.names_of(await desk.hear(events.crossed(asked[0].epoch))) == ["ReorderApproved"]

    async def test_that_is_called_off_is_decided_on_at_once(self, desk):
        await desk.ready()
        await self.away(desk)
        await desk.hear(events.crossed(1))

        await desk.store.delete_holiday("ann")
        said = await apply_holiday("ann", None, desk.store)

        assert a.names_of(said) == ["TriggerSet"]
        assert (await desk.pool()).holiday is None

    async def test_holds_every_product_of_the_household_and_nobody_elses(self, desk):
        await desk.hear(events.offer())
        await desk.hear(events.registered("other", customer_id="bob"))
        await desk.subscribe("bob")
        await self.away(desk)

        assert (await desk.pool("bob/pods")).holiday is None

    async def test_of_a_customer_who_is_erased_is_forgotten(self, desk):
        await desk.ready()
        await self.away(desk)

        await desk.hear(events.erased())

        assert await desk.store.find_holiday("ann") is None
        assert await desk.store.save_holiday("ann", self.AWAY) is False


class TestACustomerOfADeviceThatLeft:
    async def test_waits_and_orders_again_after_it_came_back(self, desk):
        first = await desk.order()
        held = await desk.hear(events.deregistered())
        ended = await desk.hear(events.cancelled(first, "deregistration"))

        said = await desk.hear(events.registered(registration=2))

        assert held == []
        assert [event.reason for event in ended] == ["no_slots"]
        assert a.names_of(said) == ["TriggerSet"]
        assert (await next_order(desk)).order_id != first
