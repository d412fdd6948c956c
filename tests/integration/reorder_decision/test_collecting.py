"""Pools that collect are ordered together, in one transaction, and are found by the periodic job and by orders."""

import asyncpg
import pytest

from replenish_contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain import Situation, order_id_of
from services.reorder_decision.handlers import reassess_due
from services.reorder_decision.store.measures import count_held
from tests.support import decision_events as events
from tests.support import decisions as a


async def subscribe(desk, product_id="pods", **wishes):
    await desk.subscribe(product_id=product_id, subscription_id=f"of {product_id}", **{"days": 14.0, **wishes})


class TestTogether:
    async def test_order_takes_along_what_collects(self, home):
        await subscribe(home, "filters", **a.COLLECTS)
        await subscribe(home)
        waited = await home.cross("filters")

        (approved,) = await home.cross()

        pods, filters = await home.pool(), await home.pool("ann/filters")
        assert a.names_of(waited) == ["TriggerSet", "ReorderHeld"]
        assert approved.order_id == order_id_of("ann/pods", 1)
        assert [(line.product_id, line.slot, line.epoch) for line in approved.lines] == [
            *(("pods", "1", 1), ("filters", "2", 2)),
        ]
        assert pods.order.order_id == filters.order.order_id == approved.order_id
        assert await home.lines_of(approved.order_id) == [("ann/filters", 2, "open"), ("ann/pods", 1, "open")]
        assert (filters.situation, filters.collecting_pool_ids) == (Situation.ORDERED, ())

    async def test_two_pools_that_collect_are_ordered_at_first_deadline(self, home):
        await subscribe(home, "filters", **a.COLLECTS)
        await subscribe(home, "pods", days=14.0, collect_hours=96.0)
        await home.cross()
        home.store.now += a.days(1)
        await home.cross("filters")

        home.store.now += a.days(1.9)
        early = await reassess_due(home.store)
        home.store.now += a.days(0.1)
        (approved,) = await reassess_due(home.store)

        assert early == []
        assert approved.order_id == order_id_of("ann/filters", 2)
        assert [line.product_id for line in approved.lines] == ["filters", "pods"]
        assert await reassess_due(home.store) == []

    async def test_single_pool_is_ordered_at_deadline(self, home):
        await subscribe(home, **a.COLLECTS)
        await home.cross()
        home.store.now += a.days(2)

        (approved,) = await reassess_due(home.store)

        assert [line.product_id for line in approved.lines] == ["pods"]
        assert (await home.pool()).order.order_id == approved.order_id

    async def test_urgent_pool_takes_along_what_collects(self, home):
        await subscribe(home, "filters", **a.COLLECTS)
        await subscribe(home, **a.COLLECTS)
        await home.cross("filters")

        (approved,) = await home.cross(level=6)

        assert [line.product_id for line in approved.lines] == ["pods", "filters"]

    async def test_collecting_pool_that_becomes_urgent_is_ordered_at_once(self, home):
        await subscribe(home, **a.COLLECTS)
        await home.cross()

        (approved,) = await home.cross(level=4)

        assert (approved.epoch, len(approved.lines)) == (2, 1)

    async def test_approved_proposal_takes_along_what_collects(self, home):
        await subscribe(home, "filters", **a.COLLECTS)
        await subscribe(home, mode=Mode.APPROVE)
        await home.cross("filters")

        (held,) = await home.cross()

        assert (await home.pool("ann/filters")).situation is Situation.COLLECTING
        row = await home.store.find_order(held.order_id)
        assert (row["pool_id"], row["collecting_pool_ids"]) == ("ann/pods", ["ann/filters"])

    async def test_other_customers_and_providers_keep_collecting(self, home):
        await home.hear(events.offer(provider_id="globex", product_id="filters"))
        await home.hear(events.provider(provider_id="globex", lead_time_days=2))
        await home.hear(events.registered("other", customer_id="bob"))
        await home.subscribe("bob", **a.COLLECTS)
        await subscribe(home, "filters", provider_id="globex", **a.COLLECTS)
        await subscribe(home)
        await home.hear(events.crossed(1, 26, "other", customer_id="bob", pool_id="bob/pods"))
        await home.cross("filters")

        (approved,) = await home.cross()

        assert len(approved.lines) == 1
        assert (await home.pool("bob/pods")).situation is Situation.COLLECTING
        assert (await home.pool("ann/filters")).situation is Situation.COLLECTING

    async def test_collecting_pools_are_measured(self, home):
        await subscribe(home, **a.COLLECTS)
        await home.cross()

        assert (await count_held(home.store))["collecting"] == 1


class TestNeedDisappears:
    @pytest.mark.parametrize(
        ("event", "situation"),
        [
            (events.counted(40), Situation.ARMED),
            (events.filled(50), Situation.ARMED),
            (events.deregistered(), Situation.HELD),
            (events.offer(available=False), Situation.HELD),
            (events.provider(active=False, lead_time_days=2), Situation.HELD),
        ],
        ids=["counted", "filled", "device left", "sold out", "provider closed"],
    )
    async def test_pool_leaves_the_collection(self, home, event, situation):
        await subscribe(home, **a.COLLECTS)
        await subscribe(home, "filters")
        await home.cross()

        await home.hear(event)

        assert (await home.pool()).situation is situation
        home.store.now += a.days(2)
        assert "ReorderApproved" not in a.names_of(await reassess_due(home.store))

    async def test_cancelled_subscription_leaves_the_collection(self, home):
        await subscribe(home, **a.COLLECTS)
        await subscribe(home, "filters")
        await home.cross()
        await subscribe(home, status=SubscriptionStatus.ENDED, **a.COLLECTS)

        (approved,) = await home.cross("filters")

        assert [line.product_id for line in approved.lines] == ["filters"]


class TestStore:
    async def test_due_mark_of_offer_change_keeps_the_deadline(self, home):
        await subscribe(home, **a.COLLECTS)
        await home.cross()
        await home.store.mark_due(["ann/pods"])

        assert await reassess_due(home.store) == []

        assert await home.store.list_due(9) == []
        home.store.now += a.days(2)
        assert await home.store.list_due(9) == ["ann/pods"]

    @pytest.mark.parametrize(
        "spoil",
        [
            "UPDATE pool SET collect_until = NULL WHERE pool_id = 'ann/pods'",
            "UPDATE pool SET collect_until = now() WHERE pool_id = 'ann/filters'",
        ],
    )
    async def test_only_collecting_pools_have_a_deadline(self, home, spoil):
        await subscribe(home, **a.COLLECTS)
        await home.cross()

        with pytest.raises(asyncpg.CheckViolationError):
            async with home.store.connection.transaction():
                await home.store.connection.execute(spoil)

    async def test_check_finds_collecting_pool_without_trigger(self, home):
        await subscribe(home, **a.COLLECTS)
        await home.cross()
        await home.store.connection.execute("UPDATE pool SET trigger = NULL WHERE pool_id = 'ann/pods'")

        home.expected = await home.findings()

        assert list(home.expected) == ["check_every_active_pool_waits_for_something"]

    async def test_check_finds_lines_of_two_providers(self, home):
        await subscribe(home, "filters", **a.COLLECTS)
        await subscribe(home)
        await home.cross("filters")
        (approved,) = await home.cross()
        await home.store.connection.execute("UPDATE reorder SET provider_id = 'globex' WHERE pool_id = 'ann/pods'")

        home.expected = await home.findings()

        assert home.expected == {
            "check_lines_of_an_order_belong_together": [(approved.order_id, "lines of 1 customers and 2 providers")]
        }
