"""Metrics of consumption."""

from prometheus_client import Counter

from libs.kit import Measure
from libs.kit import Store as KitStore

DUPLICATE_REPORTS = Counter("consumption_duplicate_reports", "Reports received again after they were applied")


async def count_gaps(store: KitStore) -> int:
    found: int = await store.connection.fetchval("-- count_gaps\nSELECT count(*) FROM gap WHERE NOT given_up")
    return found


async def count_quarantined(store: KitStore) -> int:
    found: int = await store.connection.fetchval("-- count_quarantined\nSELECT count(*) FROM slot WHERE quarantined")
    return found


async def count_pending_readings(store: KitStore) -> int:
    found: int = await store.connection.fetchval("-- count_pending_readings\nSELECT count(*) FROM pending_reading")
    return found


async def count_shared_counters(store: KitStore) -> int:
    found: int = await store.connection.fetchval(
        "-- count_shared_counters\nSELECT count(*) FROM device WHERE shared_boot IS NOT NULL"
    )
    return found


MEASURES = (
    Measure("consumption_gaps", "Gaps in slots' sequences of reports that can still be filled", count_gaps),
    Measure(
        "consumption_quarantined_slots",
        "Slots that apply no reports until a person enters their level",
        count_quarantined,
    ),
    Measure(
        "consumption_pending_readings",
        "Readings that differ from the books by more than plausible use, and wait for a second one",
        count_pending_readings,
    ),
    Measure("consumption_shared_counters", "Devices that count one seq over all their slots", count_shared_counters),
)
