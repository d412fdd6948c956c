"""A provider's deadline ends its order, and the next provider is asked, once."""

from services.reorder_decision.domain import Situation
from tests.integration.reorder_decision import events


class TestADeadline:
    async def test_orders_from_the_next_provider_and_keeps_the_subscription(self, desk):
        await desk.hear(events.offer(provider_id="near", price=510))
        await desk.hear(events.offer(provider_id="wrong", price=1, pack_size=20))
        order_id = await desk.order()

        (approved,) = await desk.hear(events.cancelled(order_id, by="deadline"))
        again = await desk.hear(events.cancelled(order_id, by="deadline"))

        assert (type(approved).__name__, approved.provider_id) == ("ReorderApproved", "near")
        assert again == []
        pool = await desk.pool()
        assert (pool.situation, pool.order.order_id) == (Situation.ORDERED, approved.order_id)
        assert pool.subscription.provider_id == "acme"

    async def test_without_another_provider_is_a_failure_like_any(self, desk):
        order_id = await desk.order()

        (held,) = await desk.hear(events.cancelled(order_id, by="deadline"))

        assert (type(held).__name__, held.reason) == ("ReorderHeld", "not_delivered")

    async def test_of_a_customer_who_did_not_order_themselves_asks_nobody_else(self, desk):
        await desk.hear(events.offer(provider_id="near", price=510))
        order_id = await desk.order()

        (held,) = await desk.hear(events.cancelled(order_id, by="expired"))

        assert held.reason == "not_delivered"
