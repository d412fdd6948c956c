"""Metrics of reorder decision."""

from libs.kit import Measure
from libs.kit import Store as KitStore


async def count_held(store: KitStore) -> dict[str, float]:
    rows = await store.connection.fetch(
        """-- count_held
        SELECT hold ->> 'reason' AS reason, count(*) AS pools FROM pool WHERE situation IN ('held', 'collecting')
        GROUP BY 1
        """
    )
    return {row["reason"]: row["pools"] for row in rows}


MEASURES = (
    Measure("reorder_decision_held_pools", "Pools for which nothing is ordered, by reason", count_held, label="reason"),
)
