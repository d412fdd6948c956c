"""Metrics of held pools."""

from prometheus_client import REGISTRY

from services.reorder_decision.service import SERVICE
from tests.support import decision_events as events


def held(reason):
    return REGISTRY.get_sample_value("reorder_decision_held_pools", {"reason": reason}) or 0


async def test_held_pools_are_counted_by_reason(desk):
    [measure] = SERVICE.measures
    order_id = await desk.order()
    await measure.take(desk.store)
    ordered = held("not_delivered")
    await desk.hear(events.refused(order_id))
    await desk.hear(events.counted(1).model_copy(update={"product_id": "tea"}))

    await measure.take(desk.store)

    assert (ordered, held("not_delivered"), held("no_subscription")) == (0, 1, 1)
