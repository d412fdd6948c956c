"""Metrics that are read from the database."""

from libs.kit import Measure
from libs.kit import Store as KitStore


async def count_open_orders(store: KitStore) -> dict[str, float]:
    rows = await store.connection.fetch(
        """-- count_open_orders
        SELECT state, count(*) AS orders FROM orders
        WHERE state IN ('drafted', 'reserving', 'authorizing', 'placing', 'unknown', 'placed', 'shipped') GROUP BY state
        """
    )
    return {row["state"]: row["orders"] for row in rows}


async def get_oldest_unknown_seconds(store: KitStore) -> float:
    seconds: float = await store.connection.fetchval(
        """-- get_oldest_unknown_seconds
        SELECT coalesce(extract(epoch FROM $1 - min(h.occurred_at)), 0)::float8
        FROM orders AS o JOIN order_history AS h USING (order_id, step) WHERE o.state = 'unknown'
        """,
        store.now,
    )
    return seconds


async def count_questions(store: KitStore) -> float:
    """Count open orders with an update that an operator must read; see `list_questions`."""
    questions: int = await store.connection.fetchval(
        """-- count_questions
        SELECT count(DISTINCT order_id) FROM provider_update AS asked JOIN orders USING (order_id)
        WHERE asks AND settled_at IS NULL AND asked.provider_id = orders.provider_id
            AND state NOT IN ('delivered', 'returned', 'refused', 'cancelled', 'failed')
        """
    )
    return questions


MEASURES = (
    Measure("order_dispatch_open_orders", "Open orders by state", count_open_orders, label="state"),
    Measure(
        "order_dispatch_oldest_unknown_seconds",
        "Seconds since the oldest order in state unknown entered it; 0 if there is none",
        get_oldest_unknown_seconds,
    ),
    Measure("order_dispatch_open_questions", "Open orders with an update that an operator must read", count_questions),
)
