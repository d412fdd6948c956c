"""Links of devices with providers, and slots that customers pause there, as consumed from order_dispatch."""

from datetime import timedelta

import pytest

from replenish_contracts.events import (
    LinkCreated,
    LinkEnded,
    OrderCancelled,
    ProviderChanged,
    ProviderSubscriptionChanged,
    SubscribedItem,
)
from services.reorder_decision.domain import Situation
from tests.support import decision_events as events
from tests.support import decisions as a

AT = {"customer_id": "ann", "provider_id": "acme", "device_id": "brewer"}
MINUTE = timedelta(minutes=1)


def created(minutes=0, link_id="l1", **changes):
    return LinkCreated(**AT | {"link_id": link_id, "occurred_at": a.NOON + minutes * MINUTE} | changes)


def ended(minutes=1, link_id="l1", **changes):
    moment = a.NOON + minutes * MINUTE
    return LinkEnded(**AT | {"link_id": link_id, "reason": "deregistered", "occurred_at": moment} | changes)


def changed(*, subscribed, minutes=2, slot="1", items=("B1",), **changes):
    fields = AT | {"slot": slot, "subscribed": subscribed, "occurred_at": a.NOON + minutes * MINUTE}
    return ProviderSubscriptionChanged(
        **fields | {"items": tuple(SubscribedItem(reference=item) for item in items)} | changes
    )


def needs_link(**changes):
    fields = {"provider_id": "acme", "name": "Acme", "protocol": "drs", "needs_link": True}
    return ProviderChanged(**fields | changes)


@pytest.fixture
async def linked(desk):
    await desk.ready()
    await desk.hear(created())
    return desk


class TestPause:
    async def test_holds_the_pool_until_it_ends(self, linked):
        (held,) = await linked.hear(changed(subscribed=False))
        crossed = await linked.hear(events.crossed(1, 6))
        (trigger,) = await linked.hear(changed(subscribed=True, minutes=9))
        (approved,) = await linked.hear(events.crossed(trigger.epoch, 6))

        assert (held.reason, held.provider_id, held.since) == ("paused_at_provider", "acme", a.NOON + 2 * MINUTE)
        assert crossed == []
        assert type(approved).__name__ == "ReorderApproved"

    async def test_repeated_one_is_decided_once(self, linked):
        await linked.hear(changed(subscribed=False))

        assert await linked.hear(changed(subscribed=False)) == []

    async def test_keeps_its_beginning(self, linked):
        await linked.hear(changed(subscribed=False))
        await linked.hear(changed(subscribed=False, minutes=7, items=("B2",)))

        ((link,),) = [slot.links for slot in (await linked.pool()).slots]

        assert (link.subscribed_at, link.items) == (a.NOON + 2 * MINUTE, ("B2",))

    async def test_of_another_slot_has_no_effect(self, linked):
        assert await linked.hear(changed(subscribed=False, slot="2")) == []
        assert (await linked.pool()).situation is Situation.ARMED

    async def test_of_another_customers_device_has_no_effect(self, linked):
        await linked.hear(changed(subscribed=False, customer_id="bob"))

        assert (await linked.pool()).situation is Situation.ARMED

    async def test_before_the_device_is_registered_counts(self, desk):
        await desk.hear(created())
        await desk.hear(changed(subscribed=False))

        await desk.ready()

        assert (await desk.pool()).hold.reason == "paused_at_provider"

    async def test_moves_with_a_replaced_device(self, linked):
        await linked.hear(changed(subscribed=False))

        await linked.hear(events.replaced())

        (slot,) = (await linked.pool()).slots
        assert (slot.device_id, slot.links[0].subscribed) == ("new", False)
        assert (await linked.pool()).hold.reason == "paused_at_provider"

    async def test_reported_for_the_new_device_first_is_kept(self, linked):
        await linked.hear(changed(subscribed=True))
        await linked.hear(changed(subscribed=False, device_id="new", minutes=5))

        await linked.hear(events.replaced())

        assert (await linked.pool()).hold.reason == "paused_at_provider"

    async def test_is_shown_with_the_subscription(self, linked):
        await linked.hear(changed(subscribed=False))

        row = await linked.store.find_subscription("of ann")

        assert '"subscribed":false' in row["at_provider"].replace(" ", "")

    async def test_of_an_order_that_was_not_sent_is_no_failure(self, linked):
        (approved,) = await linked.hear(events.crossed(1, 6))
        await linked.hear(changed(subscribed=False))
        line = {"order_id": approved.order_id, "by": "pause", "reason": "paused at acme"}

        (held,) = await linked.hear(OrderCancelled(**events.ORDER | line))

        assert held.reason == "paused_at_provider"
        assert (await linked.pool()).failures == 0


class TestLink:
    async def test_end_holds_the_pool_until_the_device_is_linked_again(self, linked):
        (held,) = await linked.hear(ended())
        (trigger,) = await linked.hear(created(minutes=5, link_id="l2"))

        assert (held.reason, held.since) == ("link_ended", a.NOON + MINUTE)
        assert type(trigger).__name__ == "TriggerSet"

    async def test_late_end_of_an_earlier_link_has_no_effect(self, linked):
        await linked.hear(created(minutes=5, link_id="l2"))

        assert await linked.hear(ended(minutes=9)) == []

    async def test_late_creation_of_an_earlier_link_has_no_effect(self, linked):
        await linked.hear(ended(minutes=3))

        assert await linked.hear(created(minutes=2)) == []
        assert (await linked.pool()).hold.reason == "link_ended"

    async def test_new_link_forgets_the_pause_of_the_earlier_one(self, linked):
        await linked.hear(changed(subscribed=False))
        await linked.hear(ended(minutes=3))

        await linked.hear(created(minutes=4, link_id="l2"))

        assert (await linked.pool()).situation is Situation.ARMED

    async def test_missing_one_holds_the_pool_of_a_provider_that_needs_it(self, desk):
        await desk.ready()

        (held,) = await desk.hear(needs_link())
        await desk.hear(created())

        assert (held.reason, held.wake_up) == ("not_linked", "LinkCreated")
        assert (await desk.pool()).situation is Situation.ARMED

    async def test_is_erased_with_the_customer(self, linked):
        await linked.hear(changed(subscribed=False))

        await linked.hear(events.erased())

        assert await linked.store.connection.fetchval("SELECT count(*) FROM link") == 0
        assert await linked.hear(changed(subscribed=True)) == []


async def test_test_provider_is_named_in_the_proposal(desk):
    await desk.ready(mode="approve")
    await desk.hear(ProviderChanged(provider_id="acme", name="Acme", protocol="webhook", test=True))

    (held,) = await desk.hear(events.crossed(1, 6))

    assert held.test
