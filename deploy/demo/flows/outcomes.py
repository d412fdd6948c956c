"""Counts the outcomes of each flow's orders from their histories."""

from collections.abc import Iterable, Mapping
from typing import Any

ENDS = ("placed", "shipped", "delivered", "cancelled", "refused", "unknown_resolved")


def count_flow(orders: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many orders were ever in each state, and how many left `unknown` again."""
    counted = dict.fromkeys(ENDS, 0)
    for order in orders:
        states = {step["to_state"] for step in order["history"]}
        for state in ENDS:
            counted[state] += state in states
        counted["unknown_resolved"] += any(step["from_state"] == "unknown" for step in order["history"])
    return counted
