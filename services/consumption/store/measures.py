"""Consumption's metrics with their meanings."""

from prometheus_client import Counter

from libs.kit import Measure
from libs.kit import Store as KitStore

DUPLICATE_REPORTS = Counter("consumption_duplicate_reports", "Reports that were applied before and came again")


async def count_gaps(store: KitStore) -> int:
    found: int = await store.connection.fetchval("-- count_gaps\nSELECT count(*) FROM gap WHERE NOT given_up")
    return found


async def count_quarantined(store: KitStore) -> int:
    found: int = await store.connection.fetchval("-- count_quarantined\nSELECT count(*) FROM slot WHERE quarantined")
    return found


MEASURES = (
    Measure("consumption_gaps", "Holes in slots' counts of reports that may still be filled", count_gaps),
    Measure("consumption_quarantined_slots", "Slots whose reports wait until a person looks", count_quarantined),
)
